use std::collections::BTreeMap;

use tieline_types::{Power, TimeSpan};

use crate::fill::{Part, by_group, fill, total};
use crate::floor::Course;
use crate::plan::{BoundBy, Plan, PlannedPeriod, SessionPlan, Shortfall, ShortfallReason};
use crate::{ChargingSession, Fleet, reach};

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
    /// Above, if the fleet can draw that much within its connections' limits, else below: for an ordered increase.
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
/// short, it is above. A [`Shortfall`] says which.
pub fn split(fleet: &Fleet, targets: &[Target]) -> Plan {
    let mut sessions: Vec<&ChargingSession> = fleet.sessions.iter().collect();
    sessions.sort_by(|one, other| one.id.cmp(&other.id));
    let mut courses: Vec<Course<'_>> = sessions.iter().copied().map(Course::new).collect();
    let (groups, limits) = groups(fleet, &sessions);
    let mut periods: Vec<Vec<PlannedPeriod>> = vec![Vec::new(); sessions.len()];
    let mut plan = Plan::default();

    for target in targets {
        let mut parts: Vec<Part> = courses
            .iter()
            .zip(&groups)
            .map(|(course, group)| Part::new(course.range(target.span), course.session.supply, *group))
            .collect();
        fill(&mut parts, target.power.watts(), target.miss, &limits);
        plan.shortfalls.extend(shortfall(*target, &parts, &limits));
        let used = by_group(&parts, limits.len(), |part| part.watts);
        for (index, part) in parts.iter().enumerate() {
            let bound_by = bound_by(part, used[part.group], limits[part.group]);
            push(&mut periods[index], target.span, part.watts, bound_by, sessions[index]);
            courses[index].advance(target.span, part.watts);
        }
    }
    plan.sessions = sessions
        .iter()
        .zip(periods)
        .filter(|(_, periods)| !periods.is_empty())
        .map(|(session, periods)| SessionPlan { session: session.id.clone(), periods })
        .collect();
    plan
}

/// The group of each session, and the limit of each group. The last group is for connections that the fleet does not name.
pub(crate) fn groups(fleet: &Fleet, sessions: &[&ChargingSession]) -> (Vec<usize>, Vec<Option<i64>>) {
    let numbers: BTreeMap<_, _> =
        fleet.connections.iter().enumerate().map(|(number, known)| (&known.address, number)).collect();
    let unknown = fleet.connections.len();
    let groups =
        sessions.iter().map(|session| numbers.get(&session.connection).copied().unwrap_or(unknown)).collect();
    let limits = fleet.connections.iter().map(|known| known.limit.map(Power::watts)).chain([None]).collect();
    (groups, limits)
}

fn shortfall(target: Target, parts: &[Part], limits: &[Option<i64>]) -> Option<Shortfall> {
    let (wanted, planned) = (target.power.watts(), total(parts));
    if planned == wanted {
        return None;
    }
    let must: i64 = parts.iter().map(|part| part.must).sum();
    let reason = if must > wanted.max(0) {
        ShortfallReason::MustRun
    } else if wanted < 0 {
        ShortfallReason::FeedIn
    } else if wanted > parts.iter().map(|part| part.range.maximum).sum() {
        ShortfallReason::Exhausted
    } else if wanted > reach::most(parts, limits) {
        ShortfallReason::ConnectionLimit
    } else if reach::is_reached_without_steps(parts, wanted, limits) {
        ShortfallReason::Steps
    } else {
        ShortfallReason::MinimumCurrent
    };
    Some(Shortfall { span: target.span, target: target.power, planned: Power::from_watts(planned), reason })
}

fn bound_by(part: &Part, used: i64, limit: Option<i64>) -> BoundBy {
    let next = if part.watts == 0 { part.range.minimum } else { part.supply.next_told(part.watts) };
    let connection_is_full = limit.is_some_and(|limit| used - part.watts + next > limit);
    if part.range.maximum == 0 {
        BoundBy::Finished
    } else if part.watts == part.range.maximum {
        BoundBy::Maximum
    } else if part.range.floor > 0 && part.watts == part.range.floor {
        BoundBy::Floor
    } else if connection_is_full {
        BoundBy::Connection
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
    session: &ChargingSession,
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
    periods.push(PlannedPeriod { span, power, limit: session.supply.limit(power), bound_by });
}
