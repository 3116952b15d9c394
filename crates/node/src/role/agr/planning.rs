use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tieline_flex::{Expectation, Target, dispatch};
use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Timer};
use tieline_types::{EntityAddress, Power, TimeSpan};
use tracing::debug;

use super::Agr;
use super::releasing::Going;
use super::tracking::Crowd;
use crate::fleet::SetPoint;
use crate::market::Promise;

/// The timer that plans a congestion point anew: after an order, when a session starts, stops or changes, at the start of every
/// promised ISP and after the last, and every now and then within it.
pub(crate) const PLAN: &str = "plan";

/// More than any fleet draws: the target of a span in which nothing is promised.
pub(super) const FREE: Power = Power::from_watts(i64::MAX / 8);

/// How long after a round time the chargers' readings of it are waited for.
const READINGS_TAKE: SignedDuration = SignedDuration::from_secs(30);

/// What is left of an ISP, at the least, for what was missed so far to be made up for in it, in seconds.
const LONG_ENOUGH: i64 = 120;

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
        // Read once: what is due between the plan and what is set after it would be lost.
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
        self.learn_stays(&point, &mut changes).await?;
        let is_steering = self.steer(&point, &promises, now, &mut changes).await?;
        if let Some(Stored { value, version }) = wanted {
            changes.replace(&value, version)?;
        }
        changes.clear_timer(fired);
        if let Some(due) = self.next_plan(&promises, is_steering, now) {
            changes.set_timer(Timer::new(PLAN, point.as_str(), due));
        }
        Ok(changes)
    }

    /// When there is something to plan by itself: when an ISP comes into sight, when it starts, when it ends, and while anything
    /// is steered each time that the chargers have reported. The promises are in order of time.
    fn next_plan(&self, promises: &[Promised], is_steering: bool, now: Timestamp) -> Option<Timestamp> {
        let delay = self.config.plan_delay.signed();
        let ahead = self.config.plan_ahead.signed();
        let first_after_now = |of: &dyn Fn(TimeSpan) -> Option<Timestamp>| {
            let at = |promised: &Promised| of(promised.target.span)?.checked_add(delay).ok();
            promises.iter().filter_map(at).find(|at| *at > now)
        };
        let by_promises = [
            first_after_now(&|span| span.start().checked_sub(ahead).ok()),
            first_after_now(&|span| Some(span.start())),
            first_after_now(&|span| Some(span.end())),
        ];
        let while_steering = is_steering.then(|| {
            let since = now.checked_sub(READINGS_TAKE).unwrap_or(now);
            next_multiple(since, self.config.replan_every.get()).checked_add(READINGS_TAKE).unwrap_or(now)
        });
        by_promises.into_iter().flatten().chain(while_steering.filter(|at| *at > now)).min()
    }

    /// Tells the sessions what the promises and the release after them ask for; true while there is anything.
    async fn steer(
        &self,
        point: &EntityAddress,
        promises: &[Promised],
        now: Timestamp,
        changes: &mut ChangeSet,
    ) -> Result<bool, StoreError> {
        let present = floor_to_second(now);
        let horizon = now.checked_add(self.config.plan_ahead.signed()).unwrap_or(Timestamp::MAX);
        let is_in_sight = |promised: &&Promised| promised.target.span.start() <= horizon;
        let in_sight: Vec<Promised> = promises.iter().take_while(is_in_sight).copied().collect();
        let release = self.release(point, &in_sight, present).await?;
        let is_steering = !in_sight.is_empty() || release.is_some();
        if !is_steering && !self.is_told(point, present).await? {
            return Ok(false);
        }
        let crowd = self.crowd(point, now).await?;
        let is_active = in_sight.first().is_some_and(|first| first.target.span.start() <= present);
        let goes_on = release.as_ref().is_some_and(|release| release.goes_on(&crowd.fleet, present));
        let targets = self.targets(point, &in_sight, release.as_ref(), &crowd, (present, horizon)).await?;
        let stays = self.stays(point).await?;
        let expectation =
            Expectation { stays: &stays, arrivals: crowd.arrivals(), leave_by: Expectation::ONE_IN_FIVE };
        let plan = dispatch(&crowd.fleet, &targets, &expectation);
        debug!(congestion_point = %point, sessions = crowd.fleet.sessions.len(), first = ?targets.first(), "planned");
        crowd.tell(&plan, is_steering, changes)?;
        self.report(point, &in_sight, &plan, changes).await?;
        match (release, targets.first()) {
            (Some(release), Some(current)) if is_active || goes_on => {
                release.hold_back(&crowd.fleet, &plan, current.span, changes)?;
            }
            (Some(release), _) => release.end(changes)?,
            (None, _) => {}
        }
        Ok(goes_on || !in_sight.is_empty())
    }

    /// What the congestion point is to draw from span to span, without gaps, so that one charging profile covers them all:
    /// what is left of what is promised, and between and after that what the release lets it draw.
    ///
    /// Once everything is over that makes a plan without limits, as far as anybody was told any.
    async fn targets(
        &self,
        point: &EntityAddress,
        in_sight: &[Promised],
        release: Option<&Going>,
        crowd: &Crowd,
        (present, horizon): (Timestamp, Timestamp),
    ) -> Result<Vec<Target>, StoreError> {
        let going = release.filter(|release| release.goes_on(&crowd.fleet, present));
        let end = match going {
            Some(_) => self.end_of_isp(horizon),
            None => crowd.told_until().unwrap_or(present),
        };
        let caps = match (going, TimeSpan::new(present, end)) {
            (Some(going), Some(within)) => Some(self.caps(going, point, within).await?),
            _ => None,
        };
        let free = |span: TimeSpan| match &caps {
            Some(caps) => caps.over(span, &self.calendar),
            None => vec![Target::at_most(span, FREE)],
        };
        let mut targets: Vec<Target> = Vec::new();
        let mut from = release.map(|_| present);
        for target in in_sight.iter().filter_map(|known| what_is_left(known.target, present, crowd)) {
            if let Some(gap) = from.and_then(|from| TimeSpan::new(from, target.span.start())) {
                targets.extend(free(gap));
            }
            targets.push(target);
            from = Some(target.span.end());
        }
        if let Some(rest) = TimeSpan::new(from.unwrap_or(present), end) {
            targets.extend(free(rest));
        }
        Ok(targets)
    }

    /// Whether anybody was told limits that are not over.
    async fn is_told(&self, point: &EntityAddress, present: Timestamp) -> Result<bool, StoreError> {
        let from_now_on = TimeSpan::new(present, Timestamp::MAX);
        Ok(!self.context.store.records_of::<SetPoint>(point.as_str(), from_now_on).await?.is_empty())
    }

    fn end_of_isp(&self, at: Timestamp) -> Timestamp {
        let isp = self.calendar.locate(at).ok().and_then(|(day, isp)| day.isp(isp).ok());
        isp.map_or(at, TimeSpan::end)
    }
}

