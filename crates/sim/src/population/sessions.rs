use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use tieline_types::{Energy, IspCalendar, IspDuration, TimeSpan};

use super::{Population, PopulationError};
use crate::distribution::Drawn;
use crate::session::{BETWEEN_CARS, SHORTEST_STAY};
use crate::{Chance, SessionSpec, Vehicle};

/// A car that came before may still be there: one that stays for a day, over a day of 23 hours.
const DAYS_BEFORE: usize = 2;

impl Population {
    /// The sessions of a local day: those that last at any instant of it, so that one that began the evening before is among them.
    ///
    /// They are in order of charger and time; at one charger they don't overlap. A day has the same sessions whichever other days are
    /// drawn. Cars come and go by the local clock, also on a day on which it is changed.
    pub fn sessions(&self, day: Date) -> Result<Vec<SessionSpec>, PopulationError> {
        self.sessions_of(day..=day)
    }

    /// The sessions of several local days in a row, each once.
    pub fn sessions_of(&self, days: RangeInclusive<Date>) -> Result<Vec<SessionSpec>, PopulationError> {
        let calendar = IspCalendar::new(self.time_zone().clone(), IspDuration::PT15M);
        let whole = |day: Date| calendar.day(day).map_err(|error| PopulationError::Day(error.to_string()));
        let span = TimeSpan::new(whole(*days.start())?.start(), whole(*days.end())?.end())
            .ok_or_else(|| PopulationError::Day(format!("{} is before {}", days.end(), days.start())))?;
        let mut from = *days.start();
        for _ in 0..DAYS_BEFORE {
            from = from.yesterday().map_err(|error| PopulationError::Day(error.to_string()))?;
        }
        let beyond = days.end().tomorrow().map_err(|error| PopulationError::Day(error.to_string()))?;
        let dates: Vec<Date> =
            from.series(jiff::Span::new().days(1)).take_while(|date| *date <= beyond).collect();
        let chargers = 0..self.chargers.len();
        Ok(chargers
            .flat_map(|charger| self.at(charger, &dates))
            .filter(|session| session.stay.overlaps(span))
            .collect())
    }

    /// The sessions at a charger that begin on these dates; the last date's are there so that the one before ends in time.
    fn at(&self, charger: usize, dates: &[Date]) -> Vec<SessionSpec> {
        let visits =
            self.connection_of(charger).map(|connection| connection.site.visits()).unwrap_or_default();
        let mut drawn = Vec::new();
        for date in dates {
            for visit in &visits {
                // The number of a charger and a date: a population has at most 100,000 chargers.
                let day = date.duration_since(Date::ZERO).as_hours() / 24;
                let number = day.unsigned_abs() * 100_000 + charger as u64;
                let mut chance = Chance::of(self.seed, visit.name, number);
                drawn.extend(visit.draw(*date, &mut chance).map(|visit| (visit, chance)));
            }
        }
        drawn.sort_by_key(|(visit, _)| visit.arrival);
        let next = drawn.iter().skip(1).map(|(visit, _)| Some(visit.arrival)).chain([None]);
        let next: Vec<Option<DateTime>> = next.collect();
        let sessions = drawn
            .into_iter()
            .zip(next)
            .filter_map(|((visit, chance), next)| self.session(charger, visit, next, chance));
        sessions.collect()
    }

    /// A visit as a session; `None` if the next car needs the place too soon.
    fn session(
        &self,
        charger: usize,
        visit: Drawn,
        next: Option<DateTime>,
        mut chance: Chance,
    ) -> Option<SessionSpec> {
        let zone = self.time_zone();
        let arrival = instant(zone, visit.arrival)?;
        let mut departure = instant(zone, visit.departure)?;
        if let Some(next) = next {
            departure = departure.min(instant(zone, next)? - BETWEEN_CARS);
        }
        let stay = TimeSpan::new(arrival, departure).filter(|stay| stay.duration() >= SHORTEST_STAY)?;
        let vehicle = Vehicle::draw_one(&mut chance);
        let stated = self.config.stated_departure.draw(arrival, departure, &mut chance);
        Some(SessionSpec {
            charger,
            vehicle,
            stay,
            stated_departure: visit.states_departure.then_some(stated),
            energy: visit.energy.min(nearly_all(vehicle.capacity)),
        })
    }
}

