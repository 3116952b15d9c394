//! What a plan says to each session, as limits that end.

use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_flex::{BoundBy, Plan, PlannedPeriod, Steering, Supply};
use tieline_store::{ChangeSet, StoreError};
use tieline_types::{Power, TimeSpan};

use super::tracking::{Crowd, Steered};
use crate::fleet::{SetPoint, SetPointPeriod, SetPointState};

/// By how much the limit of a session that is reckoned to take no more is above that, in percent: it may turn out to. It is
/// more than [`FollowingRules`](tieline_flex::FollowingRules) tolerate, so that an EV that takes all of it is seen to.
const HEADROOM: i64 = 10;

impl Crowd {
    /// Writes the set-points of those that can be steered and were not told the same, and what was learned of all. Where nothing
    /// `is_steering` any more, nobody is told who was not told anything before.
    pub(super) fn tell(
        &self,
        plan: &Plan,
        is_steering: bool,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        for planned in &plan.sessions {
            let Some(steered) = self.steered(&planned.session) else { continue };
            let known = steered.set_point.as_ref();
            let is_steerable = steered.steering == Steering::Steerable;
            let set_point = is_steerable.then(|| set_point(steered, &planned.periods, self.now));
            match (set_point, known) {
                (Some(new), Some(known)) if !says_the_same(&known.value, &new) => {
                    changes.replace(&new, known.version)?;
                }
                (Some(new), None) if is_steering => {
                    changes.replace(&new, 0)?;
                }
                // The charger need not be told again.
                (_, Some(known)) if known.value.learned != steered.learned => {
                    let set_point = SetPoint { learned: steered.learned, ..known.value.clone() };
                    changes.replace(&set_point, known.version)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn set_point(steered: &Steered, periods: &[PlannedPeriod], now: Timestamp) -> SetPoint {
    let in_this_unit = steered.set_point.as_ref().filter(|known| known.value.unit == steered.unit);
    let before = in_this_unit.and_then(|known| match known.value.state {
        SetPointState::Accepted { .. } => known.value.limit_at(now),
        _ => known.value.before,
    });
    SetPoint {
        before,
        session: steered.session.key.clone(),
        evse: steered.session.evse,
        congestion_point: steered.session.congestion_point.clone(),
        unit: steered.unit,
        periods: periods
            .iter()
            .map(|period| SetPointPeriod {
                span: period.span,
                limit: limit(steered.supply, period),
                because: period.bound_by.to_string(),
            })
            .collect(),
        learned: steered.learned,
        state: SetPointState::Pending { attempts: 0, not_before: now },
    }
}

/// The limit of a period in the charger's unit: 0, or 6 A and more.
fn limit(supply: Supply, period: &PlannedPeriod) -> Decimal {
    let watts = period.power.watts();
    let takes_no_more = period.bound_by == BoundBy::Maximum && period.power < supply.maximum();
    let room = if takes_no_more { watts * HEADROOM / 100 } else { 0 };
    // An EV that takes less than 6 A can't be told so.
    let least = if watts > 0 { supply.minimum() } else { Power::ZERO };
    supply.limit(Power::from_watts(watts + room).min(supply.maximum()).max(least))
}

/// Whether a charger that was told the one knows the other: the limits that are still to come are the same. What it refused
/// it would refuse again.
fn says_the_same(known: &SetPoint, planned: &SetPoint) -> bool {
    let Some(from) = planned.span().map(TimeSpan::start) else { return true };
    known.state != SetPointState::Missed && limits(known, from) == limits(planned, from)
}

/// The limits from an instant on; neighbours that say the same are one.
fn limits(set_point: &SetPoint, from: Timestamp) -> Vec<(TimeSpan, Decimal)> {
    let mut limits: Vec<(TimeSpan, Decimal)> = Vec::new();
    for period in &set_point.periods {
        let Some(span) = TimeSpan::new(period.span.start().max(from), period.span.end()) else { continue };
        match limits.last_mut().filter(|(last, limit)| *limit == period.limit && last.end() == span.start()) {
            Some((last, _)) => *last = TimeSpan::new(last.start(), span.end()).unwrap_or(*last),
            None => limits.push((span, period.limit)),
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use tieline_flex::{
        ChargingSession, Connection, Departure, Expectation, Fleet, FollowingRules, StayDistribution, Target,
        dispatch,
    };
    use tieline_types::Energy;

    use super::*;

    #[test]
    fn an_ev_that_takes_all_of_its_headroom_is_seen_to_take_more() {
        assert!(HEADROOM > FollowingRules::default().percent);
    }

    fn start() -> Timestamp {
        "2026-06-10T09:00:00Z".parse().unwrap()
    }

    fn session() -> impl Strategy<Value = ChargingSession> {
        let supply = (1..=3_u8, prop_oneof![Just(230_u16), Just(231)], 6..=80_u16, any::<bool>());
        let supply = supply.prop_map(|(phases, voltage, current, in_amperes)| {
            let make = if in_amperes { Supply::in_amperes } else { Supply::in_watts };
            make(phases, voltage, current).unwrap()
        });
        let takes = proptest::option::of((0..30_000_i64).prop_map(Power::from_watts));
        let steering = prop_oneof![
            4 => Just(Steering::Steerable),
            1 => (0..30_000_i64).prop_map(|watts| Steering::Unsteerable { draws: Power::from_watts(watts) }),
        ];
        let needs = proptest::option::of((1..300_i64, 0..60_000_i64));
        (supply, takes, steering, needs).prop_map(|(supply, draws_at_most, steering, needs)| {
            let connection = "ean.871685900012345001".parse().unwrap();
            let departure = |minutes| Departure::Stated(start() + SignedDuration::from_mins(minutes));
            ChargingSession {
                draws_at_most,
                steering,
                energy_wanted: needs.and_then(|(_, watt_hours)| Energy::from_watt_hours(watt_hours)),
                departure: needs.map_or(Departure::Unknown, |(minutes, _)| departure(minutes)),
                ..ChargingSession::new(String::new(), connection, supply)
            }
        })
    }

    fn fleet() -> impl Strategy<Value = Fleet> {
        let limit = proptest::option::of((0..100_000_i64).prop_map(Power::from_watts));
        (proptest::collection::vec(session(), 0..8), limit).prop_map(|(mut sessions, limit)| {
            for (number, session) in sessions.iter_mut().enumerate() {
                session.id = number.to_string();
            }
            let address = "ean.871685900012345001".parse().unwrap();
            Fleet { connections: vec![Connection { address, limit }], sessions, ..Fleet::default() }
        })
    }

    fn targets() -> impl Strategy<Value = Vec<Target>> {
        let target = (-20_000..150_000_i64, any::<bool>());
        proptest::collection::vec(target, 1..4).prop_map(|targets| {
            let span = |quarter: i64| {
                let start = start() + SignedDuration::from_mins(15 * quarter);
                TimeSpan::new(start, start + SignedDuration::from_mins(15)).unwrap()
            };
            let target = |(quarter, (watts, is_increase)): (i64, (i64, bool))| {
                let make = if is_increase { Target::at_least } else { Target::at_most };
                make(span(quarter), Power::from_watts(watts))
            };
            (0..).zip(targets).map(target).collect()
        })
    }

    proptest! {
        #[test]
        fn nobody_is_told_between_0_and_6_amperes_or_more_than_there_is_or_without_an_end(
            fleet in fleet(),
            targets in targets(),
        ) {
            let (stays, arrivals) = (StayDistribution::new(TimeZone::UTC), BTreeMap::new());
            let expectation = Expectation { stays: &stays, arrivals: &arrivals, leave_by: 20 };
            let plan = dispatch(&fleet, &targets, &expectation);
            prop_assert_eq!(plan.sessions.len(), fleet.sessions.len());
            for planned in &plan.sessions {
                let session = fleet.sessions.iter().find(|session| session.id == planned.session).unwrap();
                let supply = session.supply;
                let mut from = start();
                for period in &planned.periods {
                    let told = limit(supply, period);
                    let (least, most) = (supply.limit(supply.minimum()), supply.limit(supply.maximum()));
                    let is_possible = told == Decimal::ZERO || (least..=most).contains(&told);
                    let is_steerable = session.steering == Steering::Steerable;
                    prop_assert!(is_possible || !is_steerable, "{told} to {session:?}");
                    prop_assert_eq!(period.span.start(), from);
                    from = period.span.end();
                }
                prop_assert_eq!(from, targets.last().unwrap().span.end());
            }
        }
    }
}