/// What is left of an ISP, and the power in it that makes the whole come to its target. An estimate that is far off does not
/// turn the plan over: it is half as much at the least, and half as much again at the most.
fn what_is_left(target: Target, present: Timestamp, crowd: &Crowd) -> Option<Target> {
    let whole = target.span;
    let span = TimeSpan::new(whole.start().max(present), whole.end())?;
    let (all, left) = (whole.duration().as_secs(), span.duration().as_secs());
    let watts = target.power.watts();
    let so_far = TimeSpan::new(whole.start(), present).filter(|so_far| crowd.was_read_in(*so_far));
    let Some(so_far) = so_far.filter(|_| left >= LONG_ENOUGH && watts > 0) else {
        return Some(Target { span, ..target });
    };
    let drawn = crowd.drawn(so_far);
    let needed = watts.saturating_mul(all).saturating_sub(drawn.watt_seconds()) / left;
    debug!(from = %whole.start(), target = watts, %drawn, needed, "what is left of an ISP");
    let power = Power::from_watts(needed.clamp(watts / 2, watts.saturating_add(watts / 2)));
    Some(Target { span, power, ..target })
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
            let isps = promised(promises.iter());
            assert_eq!(isps.len(), 1);
            (isps[0].target.power.watts(), isps[0].target.miss)
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