/// No car comes with an empty battery.
fn nearly_all(capacity: Energy) -> Energy {
    Energy::from_watt_seconds(capacity.watt_seconds() / 20 * 19)
}

/// The instant at which the local clock shows this: the first of two, or the next after a gap.
fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{PopulationConfig, SiteKind};

    fn population(chargers: usize) -> Population {
        Population::draw(7, PopulationConfig::amsterdam(chargers)).unwrap()
    }

    #[test]
    fn sessions_at_a_charger_do_not_overlap() {
        let sessions = population(300).sessions_of(date(2026, 6, 1)..=date(2026, 6, 14)).unwrap();
        assert!(sessions.len() > 2000);
        for two in sessions.windows(2).filter(|two| two[0].charger == two[1].charger) {
            assert!(two[0].departure() + BETWEEN_CARS <= two[1].arrival(), "{two:?}");
        }
        assert!(sessions.iter().all(|session| session.stay.duration() >= SHORTEST_STAY));
        assert!(sessions.iter().all(|session| session.energy < session.vehicle.capacity));
    }

    #[test]
    fn a_day_is_the_same_alone_and_among_others() {
        let population = population(100);
        let week = population.sessions_of(date(2026, 3, 25)..=date(2026, 3, 31)).unwrap();
        for day in [date(2026, 3, 25), date(2026, 3, 29), date(2026, 3, 31)] {
            let alone = population.sessions(day).unwrap();
            assert!(alone.iter().all(|session| week.contains(session)), "{day}");
        }
        let (early, late) = (
            population.sessions(date(2026, 3, 26)).unwrap(),
            population.sessions(date(2026, 3, 27)).unwrap(),
        );
        let both = early.iter().filter(|session| late.contains(session)).count();
        assert!(both > 10, "those who stay overnight are in both days: {both}");
    }

    #[test]
    fn cars_come_by_the_local_clock_when_it_changes() {
        let config = PopulationConfig::amsterdam(200).only(SiteKind::Workplace);
        let population = Population::draw(7, config).unwrap();
        let zone = population.time_zone().clone();
        // Monday is the first working day after each change; the offset differs, the local hours don't.
        for day in [date(2026, 3, 30), date(2026, 10, 26)] {
            let sessions = population.sessions(day).unwrap();
            let hour = |session: &SessionSpec| i64::from(zone.to_datetime(session.arrival()).hour());
            let came: Vec<i64> = sessions.iter().map(hour).filter(|hour| *hour < 12).collect();
            let mean = came.iter().sum::<i64>() * 10 / i64::try_from(came.len()).unwrap();
            assert!((75..100).contains(&mean), "{day}: {mean}");
        }
    }

    #[test]
    fn the_days_on_which_the_clock_changes_have_sessions_in_every_zone() {
        for (zone, day) in [
            ("Europe/Amsterdam", date(2026, 3, 29)),
            ("Europe/Amsterdam", date(2026, 10, 25)),
            ("Africa/Cairo", date(2026, 4, 24)),
            ("Australia/Lord_Howe", date(2026, 10, 4)),
        ] {
            let config = PopulationConfig::new(100, TimeZone::get(zone).unwrap());
            let sessions = Population::draw(3, config).unwrap().sessions(day).unwrap();
            assert!(sessions.len() > 40, "{zone} {day}: {}", sessions.len());
        }
    }

    #[test]
    fn a_seed_gives_the_same_day_for_ever() {
        let sessions = population(200).sessions(date(2026, 6, 4)).unwrap();
        let energy: i64 = sessions.iter().map(|session| session.energy.watt_seconds() / 3600).sum();
        let stay: i64 = sessions.iter().map(|session| session.stay.duration().as_secs()).sum();
        assert_eq!((sessions.len(), energy, stay), (266, 4_413_238, 7_991_235));
    }

    #[test]
    fn days_out_of_the_calendar_are_errors() {
        for day in [Date::MIN, Date::MAX] {
            assert!(matches!(population(1).sessions(day), Err(PopulationError::Day(_))), "{day}");
        }
        let backwards = population(1).sessions_of(date(2026, 6, 2)..=date(2026, 6, 1));
        assert!(matches!(backwards, Err(PopulationError::Day(_))));
    }
}
