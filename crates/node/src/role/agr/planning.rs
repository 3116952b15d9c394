use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tieline_flex::{BoundBy, Expectation, Plan, PlannedPeriod, Shortfall, Target, dispatch};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Timer};
use tieline_types::{EntityAddress, Power, TimeSpan};
use tracing::{debug, error, warn};

use super::Agr;
use super::tracking::{Crowd, Steered};
use crate::fleet::{SetPoint, SetPointPeriod, SetPointState};
use crate::market::{Promise, ReportedShortfall};

/// The timer that plans a congestion point anew: after an order, when a session starts, stops or changes, at the start of every
/// promised ISP, and every now and then within it.
pub(crate) const PLAN: &str = "plan";

/// More than any fleet draws: the target of a span in which nothing is promised.
const FREE: Power = Power::from_watts(i64::MAX / 8);

/// How long after a round time the chargers' readings of it are waited for.
const READINGS_TAKE: SignedDuration = SignedDuration::from_secs(30);

/// What is left of an ISP, at the least, for what was missed so far to be made up for in it.
const LONG_ENOUGH: i64 = 120;

/// What a plan may miss an order by, in percent, before a person is called.
const TOLERABLE: i64 = 5;

/// By how much the limit of a session that is reckoned to take no more is above that, in percent: it may turn out to.
const HEADROOM: i64 = 5;

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

/// What an ISP is to come to, and what of it was promised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promised {
    pub(super) target: Target,
    pub(super) change: Power,
}

impl Agr {
    /// Has a congestion point planned once what happens together has happened.
    pub(crate) fn want_plan(&self, point: &EntityAddress, changes: &mut ChangeSet) -> Result<(), StoreError> {
        let due = next_multiple(self.context.now(), self.config.plan_delay.get());
        changes.put(&PlanWanted { congestion_point: point.clone() })?.set_timer(Timer::new(
            PLAN,
            point.as_str(),
            due,
        ));
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
        let promises = promised(promises.iter().map(|stored| &stored.value));
        let is_steering = self.steer(&point, &promises, &mut changes).await?;
        if let Some(Stored { value, version }) = wanted {
            changes.replace(&value, version)?;
        }
        changes.clear_timer(fired);
        if let Some(due) = self.next_plan(&promises, is_steering) {
            changes.set_timer(Timer::new(PLAN, point.as_str(), due));
        }
        Ok(changes)
    }

    /// When there is something to plan by itself: when an ISP comes into sight, when it starts, and while anything is steered
    /// each time that the chargers have reported.
    fn next_plan(&self, promises: &[Promised], is_steering: bool) -> Option<Timestamp> {
        let now = self.context.now();
        let delay = self.config.plan_delay.signed();
        let starts = promises.iter().map(|promised| promised.target.span.start());
        let in_sight =
            starts.clone().filter_map(|start| start.checked_sub(self.config.plan_ahead.signed()).ok());
        let after = in_sight.chain(starts).filter_map(|at| at.checked_add(delay).ok());
        let while_steering = is_steering.then(|| {
            let since = now.checked_sub(READINGS_TAKE).unwrap_or(now);
            next_multiple(since, self.config.replan_every.get()).checked_add(READINGS_TAKE).unwrap_or(now)
        });
        after.chain(while_steering).filter(|at| *at > now).min()
    }

    /// Tells the sessions what the promises and the release after them ask for; true while there is anything.
    async fn steer(
        &self,
        point: &EntityAddress,
        promises: &[Promised],
        changes: &mut ChangeSet,
    ) -> Result<bool, StoreError> {
        let now = self.context.now();
        let present = floor_to_second(now);
        let horizon = now.checked_add(self.config.plan_ahead.signed()).unwrap_or(Timestamp::MAX);
        let in_sight: Vec<Promised> =
            promises.iter().filter(|promised| promised.target.span.start() <= horizon).copied().collect();
        let releasing = self.releasing(point).await?;
        if in_sight.is_empty() && releasing.is_none() {
            return Ok(false);
        }
        let crowd = self.crowd(point).await?;
        let to_keep: Vec<Target> = in_sight
            .iter()
            .filter_map(|promised| self.what_is_left(promised.target, present, &crowd))
            .collect();
        let mut targets = without_gaps(&to_keep);
        let is_active = to_keep.first().is_some_and(|first| first.span.start() <= present);
        let mut release = self.release(releasing, point, promises, is_active).await?;
        if let Some(release) = &mut release {
            let from = targets.last().map_or(present, |last| last.span.end());
            targets.extend(self.after_the_order(release, point, &crowd, from, horizon).await?);
        }
        if targets.is_empty() {
            targets.extend(crowd.until_told(present).map(|span| Target::at_most(span, FREE)));
        }
        let stays = self.stays(point).await?;
        let expectation =
            Expectation { stays: &stays, arrivals: crowd.arrivals(), leave_by: Expectation::ONE_IN_FIVE };
        let plan = dispatch(&crowd.fleet, &targets, &expectation);
        debug!(congestion_point = %point, sessions = crowd.fleet.sessions.len(), first = ?targets.first(), "planned");
        self.tell(&crowd, &plan, changes)?;
        self.report(point, &in_sight, &plan, changes).await?;
        if let Some(mut release) = release {
            if let Some(current) = targets.first().filter(|first| first.span.contains(present)) {
                release.hold_back(&crowd.fleet, &plan, current.span);
            }
            release.write(!targets.is_empty(), changes)?;
        }
        Ok(is_active || !targets.is_empty())
    }

