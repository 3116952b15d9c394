//! A day of twenty chargers, driven by hand.

use std::time::Duration;

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use tieline_ocpp::Version;
use tieline_sim::{
    Behaviour, Fleet, FleetConfig, Outcome, Population, PopulationConfig, SessionSpec, VOLTAGE,
};
use tieline_types::{Energy, ManualClock, TimeSpan};
use tokio::time::timeout;

use crate::csms::{Book, Server};

/// Long enough for a busy machine, short enough for a test that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Twenty chargers, a CSMS, and the 4th of June 2026 in Amsterdam.
pub(crate) struct Day {
    pub(crate) population: Population,
    pub(crate) sessions: Vec<SessionSpec>,
    pub(crate) span: TimeSpan,
    pub(crate) clock: ManualClock,
    pub(crate) server: Server,
}

impl Day {
    pub(crate) fn begin() -> Self {
        Self::of(PopulationConfig::amsterdam(20))
    }

    /// The same with other chargers.
    pub(crate) fn of(config: PopulationConfig) -> Self {
        let population = Population::draw(7, config).unwrap();
        let sessions = population.sessions(date(2026, 6, 4)).unwrap();
        let span: TimeSpan = "2026-06-03T22:00:00Z/2026-06-04T22:00:00Z".parse().unwrap();
        let clock = ManualClock::new(span.start());
        Self { population, sessions, span, clock, server: Server::start(Book::default()) }
    }

    pub(crate) fn fleet(&self, behaviours: &[Behaviour]) -> Fleet {
        let config = FleetConfig::new(self.server.url());
        let sessions = self.sessions.clone();
        Fleet::start(config, &self.population, sessions, behaviours, self.clock.clone()).unwrap()
    }

    /// From one instant at which something happens to the next, until an instant.
    pub(crate) async fn run_until(&self, until: Timestamp) {
        loop {
            let still = timeout(PATIENCE, self.clock.still(None)).await.expect("nothing is left to do");
            match still.next_wait {
                Some(next) if next <= until => self.clock.set(next),
                _ => break,
            }
        }
        self.clock.set(until);
        timeout(PATIENCE, self.clock.still(None)).await.expect("nothing is left to do");
    }

    pub(crate) fn hour(&self, hour: i64) -> Timestamp {
        self.span.start() + SignedDuration::from_hours(hour)
    }
}

/// What the CSMS was told is what happened, as far as meters are right.
pub(crate) fn assert_told(book: &Book, outcome: &Outcome, day: &Day) {
    let energies = book.energies();
    assert_eq!(energies.len(), outcome.sessions.len());
    for session in &outcome.sessions {
        let (begin, end) = energies[&(session.charger.clone(), session.transaction.clone())];
        assert_eq!(end.is_some(), session.ended, "{}", session.transaction);
        let Some(end) = end else { continue };
        let charger = &day.population.chargers()[session.spec.charger];
        let delivered = session.delivered.watt_seconds() / 3600;
        let measured = delivered * (1000 + i64::from(charger.meter_error)) / 1000;
        assert!(
            (end - begin - measured).abs() <= 2,
            "{}: {} for {measured} Wh",
            session.transaction,
            end - begin
        );
    }
}

