use jiff::{SignedDuration, Timestamp};

use super::Quantiles;
use crate::Chance;

/// The departures that drivers state are in quarters of an hour.
const QUARTER: i64 = 15 * 60;

/// How wrong the departure is that a driver states.
///
/// In ACN-Data's JPL sessions of 2019, 28 % of the drivers left more than 15 min before the time that they had stated (22 to 37 % in other
/// periods up to spring 2020), and 57 % more than 15 min after it; half of all errors were greater than 1.4 h.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedDeparture {
    /// The stated departure minus the real one, in minutes: positive where the car leaves early.
    pub error: Quantiles,
}

impl Default for StatedDeparture {
    fn default() -> Self {
        let error =
            [(0, -600), (50, -412), (250, -130), (500, -30), (720, 15), (750, 26), (950, 262), (1000, 600)];
        Self { error: Quantiles::new(error).expect("these are quantiles, as the tests of this crate say") }
    }
}

impl StatedDeparture {
    /// What the driver of a car that is there from `arrival` to `departure` states: a quarter of an hour, at least one after arrival.
    pub fn draw(&self, arrival: Timestamp, departure: Timestamp, chance: &mut Chance) -> Timestamp {
        let error = SignedDuration::from_mins(self.error.draw(chance));
        let stated = departure.saturating_add(error).map_or(departure, |stated| stated);
        let earliest = arrival.as_second() + QUARTER;
        let second = (stated.as_second() + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
        let second = second.max(earliest.div_euclid(QUARTER) * QUARTER + QUARTER);
        Timestamp::from_second(second).unwrap_or(departure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn as_many_leave_early_and_late_as_in_the_source() {
        let (arrival, departure) = (at("2026-06-04T06:00:00Z"), at("2026-06-04T15:07:00Z"));
        let distribution = StatedDeparture::default();
        let mut chance = Chance::of(1, "stated", 0);
        let errors: Vec<i64> = (0..20_000)
            .map(|_| departure.duration_until(distribution.draw(arrival, departure, &mut chance)).as_mins())
            .collect();
        let share =
            |of: &dyn Fn(i64) -> bool| errors.iter().filter(|error| of(**error)).count() * 1000 / 20_000;
        let (early, late) = (share(&|error| error > 15), share(&|error| error < -15));
        assert!((220..=370).contains(&early), "{early} per mille leave early");
        assert!((500..=600).contains(&late), "{late} per mille leave late");
    }

    #[test]
    fn a_stated_departure_is_a_quarter_of_an_hour_after_the_arrival() {
        let (arrival, departure) = (at("2026-06-04T06:01:00Z"), at("2026-06-04T06:31:00Z"));
        let mut chance = Chance::of(1, "stated", 1);
        for _ in 0..1000 {
            let stated = StatedDeparture::default().draw(arrival, departure, &mut chance);
            assert!(stated > arrival && stated.as_second() % QUARTER == 0, "{stated}");
        }
    }
}
