use std::collections::BTreeMap;

use jiff::Timestamp;
use tieline_flex::{SessionPlan, Shortfall, Target, split};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Timer};
use tieline_types::{EntityAddress, Power, TimeSpan};
use tracing::warn;

use super::Agr;
use crate::fleet::{Session, SetPoint, SetPointPeriod, SetPointState};
use crate::market::{Promise, ReportedShortfall};

/// The timer that plans a congestion point anew: after an order, when a session starts or stops, and at the start of every
/// promised ISP.
pub(crate) const PLAN: &str = "plan";

/// More than any fleet draws: the target of a span in which nothing is promised.
const FREE: Power = Power::from_watts(i64::MAX / 8);

/// That a congestion point is to be planned anew.
///
/// Whoever wants a plan writes it, and a plan replaces the one that it began with: a plan during which another was wanted is
/// made again, instead of putting off the timer that was set meanwhile.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct PlanWanted {
    congestion_point: EntityAddress,
}

record!(PlanWanted, "plan-wanted", |this| {
    key: this.congestion_point.to_string(),
    subject: this.congestion_point.to_string(),
    span: None,
    open: false,
});

impl Agr {
    /// Has a congestion point planned now.
    pub(crate) fn want_plan(&self, point: &EntityAddress, changes: &mut ChangeSet) -> Result<(), StoreError> {
        let timer = Timer::new(PLAN, point.as_str(), self.context.now());
        changes.put(&PlanWanted { congestion_point: point.clone() })?.set_timer(timer);
        Ok(())
    }

    /// Plans what is promised at a congestion point within `plan_ahead`, and sets the timer for the next time.
    pub(crate) async fn plan(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let now = self.context.now();
        let mut changes = ChangeSet::new();
        let Ok(point) = fired.subject.parse::<EntityAddress>() else {
            changes.clear_timer(fired);
            return Ok(changes);
        };
        let wanted = self.context.store.record::<PlanWanted>(point.as_str()).await?;
        let from_now_on = TimeSpan::new(now, Timestamp::MAX);
        let promises = self.context.store.records_of::<Promise>(point.as_str(), from_now_on).await?;
        let horizon = now.checked_add(self.config.plan_ahead.get()).unwrap_or(Timestamp::MAX);
        let to_keep = targets(
            promises.iter().map(|stored| &stored.value).filter(|promise| promise.span.start() <= horizon),
        );
        if !to_keep.is_empty() {
            self.set_points(&point, &without_gaps(&to_keep), &to_keep, &mut changes).await?;
        }
        if let Some(Stored { value, version }) = wanted {
            changes.replace(&value, version)?;
        }
        changes.clear_timer(fired);
        if let Some(due) = self.next_plan(&promises, now, horizon) {
            changes.set_timer(Timer::new(PLAN, point.as_str(), due));
        }
        Ok(changes)
    }

    /// The start of the next promised ISP, or the instant at which a later one comes into sight.
    fn next_plan(
        &self,
        promises: &[Stored<Promise>],
        now: Timestamp,
        horizon: Timestamp,
    ) -> Option<Timestamp> {
        promises
            .iter()
            .map(|stored| stored.value.span.start())
            .filter(|start| *start > now)
            .map(|start| {
                if start <= horizon {
                    start
                } else {
                    start.checked_sub(self.config.plan_ahead.get()).unwrap_or(start).max(now)
                }
            })
            .min()
    }

    async fn set_points(
        &self,
        point: &EntityAddress,
        targets: &[Target],
        promised: &[Target],
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let (fleet, sessions) = self.fleet(point).await?;
        let plan = split(&fleet, targets);
        for planned in &plan.sessions {
            let Some(session) = sessions.iter().find(|session| session.key.to_string() == planned.session)
            else {
                continue;
            };
            let known = self.context.store.record::<SetPoint>(&planned.session).await?;
            if let Some(set_point) = self.set_point(session, planned)
                && known.as_ref().is_none_or(|known| !says_the_same(&known.value, &set_point))
            {
                changes.replace(&set_point, known.map_or(0, |known| known.version))?;
            }
        }
        for shortfall in plan
            .shortfalls
            .iter()
            .filter(|shortfall| promised.iter().any(|target| target.span == shortfall.span))
        {
            self.report(point, shortfall, changes)?;
        }
        Ok(())
    }

