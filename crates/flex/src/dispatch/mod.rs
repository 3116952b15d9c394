//! What the sessions that are charging are told in real time, each time something changes.
//!
//! [`dispatch()`] keeps to its targets as [`split()`] does, with two differences. Floors are not reckoned up to the departure
//! that a driver stated, but to an early one, by which a small share of drivers with such a statement has left
//! ([`StayDistribution`]). And since such a floor is an estimate and an order is a promise, floors give way to the target: they
//! are lowered alike until they fit. Only those of departures that are known ([`Departure::Known`]) do not.
//!
//! After an order the sessions that were held back all want to charge. [`Release`] says up to which power they may, and for
//! how long.

mod lower;
mod release;
mod stays;

use std::collections::BTreeMap;

use jiff::Timestamp;
use tieline_types::{Energy, TimeSpan};

pub use release::Release;
pub use stays::{Stay, StayDistribution};

use crate::floor::seconds;
use crate::{ChargingSession, Departure, Fleet, Plan, PlannedPeriod, Target, split};

/// What is expected of the drivers.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// How long they stay.
    pub stays: &'a StayDistribution,
    /// When the sessions began, by their names. One that is not named counts as having begun at the start of the span.
    pub arrivals: &'a BTreeMap<String, Timestamp>,
    /// Floors are reckoned up to the departure that this share of the drivers does not reach, in percent from 1 to 99.
    pub leave_by: u8,
}

impl Expectation<'_> {
    /// The share of drivers that reckoning with [`Expectation::leave_by`] leaves out of account: one in five.
    ///
    /// Between 15 and 30 percent it makes little difference (docs/adr/0011).
    pub const ONE_IN_FIVE: u8 = 20;

    /// The departure to reckon with for a session that is here at `at`.
    pub fn departure(&self, session: &ChargingSession, at: Timestamp) -> Departure {
        let arrival = self.arrivals.get(&session.id).copied();
        self.stays.reckoned(session.departure, arrival, at, self.leave_by)
    }
}

/// Splits targets, in order of time, over the sessions.
///
/// All sessions of the fleet count as taking what they are given: leave out those that have stopped. One that has all the
/// energy that was asked for, and goes on, gets its share without a floor, as one of whom nobody knows what it wants.
///
/// The sum is exact wherever that of [`split()`] is. It is above a target only where sessions whose departure is known must
/// go on.
pub fn dispatch(fleet: &Fleet, targets: &[Target], expectation: &Expectation<'_>) -> Plan {
    keep(fleet, targets, |session, at| expectation.departure(session, at))
}

/// As [`dispatch()`], with any way to reckon with departures.
pub(crate) fn keep(
    fleet: &Fleet,
    targets: &[Target],
    reckoned_with: impl Fn(&ChargingSession, Timestamp) -> Departure,
) -> Plan {
    let mut reckoned = fleet.clone();
    for session in &mut reckoned.sessions {
        if session.energy_missing().is_some_and(|missing| missing.watt_seconds() == 0) {
            session.energy_wanted = None;
        }
    }
    let mut by_name: Vec<usize> = (0..fleet.sessions.len()).collect();
    by_name.sort_by(|one, other| fleet.sessions[*one].id.cmp(&fleet.sessions[*other].id));
    let mut whole = Plan::default();
    for (number, target) in targets.iter().enumerate() {
        let start = target.span.start();
        for (session, known) in reckoned.sessions.iter_mut().zip(&fleet.sessions) {
            // What was reckoned with holds until it has passed.
            let holds = number > 0 && session.departure.at().is_some_and(|departure| departure > start);
            session.departure = match known.departure {
                Departure::Known(at) => Departure::Known(at),
                Departure::Stated(_) | Departure::Unknown if holds => session.departure,
                Departure::Stated(_) | Departure::Unknown => reckoned_with(known, start),
            };
        }
        let mut plan = split(&reckoned, &[*target]);
        if let Some(lowered) = lower::floors(fleet, &reckoned, &plan, target, &by_name) {
            plan = split(&lowered, &[*target]);
            lower::explain(&mut plan, &lowered, &reckoned, &by_name);
        }
        go_on(&mut reckoned, fleet, &plan, target.span, &by_name);
        append(&mut whole, plan);
    }
    whole
}

/// Takes the sessions to the end of `span`: what they will have been given by then.
fn go_on(reckoned: &mut Fleet, fleet: &Fleet, plan: &Plan, span: TimeSpan, by_name: &[usize]) {
    for (planned, index) in plan.sessions.iter().zip(by_name) {
        let end = match fleet.sessions[*index].departure {
            Departure::Known(at) => at.min(span.end()),
            Departure::Stated(_) | Departure::Unknown => span.end(),
        };
        let watts = planned.periods.first().map_or(0, |period| period.power.watts());
        let given = watts.saturating_mul(seconds(span.start(), end));
        let session = &mut reckoned.sessions[*index];
        let missing = session.energy_missing().map_or(i64::MAX, Energy::watt_seconds);
        let delivered = session.energy_delivered.watt_seconds().saturating_add(given.min(missing));
        session.energy_delivered = Energy::from_watt_seconds(delivered);
    }
}

/// Adds the plan of the next span.
fn append(whole: &mut Plan, next: Plan) {
    whole.shortfalls.extend(next.shortfalls);
    if whole.sessions.is_empty() {
        whole.sessions = next.sessions;
        return;
    }
    for (session, next) in whole.sessions.iter_mut().zip(next.sessions) {
        for period in next.periods {
            match session.periods.last_mut().and_then(|last| joined(last, &period).map(|span| (last, span))) {
                Some((last, span)) => last.span = span,
                None => session.periods.push(period),
            }
        }
    }
}

/// The span of both, if they say the same and touch.
fn joined(last: &PlannedPeriod, next: &PlannedPeriod) -> Option<TimeSpan> {
    let same = last.power == next.power && last.bound_by == next.bound_by;
    (same && last.span.end() == next.span.start())
        .then(|| TimeSpan::new(last.span.start(), next.span.end()))
        .flatten()
}
