use std::collections::BTreeMap;

use tieline_types::{Power, TimeSpan};

use crate::fill::{Part, Steps, fill};
use crate::floor::Course;
use crate::plan::{BoundBy, Plan, PlannedPeriod, SessionPlan, Shortfall, ShortfallReason};
use crate::{ChargingSession, Fleet};

/// What the fleet as a whole is to draw in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The span.
    pub span: TimeSpan,
    /// The power at the congestion point.
    pub power: Power,
}

/// Splits targets, in order of time, over the sessions: exactly, wherever 0 and 6 A and more can reach it.
///
/// Where it can't be reached, the plan is the best that can be done, and a [`Shortfall`] says why: below the target where
/// only the 6 A stand in the way, above it where drivers would be left short.
pub fn split(fleet: &Fleet, targets: &[Target]) -> Plan {
    let mut sessions: Vec<&ChargingSession> = fleet.sessions.iter().collect();
    sessions.sort_by(|one, other| one.id.cmp(&other.id));
    let mut courses: Vec<Course<'_>> = sessions.iter().copied().map(Course::new).collect();
    let groups: BTreeMap<_, _> = fleet
        .connections
        .iter()
        .enumerate()
        .map(|(index, connection)| (&connection.address, index))
        .collect();
    let limits: Vec<Option<i64>> =
        fleet.connections.iter().map(|connection| connection.limit.map(Power::watts)).collect();
    let mut periods: Vec<Vec<PlannedPeriod>> = vec![Vec::new(); sessions.len()];
    let mut plan = Plan::default();

    for target in targets {
        let mut parts: Vec<Part> = courses
            .iter()
            .map(|course| Part {
                range: course.range(target.span),
                group: groups.get(&course.session.connection).copied().unwrap_or(usize::MAX),
                watts: 0,
            })
            .collect();
        let wanted = target.power.watts();
        let patience = patience(&parts);
        fill(&mut parts, wanted, &limits, &patience, &Told(&sessions));
        let planned: i64 = parts.iter().map(|part| part.watts).sum();
        if planned != wanted {
            plan.shortfalls.push(shortfall(*target, planned, &parts, &limits));
        }
        for (index, part) in parts.iter().enumerate() {
            let bound_by = bound_by(part, &parts, &limits);
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

struct Told<'a>(&'a [&'a ChargingSession]);

impl Steps for Told<'_> {
    fn told(&self, index: usize, watts: i64) -> i64 {
        self.0[index].supply.told(watts)
    }

    fn next_told(&self, index: usize, watts: i64) -> i64 {
        self.0[index].supply.next_told(watts)
    }
}

/// Those that can pause, the one with the largest minimum first: pausing few leaves most of the others charging.
fn patience(parts: &[Part]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|index| {
        let range = parts[*index].range;
        (range.floor > 0, range.floor, std::cmp::Reverse(range.minimum), std::cmp::Reverse(*index))
    });
    order
}

fn shortfall(target: Target, planned: i64, parts: &[Part], limits: &[Option<i64>]) -> Shortfall {
    let wanted = target.power.watts();
    let at_most: i64 = {
        let mut by_group: BTreeMap<usize, i64> = BTreeMap::new();
        for part in parts {
            *by_group.entry(part.group).or_default() += part.range.maximum;
        }
        by_group
            .iter()
            .map(|(group, sum)| limits.get(*group).copied().flatten().map_or(*sum, |limit| limit.min(*sum)))
            .sum()
    };
    let reason = if planned > wanted {
        ShortfallReason::MustRun
    } else if wanted > at_most {
        ShortfallReason::Exhausted
    } else {
        ShortfallReason::MinimumCurrent
    };
    Shortfall { span: target.span, target: target.power, planned: Power::from_watts(planned), reason }
}

fn bound_by(part: &Part, parts: &[Part], limits: &[Option<i64>]) -> BoundBy {
    let used: i64 = parts.iter().filter(|other| other.group == part.group).map(|other| other.watts).sum();
    let connection_is_full = limits
        .get(part.group)
        .copied()
        .flatten()
        .is_some_and(|limit| used + part.range.minimum.max(1) > limit && used >= limit.saturating_sub(1));
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