#[tokio::test]
async fn a_day_nobody_limits_is_the_uncontrolled_one_and_the_csms_hears_all_of_it() {
    let day = Day::begin();
    let fleet = day.fleet(&[]);
    fleet.ready().await;
    day.run_until(day.span.end()).await;
    let outcome = fleet.stop().await;

    assert_eq!(outcome.sessions.len(), day.sessions.len());
    assert!(outcome.sessions.len() > 20, "{}", outcome.sessions.len());
    assert!(outcome.chargers.iter().all(|charger| charger.boots == 1 && charger.lost_messages == 0));
    assert!(outcome.chargers.iter().all(|charger| charger.failure.is_none()));
    assert_told(&day.server.book, &outcome, &day);
    for session in &outcome.sessions {
        assert_eq!(session.trace.total(), session.delivered);
        assert!(!session.denied && session.violations.is_empty() && session.limits.is_empty());
    }
    let expected = day.population.uncontrolled(&day.sessions, &[day.span]);
    let energies = outcome.sessions.iter().map(|session| session.trace.energy(day.span));
    let energy = Energy::checked_sum(energies).unwrap();
    assert_eq!(energy.mean_power(day.span), Ok(expected[0]));

    // 1.6 has no message for what drivers say; in 2.0.1 it came as the driver said it.
    day.server.book.pages(|pages| {
        let stated = outcome.sessions.iter().filter(|session| session.spec.stated_departure.is_some());
        let stated: Vec<_> = stated
            .filter(|session| day.population.chargers()[session.spec.charger].version == Version::V2_0_1)
            .collect();
        assert!(!stated.is_empty());
        for session in &stated {
            let last = stated.iter().rfind(|other| other.charger == session.charger).unwrap();
            let wanted = i32::try_from(last.spec.energy.watt_seconds() / 3600).unwrap();
            assert_eq!(pages.needs[&session.charger], (last.spec.stated_departure.unwrap(), wanted));
        }
        let told: std::collections::BTreeSet<_> = stated.iter().map(|session| &session.charger).collect();
        assert_eq!(pages.needs.len(), told.len());
        // A charger where nothing happens says so five times a day.
        assert!(pages.heartbeats > 0);
        // What is left at midnight is left as it is.
        for charger in &outcome.chargers {
            let occupied = outcome.sessions.iter().any(|one| one.charger == charger.charger && !one.ended);
            assert_eq!(pages.status[&charger.charger] == "Available", !occupied, "{}", charger.charger);
        }
    });
}

#[tokio::test]
async fn the_same_seed_gives_the_same_day_and_the_same_messages() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let day = Day::begin();
        let fleet = day.fleet(&[]);
        fleet.ready().await;
        day.run_until(day.hour(12)).await;
        let outcome = fleet.stop().await;
        runs.push((outcome, day.server.book.pages(|pages| pages.said.clone())));
    }
    let strip = |outcome: &Outcome| {
        // The CSMS numbers the transactions of 1.6 in the order in which it hears of them.
        let sessions = outcome.sessions.iter().cloned().map(|mut session| {
            session.number = None;
            session
        });
        sessions.collect::<Vec<_>>()
    };
    assert_eq!(strip(&runs[0].0), strip(&runs[1].0));
    assert_eq!(runs[0].1, runs[1].1);
}

#[tokio::test]
async fn meter_values_come_at_the_interval_that_was_asked_for() {
    let day = Day::begin();
    let config = FleetConfig::new(day.server.url()).with_meter_interval(SignedDuration::from_mins(5));
    let sessions = day.sessions.clone();
    let fleet = Fleet::start(config, &day.population, sessions, &[], day.clock.clone()).unwrap();
    day.run_until(day.hour(10)).await;
    drop(fleet);
    day.server.book.pages(|pages| {
        let meter: Vec<_> = pages.said.iter().filter(|said| said.what == "meter").collect();
        assert!(meter.len() > 100, "{}", meter.len());
        assert!(meter.iter().all(|said| said.at.as_second() % 300 == 0));
        assert!(meter.iter().any(|said| said.at.as_second() % 900 != 0));
    });
}

#[tokio::test]
async fn settings_and_sessions_that_make_no_sense_are_refused() {
    let day = Day::begin();
    let start = |config: FleetConfig, sessions: Vec<SessionSpec>| {
        Fleet::start(config, &day.population, sessions, &[], day.clock.clone()).unwrap_err().to_string()
    };
    let url = day.server.url();
    let seven = FleetConfig::new(&url).with_meter_interval(SignedDuration::from_secs(7 * 61));
    assert!(start(seven, vec![]).contains("meter_interval"));
    let mut stranger = day.sessions[0].clone();
    stranger.charger = 20;
    assert!(start(FleetConfig::new(&url), vec![stranger]).contains("charger 20"));
    assert!(start(FleetConfig::new("no address at all"), vec![]).contains("address"));
    assert!(day.clock.is_idle(), "a fleet that did not start holds nothing up");
    assert_eq!(VOLTAGE, 230);
}
