//! One day gone through again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

use super::day::mean;
use super::outcome::DayOutcome;
use super::{Day, RecordedSession, Rule, Setting};
use crate::floor::seconds;
use crate::{ChargingSession, Fleet, Release, Target};

/// A release ends after this much, if not before.
const LONGEST_RELEASE: SignedDuration = SignedDuration::from_hours(12);

/// One connection without a limit feeds all chargers.
const SITE: &str = "ean.000000000000000000";

/// A session on its way through the day.
struct Car<'a> {
    /// Of a width that keeps names in the order of arrival.
    name: String,
    recorded: &'a RecordedSession,
    /// In watt seconds.
    taken: i64,
}

impl Car<'_> {
    /// Whether it is here and takes energy.
    fn is_charging(&self, at: Timestamp) -> bool {
        let RecordedSession { arrival, departure, taken, .. } = *self.recorded;
        arrival <= at && at < departure && self.taken < taken.watt_seconds()
    }

    /// Takes what it can in `span`, at `watts` at most; says how much.
    fn charge(&mut self, span: TimeSpan, watts: i64) -> i64 {
        let charging =
            seconds(span.start().max(self.recorded.arrival), span.end().min(self.recorded.departure));
        let taken = charging.saturating_mul(watts).min(self.recorded.taken.watt_seconds() - self.taken);
        self.taken += taken;
        taken
    }
}

pub(super) fn replay(day: &Day, setting: &Setting, rule: Rule, percent: u8) -> DayOutcome {
    let full = setting.supply.maximum().watts();
    let mut replay = Replay {
        day,
        setting,
        rule,
        connection: SITE.parse().expect("an EAN has 18 digits"),
        arrivals: BTreeMap::new(),
        cars: Vec::new(),
        release: rule.release.then(|| release(day)),
    };
    for (index, recorded) in day.sessions.iter().enumerate() {
        let name = format!("{index:06}");
        replay.arrivals.insert(name.clone(), recorded.arrival);
        replay.cars.push(Car { name, recorded, taken: recorded.taken_by(day.order.start(), full) });
    }
    let mut outcome = DayOutcome { normal_peak: day.normal_peak().watts(), ..DayOutcome::default() };
    for (step, baseline) in day.steps.iter().zip(&day.baseline) {
        if day.order.encloses(*step) {
            let cap = Power::from_watts(mean(baseline.saturating_mul(percent.into()) / 100, *step));
            let drawn = replay.step(*step, Some(cap));
            let ordered = baseline - cap.watts() * seconds(step.start(), step.end());
            outcome.ordered += ordered;
            outcome.withheld += (baseline - drawn).clamp(0, ordered);
        } else if step.start() >= day.order.end() {
            let drawn = replay.step(*step, None);
            outcome.peak_after = outcome.peak_after.max(mean(drawn, *step));
        }
    }
    for car in &replay.cars {
        let uncontrolled = car.recorded.taken_by(car.recorded.departure, full);
        outcome.short.push(uncontrolled - car.taken);
    }
    outcome
}

fn release(day: &Day) -> Release {
    let end = day.order.end();
    Release::new(day.known_peak(), end.saturating_add(LONGEST_RELEASE).unwrap_or(Timestamp::MAX))
}

struct Replay<'a> {
    day: &'a Day,
    setting: &'a Setting,
    rule: Rule,
    connection: EntityAddress,
    arrivals: BTreeMap<String, Timestamp>,
    cars: Vec<Car<'a>>,
    /// `None` once it is over, and where there is none.
    release: Option<Release>,
}

impl Replay<'_> {
    /// Goes through a step under the order's cap, or after the order under the release's if that goes on; says what was drawn.
    fn step(&mut self, step: TimeSpan, order: Option<Power>) -> i64 {
        let mut drawn = 0;
        let mut start = step.start();
        while let Some(rest) = TimeSpan::new(start, step.end()) {
            let fleet = self.fleet(start);
            let target = match order {
                Some(cap) => Some(Target::at_most(rest, cap)),
                None => self.release.as_ref().and_then(|release| release.target(&fleet, rest)),
            };
            let Some(target) = target else {
                self.release = None;
                let full = self.setting.supply.maximum().watts();
                return drawn + self.cars.iter_mut().map(|car| car.charge(rest, full)).sum::<i64>();
            };
            let limits = self.rule.limits(&fleet, &self.arrivals, &self.day.stays, target);
            let Some(span) = TimeSpan::new(start, self.next_change(rest)) else { break };
            let charging = self.cars.iter_mut().filter(|car| car.is_charging(start));
            for ((car, session), watts) in charging.zip(&fleet.sessions).zip(limits) {
                drawn += car.charge(span, watts);
                if let Some(release) = &mut self.release {
                    release.note(session, Power::from_watts(watts), span);
                }
            }
            start = span.end();
        }
        drawn
    }

    /// The next arrival or departure in `rest`, or its end.
    fn next_change(&self, rest: TimeSpan) -> Timestamp {
        let changes = self.cars.iter().flat_map(|car| [car.recorded.arrival, car.recorded.departure]);
        changes.filter(|at| rest.start() < *at && rest.contains(*at)).min().unwrap_or(rest.end())
    }

    /// The sessions that are here and take energy, as the rule knows them.
    fn fleet(&self, at: Timestamp) -> Fleet {
        let mut fleet = Fleet::default();
        fleet.sessions.extend(self.cars.iter().filter(|car| car.is_charging(at)).map(|car| {
            ChargingSession {
                energy_wanted: self.rule.energy(car.recorded.asked, car.recorded.taken),
                energy_delivered: Energy::from_watt_seconds(car.taken),
                departure: self.rule.departure(car.recorded.stated, car.recorded.departure),
                ..ChargingSession::new(car.name.clone(), self.connection.clone(), self.setting.supply)
            }
        }));
        fleet
    }
}
