use tieline_types::{Power, TimeSpan};

use crate::fill::Part;
use crate::journey::{Filled, Journey, Traveller};
use crate::plan::{BoundBy, Plan, PlannedPeriod, SessionPlan, Shortfall, ShortfallReason};
use crate::tree::{Level, Tree};
use crate::{Fleet, reach};

/// What the fleet as a whole is to draw in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The span.
    pub span: TimeSpan,
    /// The power at the congestion point.
    pub power: Power,
    /// On which side to miss it, if it must be missed.
    pub miss: Miss,
}

/// On which side of a target the plan may be where the chargers can't reach it exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Miss {
    /// Below: for an ordered reduction, and where nothing is ordered.
    #[default]
    Below,
    /// Above, if the fleet can draw that much within its limits, else below: for an ordered increase.
    Above,
}

impl Target {
    /// What a reduction asks for: `power`, or less.
    pub const fn at_most(span: TimeSpan, power: Power) -> Self {
        Self { span, power, miss: Miss::Below }
    }

    /// What an increase asks for: `power`, or more.
    pub const fn at_least(span: TimeSpan, power: Power) -> Self {
        Self { span, power, miss: Miss::Above }
    }
}

/// Splits targets, in order of time, over the sessions: exactly, wherever some choice of 0 and 6 A and more adds up to it.
///
/// Where none does, the plan is as near as can be on the side that the target says ([`Miss`]); where drivers would be left
/// short, or where sessions that can't be steered draw more, it is above. A [`Shortfall`] says which.
///
/// No limit of the fleet's tree is ever exceeded by those that can be steered: where the others alone exceed one, nobody
/// else gets anything below it. An increase goes to those who can use it within the span, if that reaches it.
pub fn split(fleet: &Fleet, targets: &[Target]) -> Plan {
    let mut journey = Journey::new(fleet);
    let mut steerable: Vec<Vec<PlannedPeriod>> = vec![Vec::new(); journey.steerable.len()];
    let mut unsteerable: Vec<Vec<PlannedPeriod>> = vec![Vec::new(); journey.unsteerable.len()];
    let mut plan = Plan::default();
    for target in targets {
        let filled = journey.fill(target.span, target.power.watts(), target.miss);
        plan.shortfalls.extend(shortfall(*target, &filled));
        let used = filled.tree.sums(&filled.parts, |part| part.watts);
        for ((periods, one), part) in steerable.iter_mut().zip(&journey.steerable).zip(&filled.parts) {
            push(periods, target.span, part.watts, bound_by(part, &used, &filled.tree), one);
        }
        for ((periods, one), watts) in unsteerable.iter_mut().zip(&journey.unsteerable).zip(&filled.unsteered)
        {
            let bound_by = if *watts == 0 { BoundBy::Finished } else { BoundBy::Unsteerable };
            push(periods, target.span, *watts, bound_by, one);
        }
        journey.advance(target.span, &filled);
    }
    let travellers = journey.steerable.iter().chain(&journey.unsteerable);
    plan.sessions = travellers
        .zip(steerable.into_iter().chain(unsteerable))
        .filter(|(_, periods)| !periods.is_empty())
        .map(|(one, periods)| SessionPlan { session: one.course.session.id.clone(), periods })
        .collect();
    plan.sessions.sort_by(|one, other| one.session.cmp(&other.session));
    plan
}

fn shortfall(target: Target, filled: &Filled) -> Option<Shortfall> {
    let (wanted, planned) = (target.power.watts(), filled.total());
    if planned == wanted {
        return None;
    }
    let unsteered: i64 = filled.unsteered.iter().sum();
    let left = wanted.saturating_sub(unsteered);
    let most = |level| filled.tree.most(&filled.parts, level);
    let reason = if unsteered > wanted.max(0) {
        ShortfallReason::Unsteerable
    } else if filled.must() > wanted.max(0) {
        ShortfallReason::MustRun
    } else if wanted < 0 {
        ShortfallReason::FeedIn
    } else if left > filled.parts.iter().map(|part| part.range.maximum).sum() {
        ShortfallReason::Exhausted
    } else if left > most(Level::Device) {
        ShortfallReason::DeviceLimit
    } else if left > most(Level::Connection) {
        ShortfallReason::ConnectionLimit
    } else if left > most(Level::CongestionPoint) {
        ShortfallReason::CongestionPointLimit
    } else if reach::is_reached_without_steps(&filled.parts, left, &filled.tree) {
        ShortfallReason::Steps
    } else {
        ShortfallReason::MinimumCurrent
    };
    Some(Shortfall { span: target.span, target: target.power, planned: Power::from_watts(planned), reason })
}

fn bound_by(part: &Part, used: &[i64], tree: &Tree) -> BoundBy {
    let next = if part.watts == 0 { part.range.minimum } else { part.supply.next_told(part.watts) };
    let is_full = |node: &usize| used[*node] - part.watts + next > tree.limit(*node);
    let full = tree.path(part.node).find(is_full).map(|node| tree.level(node));
    if part.range.maximum == 0 {
        BoundBy::Finished
    } else if part.watts == part.range.maximum {
        BoundBy::Maximum
    } else if part.range.floor > 0 && part.watts == part.range.floor {
        BoundBy::Floor
    } else if let Some(level) = full {
        match level {
            Level::Device => BoundBy::Device,
            Level::Connection => BoundBy::Connection,
            Level::CongestionPoint => BoundBy::CongestionPoint,
        }
    } else if part.watts == 0 {
        BoundBy::Paused
    } else {
        BoundBy::Order
    }
}

/// Adds a period, or prolongs the last one if it says the same.
fn push(
    periods: &mut Vec<PlannedPeriod>,
    span: TimeSpan,
    watts: i64,
    bound_by: BoundBy,
    one: &Traveller<'_>,
) {
    if let Some(last) = periods.last_mut() {
        let same =
            last.power.watts() == watts && last.bound_by == bound_by && last.span.end() == span.start();
        if same && let Some(joined) = TimeSpan::new(last.span.start(), span.end()) {
            last.span = joined;
            return;
        }
    }
    let power = Power::from_watts(watts);
    let supply = one.course.session.supply;
    // 6 A are the least that can be told, also to an EV that takes less.
    let told = if watts > 0 { power.max(supply.minimum()) } else { power };
    periods.push(PlannedPeriod { span, power, limit: supply.limit(told), bound_by });
}