    /// What is left of an ISP, and the power in it that makes the whole come to its target.
    fn what_is_left(&self, target: Target, present: Timestamp, crowd: &Crowd) -> Option<Target> {
        let whole = target.span;
        let span = TimeSpan::new(whole.start().max(present), whole.end())?;
        let (all, left) = (whole.duration().as_secs(), span.duration().as_secs());
        let so_far = TimeSpan::new(whole.start(), present).filter(|so_far| crowd.was_read_in(*so_far));
        let Some(so_far) = so_far.filter(|_| left >= LONG_ENOUGH) else { return Some(target) };
        let drawn = crowd.drawn(so_far);
        let watts = target.power.watts();
        let needed = (watts.saturating_mul(all) - drawn.watt_seconds()) / left;
        debug!(from = %whole.start(), target = watts, %drawn, needed, "what is left of an ISP");
        // An estimate that is far off does not turn the plan over.
        let power = Power::from_watts(needed.clamp(watts / 2, watts.saturating_add(watts / 2)));
        Some(Target { span, power, ..target })
    }

    fn tell(&self, crowd: &Crowd, plan: &Plan, changes: &mut ChangeSet) -> Result<(), StoreError> {
        for planned in &plan.sessions {
            let Some(steered) = crowd.steered(&planned.session) else { continue };
            if planned.periods.iter().any(|period| period.bound_by == BoundBy::Unsteerable) {
                continue;
            }
            let set_point = self.set_point(steered, &planned.periods);
            let known = steered.set_point.as_ref();
            match known.filter(|known| says_the_same(&known.value, &set_point)) {
                None => {
                    changes.replace(&set_point, known.map_or(0, |known| known.version))?;
                }
                // What was learned is kept; the charger need not be told again.
                Some(known) if known.value.learned != set_point.learned => {
                    let set_point = SetPoint { learned: set_point.learned, ..known.value.clone() };
                    changes.replace(&set_point, known.version)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn set_point(&self, steered: &Steered, periods: &[PlannedPeriod]) -> SetPoint {
        let limit = |period: &PlannedPeriod| {
            let supply = steered.supply;
            let watts = period.power.watts();
            let takes_no_more = period.bound_by == BoundBy::Maximum && period.power < supply.maximum();
            let room = if takes_no_more { watts * HEADROOM / 100 } else { 0 };
            // An EV that takes less than 6 A can't be told so.
            let least = if watts > 0 { supply.minimum() } else { Power::ZERO };
            supply.limit(Power::from_watts(watts + room).min(supply.maximum()).max(least))
        };
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
                    limit: limit(period),
                    because: period.bound_by.to_string(),
                })
                .collect(),
            learned: steered.learned,
            state: SetPointState::Pending { attempts: 0, not_before: now },
        }
    }

    /// Notes where the plan misses an order on the wrong side, and calls a person where that matters: UFTP wants the grid
    /// operator told "through direct means" then.
    async fn report(
        &self,
        point: &EntityAddress,
        promises: &[Promised],
        plan: &Plan,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        for Shortfall { span, target, planned, reason } in &plan.shortfalls {
            let Some(promised) = promises.iter().find(|known| known.target.span.encloses(*span)) else {
                continue;
            };
            let missed = if promised.change > Power::ZERO {
                target.saturating_sub(*planned)
            } else {
                planned.saturating_sub(*target)
            };
            if missed <= Power::ZERO {
                continue;
            }
            let isp = promised.target.span;
            let reported = ReportedShortfall {
                congestion_point: point.clone(),
                span: isp,
                target: *target,
                planned: *planned,
                reason: reason.to_string(),
            };
            let known = self.context.store.record::<ReportedShortfall>(&reported.name()).await?;
            changes.put(&reported)?;
            if known.is_some_and(|known| known.value.reason == reported.reason) {
                continue;
            }
            let grounds =
                format!("{} to {}: promised {target}, planned {planned}: {reason}", isp.start(), isp.end());
            let tolerable = i64::try_from(promised.change.magnitude()).unwrap_or(i64::MAX) / 100 * TOLERABLE;
            let label = if missed.watts() > tolerable {
                error!(congestion_point = %point, from = %isp.start(), %target, %planned, %reason, "an order can't be kept: call the grid operator");
                "Alarm"
            } else {
                warn!(congestion_point = %point, from = %isp.start(), %target, %planned, %reason, "an order can't be kept exactly");
                "Shortfall"
            };
            changes.decide(self.context.now(), "agr", point.to_string(), label, "", grounds);
        }
        Ok(())
    }
}

/// What the congestion point is to draw in each promised ISP: the baseline of the first promise and all changes. Where
/// these come to an increase, at least that much.
fn promised<'a>(promises: impl Iterator<Item = &'a Promise>) -> Vec<Promised> {
    let mut by_start: BTreeMap<Timestamp, (TimeSpan, Power, Power)> = BTreeMap::new();
    for promise in promises {
        let untouched = (promise.span, promise.baseline, Power::ZERO);
        let (_, _, change) = by_start.entry(promise.span.start()).or_insert(untouched);
        *change = change.saturating_add(promise.change);
    }
    let each = |(span, baseline, change): (TimeSpan, Power, Power)| {
        let of_change = if change > Power::ZERO { Target::at_least } else { Target::at_most };
        Promised { target: of_change(span, baseline.saturating_add(change)), change }
    };
    by_start.into_values().map(each).collect()
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

/// The next instant after `at` that is a whole number of `step` after 1970; `at` itself if there is no step.
fn next_multiple(at: Timestamp, step: std::time::Duration) -> Timestamp {
    let Some(step) = i128::try_from(step.as_nanos()).ok().filter(|step| *step > 0) else { return at };
    let next = at.as_nanosecond().div_euclid(step).saturating_add(1).saturating_mul(step);
    Timestamp::from_nanosecond(next).unwrap_or(at)
}

fn floor_to_second(at: Timestamp) -> Timestamp {
    let seconds = i64::try_from(at.as_nanosecond().div_euclid(1_000_000_000));
    seconds.ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(at)
}

/// Whether a charger that was told the one knows the other: the limits that are still to come are the same. What it refused
/// it would refuse again.
fn says_the_same(known: &SetPoint, planned: &SetPoint) -> bool {
    let Some(from) = planned.span().map(TimeSpan::start) else { return true };
    known.state != SetPointState::Missed && limits(known, from) == limits(planned, from)
}

/// The limits from an instant on; neighbours that say the same are one.
fn limits(set_point: &SetPoint, from: Timestamp) -> Vec<(TimeSpan, rust_decimal::Decimal)> {
    let mut limits: Vec<(TimeSpan, rust_decimal::Decimal)> = Vec::new();
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
    use tieline_flex::Miss;
    use uuid::Uuid;

    use super::*;

    fn promise(order: u128, change: i64) -> Promise {
        let start: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
        Promise {
            counterparty: "dso.example.com".parse().unwrap(),
            order: Uuid::from_u128(order),
            congestion_point: "ean.871685900012345001".parse().unwrap(),
            span: TimeSpan::new(start, start + SignedDuration::from_mins(15)).unwrap(),
            change: Power::from_watts(change),
            baseline: Power::from_watts(20_000),
        }
    }

    #[test]
    fn all_promises_of_an_isp_are_one_target_which_an_increase_misses_from_above() {
        let target = |changes: &[i64]| {
            let promises: Vec<Promise> =
                (0..).zip(changes).map(|(order, change)| promise(order, *change)).collect();
            let promised = promised(promises.iter());
            assert_eq!(promised.len(), 1);
            (promised[0].target.power.watts(), promised[0].target.miss)
        };
        assert_eq!(target(&[-5_000]), (15_000, Miss::Below));
        assert_eq!(target(&[-5_000, 2_000]), (17_000, Miss::Below));
        assert_eq!(target(&[5_000]), (25_000, Miss::Above));
        assert_eq!(target(&[-5_000, 7_000]), (22_000, Miss::Above));
        assert_eq!(target(&[-5_000, 5_000]), (20_000, Miss::Below));
    }

    #[test]
    fn what_happens_together_is_planned_together() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let step = std::time::Duration::from_millis(500);
        assert_eq!(next_multiple(at("2026-03-28T12:00:00Z"), step), at("2026-03-28T12:00:00.5Z"));
        assert_eq!(next_multiple(at("2026-03-28T12:00:00.499Z"), step), at("2026-03-28T12:00:00.5Z"));
        assert_eq!(next_multiple(at("2026-03-28T12:00:00.5Z"), step), at("2026-03-28T12:00:01Z"));
        assert_eq!(
            next_multiple(at("2026-03-28T12:00:00Z"), std::time::Duration::ZERO),
            at("2026-03-28T12:00:00Z")
        );
    }
}
