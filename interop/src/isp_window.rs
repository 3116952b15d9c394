//! Some ISPs soon to come.

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The time zone of every test.
pub(crate) const TIME_ZONE: &str = "Europe/Amsterdam";
/// The length of an ISP in every test.
const ISP: SignedDuration = SignedDuration::from_mins(15);
/// What is left until the first ISP, so that none begins while a test runs.
const NOTICE: SignedDuration = SignedDuration::from_mins(10);

/// Consecutive ISPs of one local day that begin some minutes from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IspWindow {
    /// The local day.
    pub period: Date,
    /// The number of the first ISP in that day.
    pub first: i64,
    /// How many ISPs.
    pub count: i64,
    /// When the first one begins.
    pub start: Timestamp,
}

impl IspWindow {
    /// The next `count` ISPs that begin ten minutes from now or later and lie in one day.
    pub fn after(now: Timestamp, count: i64) -> Result<Self> {
        let zone = TimeZone::get(TIME_ZONE).context("the time zone of the tests")?;
        let earliest = now.checked_add(NOTICE)?;
        let day = earliest.to_zoned(zone).start_of_day()?;
        let elapsed = earliest.duration_since(day.timestamp());
        let passed = elapsed.as_secs() / ISP.as_secs() + i64::from(elapsed.as_secs() % ISP.as_secs() != 0);
        let next_day = day.tomorrow()?.start_of_day()?;
        let isps_in_day = next_day.timestamp().duration_since(day.timestamp()).as_secs() / ISP.as_secs();
        let (day, first) = if passed + count <= isps_in_day { (day, passed + 1) } else { (next_day, 1) };
        let start = day.timestamp().checked_add(ISP * i32::try_from(first - 1)?)?;
        Ok(Self { period: day.date(), first, count, start })
    }

    /// When ISP number `index` of the window begins, counted from 0; `count` gives the window's end.
    pub fn begin(&self, index: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(index * ISP.as_secs())
    }

    /// When the last ISP ends.
    pub fn end(&self) -> Timestamp {
        self.begin(self.count)
    }

    /// The attributes that all Flex messages share, with this window's day.
    pub fn flex_message(&self, congestion_point: &str) -> Value {
        json!({
            "ISP-Duration": "PT15M",
            "TimeZone": TIME_ZONE,
            "Period": self.period.to_string(),
            "CongestionPoint": congestion_point,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn window(now: &str) -> IspWindow {
        IspWindow::after(instant(now), 4).expect("a window")
    }

    #[test]
    fn begins_at_the_first_boundary_with_notice() {
        let window = window("2026-11-21T09:03:00+01:00");
        assert_eq!((window.period.to_string().as_str(), window.first), ("2026-11-21", 38));
        assert_eq!(window.start, instant("2026-11-21T09:15:00+01:00"));
        assert_eq!(window.end(), instant("2026-11-21T10:15:00+01:00"));
    }

    #[test]
    fn does_not_cross_midnight() {
        let window = window("2026-11-21T22:55:00+01:00");
        assert_eq!((window.period.to_string().as_str(), window.first), ("2026-11-22", 1));
    }

    #[test]
    fn counts_from_local_midnight_when_clocks_change() {
        let window = window("2026-10-25T04:00:00+01:00");
        assert_eq!((window.first, window.start), (22, instant("2026-10-25T04:15:00+01:00")));
    }
}
