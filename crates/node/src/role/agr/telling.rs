//! What a plan says to each session, as limits that end.

use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_flex::{BoundBy, Plan, PlannedPeriod, Steering};
use tieline_store::{ChangeSet, StoreError};
use tieline_types::{Power, TimeSpan};

use super::Agr;
use super::tracking::{Crowd, Steered};
use crate::fleet::{SetPoint, SetPointPeriod, SetPointState};

/// By how much the limit of a session that is reckoned to take no more is above that, in percent: it may turn out to. It is
/// more than [`FollowingRules`](tieline_flex::FollowingRules) tolerate, so that an EV that takes all of it is seen to.
const HEADROOM: i64 = 10;

impl Agr {
    /// Writes the set-points of those that can be steered and were not told the same, and what was learned of all.
    pub(super) fn tell(&self, crowd: &Crowd, plan: &Plan, changes: &mut ChangeSet) -> Result<(), StoreError> {
        for planned in &plan.sessions {
            let Some(steered) = crowd.steered(&planned.session) else { continue };
            let known = steered.set_point.as_ref();
            let is_steerable = steered.steering == Steering::Steerable;
            let set_point = is_steerable.then(|| self.set_point(steered, &planned.periods));
            match (set_point, known) {
                (Some(new), Some(known)) if !says_the_same(&known.value, &new) => {
                    changes.replace(&new, known.version)?;
                }
                (Some(new), None) => {
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

    fn set_point(&self, steered: &Steered, periods: &[PlannedPeriod]) -> SetPoint {
        let now = self.context.now();
        let before = steered.set_point.as_ref().and_then(|known| match known.value.state {
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
                    limit: limit(steered, period),
                    because: period.bound_by.to_string(),
                })
                .collect(),
            learned: steered.learned,
            state: SetPointState::Pending { attempts: 0, not_before: now },
        }
    }
}

/// The limit of a period in the charger's unit: 0, or 6 A and more.
fn limit(steered: &Steered, period: &PlannedPeriod) -> Decimal {
    let supply = steered.supply;
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
    use tieline_flex::FollowingRules;

    use super::*;

    #[test]
    fn an_ev_that_takes_all_of_its_headroom_is_seen_to_take_more() {
        assert!(HEADROOM > FollowingRules::default().percent);
    }
}