    fn set_point(&self, session: &Session, planned: &SessionPlan) -> Option<SetPoint> {
        let charger = self.charger(&session.key.charger)?;
        Some(SetPoint {
            session: session.key.clone(),
            evse: session.evse,
            congestion_point: session.congestion_point.clone(),
            unit: charger.unit,
            periods: planned
                .periods
                .iter()
                .map(|period| SetPointPeriod {
                    span: period.span,
                    limit: period.limit,
                    because: period.bound_by.to_string(),
                })
                .collect(),
            state: SetPointState::Pending { attempts: 0, not_before: self.context.now() },
        })
    }

    fn report(
        &self,
        point: &EntityAddress,
        shortfall: &Shortfall,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let Shortfall { span, target, planned, reason } = shortfall;
        warn!(congestion_point = %point, from = %span.start(), %target, %planned, %reason, "an order can't be kept exactly");
        let grounds =
            format!("{} to {}: promised {target}, planned {planned}: {reason}", span.start(), span.end());
        changes.decide(self.context.now(), "agr", point.to_string(), "Shortfall", "", grounds);
        changes.put(&ReportedShortfall {
            congestion_point: point.clone(),
            span: *span,
            target: *target,
            planned: *planned,
            reason: reason.to_string(),
        })?;
        Ok(())
    }
}

/// What the congestion point is to draw in each promised ISP: the baseline of the first promise and all changes. Where
/// these come to an increase, at least that much.
fn targets<'a>(promises: impl Iterator<Item = &'a Promise>) -> Vec<Target> {
    let mut by_start: BTreeMap<Timestamp, (TimeSpan, Power, Power)> = BTreeMap::new();
    for promise in promises {
        let untouched = (promise.span, promise.baseline, Power::from_watts(0));
        let (_, _, change) = by_start.entry(promise.span.start()).or_insert(untouched);
        *change = change.saturating_add(promise.change);
    }
    let target = |(span, baseline, change): (TimeSpan, Power, Power)| {
        let of_change = if change.watts() > 0 { Target::at_least } else { Target::at_most };
        of_change(span, baseline.saturating_add(change))
    };
    by_start.into_values().map(target).collect()
}

/// Fills the time between promised ISPs with spans in which nothing limits: one charging profile covers them all.
fn without_gaps(targets: &[Target]) -> Vec<Target> {
    let mut whole: Vec<Target> = Vec::with_capacity(targets.len());
    for target in targets {
        let end = whole.last().map(|last| last.span.end());
        if let Some(gap) = end
            .filter(|end| *end < target.span.start())
            .and_then(|end| TimeSpan::new(end, target.span.start()))
        {
            whole.push(Target::at_most(gap, FREE));
        }
        whole.push(*target);
    }
    whole
}

/// Whether a charger that was told the one knows the other: the limits that are still to come are the same. What it refused
/// it would refuse again.
fn says_the_same(known: &SetPoint, planned: &SetPoint) -> bool {
    let Some(from) = planned.span().map(TimeSpan::start) else { return true };
    known.state != SetPointState::Missed && limits(known, from) == limits(planned, from)
}

fn limits(set_point: &SetPoint, from: Timestamp) -> Vec<(TimeSpan, rust_decimal::Decimal)> {
    let to_come = |period: &SetPointPeriod| {
        Some((TimeSpan::new(period.span.start().max(from), period.span.end())?, period.limit))
    };
    set_point.periods.iter().filter_map(to_come).collect()
}

#[cfg(test)]
mod tests {
    use tieline_flex::Miss;
    use uuid::Uuid;

    use super::*;

    fn promise(order: u128, change: i64) -> Promise {
        let start: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
        Promise {
            order: Uuid::from_u128(order),
            congestion_point: "ean.871685900012345001".parse().unwrap(),
            span: TimeSpan::new(start, start + jiff::SignedDuration::from_mins(15)).unwrap(),
            change: Power::from_watts(change),
            baseline: Power::from_watts(20_000),
        }
    }

    #[test]
    fn all_promises_of_an_isp_are_one_target_which_an_increase_misses_from_above() {
        let target = |changes: &[i64]| {
            let promises: Vec<Promise> =
                (0..).zip(changes).map(|(order, change)| promise(order, *change)).collect();
            let targets = targets(promises.iter());
            assert_eq!(targets.len(), 1);
            (targets[0].power.watts(), targets[0].miss)
        };
        assert_eq!(target(&[-5_000]), (15_000, Miss::Below));
        assert_eq!(target(&[-5_000, 2_000]), (17_000, Miss::Below));
        assert_eq!(target(&[5_000]), (25_000, Miss::Above));
        assert_eq!(target(&[-5_000, 7_000]), (22_000, Miss::Above));
        assert_eq!(target(&[-5_000, 5_000]), (20_000, Miss::Below));
    }
}
