use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tieline_types::{Power, TimeSpan};

use super::ConfigError;

/// A minute.
const STEP: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// What a congestion point's connections take on a typical day: from each local time on, a power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedLoad(Vec<(Time, Power)>);

impl ExpectedLoad {
    /// Reads `HH:MM,watts` line by line, the first at `00:00`, the times rising; a heading and empty lines may be there.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|cause| ConfigError::invalid(path.display().to_string(), cause))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut load: Vec<(Time, Power)> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let row = line.split_once(',').and_then(|(time, watts)| {
                Some((time.trim().parse::<Time>().ok()?, watts.trim().parse::<i64>().ok()?))
            });
            match row {
                Some((time, watts)) => {
                    if load.last().is_some_and(|(before, _)| *before >= time) {
                        return Err(format!("line {}: its time is not after the one before", number + 1));
                    }
                    load.push((time, Power::from_watts(watts)));
                }
                // A heading.
                None if number == 0 => {}
                None => {
                    return Err(format!(
                        "line {}: expected a local time and watts, as 07:15,4200",
                        number + 1
                    ));
                }
            }
        }
        match load.first() {
            Some((first, _)) if *first == Time::midnight() => Ok(Self(load)),
            _ => Err("the first time is not 00:00".to_owned()),
        }
    }

    /// The mean power in a span, on the local clock of `zone`.
    pub fn mean(&self, span: TimeSpan, zone: &TimeZone) -> Power {
        let (mut sum, mut count) = (0_i128, 0_i128);
        let mut at = span.start();
        while at < span.end() {
            sum += i128::from(self.at(at, zone).watts());
            count += 1;
            let Ok(next) = at.checked_add(STEP) else { break };
            at = next;
        }
        Power::from_watts(i64::try_from(sum / count.max(1)).unwrap_or(0))
    }

    fn at(&self, at: Timestamp, zone: &TimeZone) -> Power {
        let time = zone.to_datetime(at).time();
        let next = self.0.partition_point(|(from, _)| *from <= time);
        self.0[..next].last().map_or(Power::ZERO, |(_, power)| *power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_span_is_by_the_local_clock() {
        let load = ExpectedLoad::parse("time,watts\n00:00,100\n02:00,200\n 03:10 , 800\n").unwrap();
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let mean = |span: &str| load.mean(span.parse().unwrap(), &zone).watts();
        assert_eq!(mean("2026-06-10T00:00:00Z/2026-06-10T00:15:00Z"), 200);
        // 03:00 to 03:15, of which the last five minutes are after 03:10.
        assert_eq!(mean("2026-06-10T01:00:00Z/2026-06-10T01:15:00Z"), 400);
        // On 29 March the clocks go from 02:00 to 03:00.
        assert_eq!(mean("2026-03-29T00:45:00Z/2026-03-29T01:00:00Z"), 100);
        assert_eq!(mean("2026-03-29T01:15:00Z/2026-03-29T01:30:00Z"), 800);
    }

    #[test]
    fn mistakes_are_named_by_their_line() {
        for (text, named) in [
            ("", "00:00"),
            ("01:00,5", "00:00"),
            ("00:00,1\n00:15,x", "line 2"),
            ("00:00,1\n00:15,2\n00:15,3", "line 3"),
            ("00:00,1\n25:00,2", "line 2"),
        ] {
            let said = ExpectedLoad::parse(text).unwrap_err();
            assert!(said.contains(named), "{text}: {said}");
        }
    }
}
