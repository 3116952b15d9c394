use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, ToSpan as _};
use tieline_types::Energy;

use super::Quantiles;
use crate::Chance;

/// One kind of visit to a charger: how often, when, how long, how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Its name; the draws of different visits have different streams.
    pub name: &'static str,
    /// On how many of a thousand days from Monday to Friday somebody comes.
    pub weekday: u16,
    /// On how many of a thousand Saturdays and Sundays.
    pub weekend: u16,
    /// When, in minutes after 00:00 on the local clock.
    pub arrival: Quantiles,
    /// When it leaves.
    pub leaving: Leaving,
    /// What the car can take before it is full, in watt-hours.
    pub energy: Quantiles,
    /// How many of a thousand drivers say when they leave.
    pub states_departure: u16,
}

/// When a car leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// After so many minutes.
    After(Quantiles),
    /// On the next day, so many minutes after 00:00 on the local clock.
    NextDay(Quantiles),
}

/// A visit as it was drawn, on the local clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// When the car comes.
    pub arrival: DateTime,
    /// When it leaves.
    pub departure: DateTime,
    /// What it can take.
    pub energy: Energy,
    /// Whether the driver says when the car leaves.
    pub states_departure: bool,
}

impl Visit {
    /// The visit of a day, if somebody comes. Every draw is made whether somebody comes or not.
    pub fn draw(&self, day: Date, chance: &mut Chance) -> Option<Drawn> {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let comes = chance.per_mille(if weekend { self.weekend } else { self.weekday });
        let midnight = day.at(0, 0, 0, 0);
        let arrival = midnight
            .checked_add(self.arrival.draw(chance).minutes())
            .and_then(|minute| minute.checked_add(chance.between(0, 59).seconds()));
        let departure = match &self.leaving {
            Leaving::After(minutes) => {
                let stay = SignedDuration::from_mins(minutes.draw(chance));
                arrival.clone().and_then(|arrival| arrival.checked_add(stay))
            }
            Leaving::NextDay(minutes) => {
                let after = minutes.draw(chance).minutes();
                midnight.checked_add(1.day()).and_then(|next| next.checked_add(after))
            }
        };
        let energy = Energy::from_watt_hours(self.energy.draw(chance));
        let states_departure = chance.per_mille(self.states_departure);
        // A day at the end of the calendar has no visits.
        let (arrival, departure, energy) = (arrival.ok()?, departure.ok()?, energy?);
        comes.then_some(Drawn { arrival, departure, energy, states_departure })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::SiteKind;

    /// A thousand Mondays and a thousand Saturdays of one visit.
    fn drawn(visit: &Visit, first: Date) -> Vec<Drawn> {
        let days = (0..1000).map(|week| first.checked_add((7 * week).days()).unwrap());
        days.enumerate()
            .filter_map(|(number, day)| visit.draw(day, &mut Chance::of(1, visit.name, number as u64)))
            .collect()
    }

    fn mean(values: impl ExactSizeIterator<Item = i64>) -> i64 {
        let count = i64::try_from(values.len()).unwrap();
        values.sum::<i64>() / count
    }

    #[test]
    fn visits_keep_their_stated_moments() {
        for visit in [SiteKind::Workplace, SiteKind::Street].into_iter().flat_map(SiteKind::visits) {
            let monday = drawn(&visit, date(2000, 1, 3));
            let saturday = drawn(&visit, date(2000, 1, 1));
            let name = visit.name;
            assert!(monday.len().abs_diff(visit.weekday.into()) < 60, "{name}: {}", monday.len());
            assert!(saturday.len().abs_diff(visit.weekend.into()) < 60, "{name}: {}", saturday.len());

            let minute = |at: DateTime| i64::from(at.hour()) * 60 + i64::from(at.minute());
            let arrival = mean(monday.iter().map(|visit| minute(visit.arrival)));
            assert!((arrival - visit.arrival.mean()).abs() < 15, "{name}: comes at {arrival}");
            let energy = mean(monday.iter().map(|visit| visit.energy.watt_seconds() / 3600));
            let stated = visit.energy.mean();
            assert!((energy - stated).abs() < stated / 8, "{name}: needs {energy} for {stated}");
            match &visit.leaving {
                Leaving::After(stay) => {
                    let minutes = |visit: &Drawn| visit.arrival.duration_until(visit.departure).as_mins();
                    let drawn = mean(monday.iter().map(minutes));
                    assert!((drawn - stay.mean()).abs() < 25, "{name}: stays {drawn}");
                }
                Leaving::NextDay(leaving) => {
                    let drawn = mean(monday.iter().map(|visit| minute(visit.departure)));
                    assert!((drawn - leaving.mean()).abs() < 15, "{name}: leaves at {drawn}");
                    assert!(monday.iter().all(|visit| visit.departure.date() > visit.arrival.date()));
                }
            }
        }
    }

    #[test]
    fn the_evening_stay_has_the_mean_that_elaadnl_gives_for_its_hour() {
        let evening = SiteKind::Street.visits().pop().unwrap();
        let hours: Vec<i64> = drawn(&evening, date(2000, 1, 3))
            .iter()
            .filter(|visit| visit.arrival.hour() == 18)
            .map(|visit| visit.arrival.duration_until(visit.departure).as_mins())
            .collect();
        // Means of 12.4 to 12.5 h at public and 13.7 to 13.9 h at private chargers for arrivals between 18:00 and 19:00.
        let mean = mean(hours.into_iter());
        assert!((12 * 60..14 * 60 + 30).contains(&mean), "{mean} min");
    }
}
