//! Floors that give way to the target.

use tieline_types::{Energy, TimeSpan};

use crate::floor::{Course, Range, seconds};
use crate::{BoundBy, ChargingSession, Departure, Fleet, Miss, Plan, ShortfallReason, Target};

/// A floor that gives way.
struct Floor {
    index: usize,
    minimum: i64,
    watts: i64,
}

/// The fleet with lower floors, if the `plan` that was made of it is above the target because of floors that give way: as
/// much of each as fits, alike. Where not even their minima fit, those with the lowest floors have none.
///
/// `by_name` has the indices of the sessions in the order of the plan.
pub(super) fn floors(
    fleet: &Fleet,
    reckoned: &Fleet,
    plan: &Plan,
    target: &Target,
    by_name: &[usize],
) -> Option<Fleet> {
    let shortfall = plan.shortfalls.first()?;
    let excess = shortfall.planned.watts() - target.power.watts().max(0);
    // An increase that is missed from above is none of the floors' doing.
    let is_too_much = target.miss == Miss::Below || shortfall.reason == ShortfallReason::MustRun;
    if excess <= 0 || !is_too_much {
        return None;
    }
    let mut floors: Vec<Floor> = plan
        .sessions
        .iter()
        .zip(by_name)
        .filter(|(_, index)| !matches!(fleet.sessions[**index].departure, Departure::Known(_)))
        .filter_map(|(planned, index)| {
            let watts = planned.periods.first()?.power.watts();
            let Range { floor, minimum, .. } = Course::new(&reckoned.sessions[*index]).range(target.span);
            (floor > 0 && watts > 0).then_some(Floor { index: *index, minimum, watts })
        })
        .collect();
    if floors.is_empty() {
        return None;
    }
    // A stable sort: those with equal floors stay in the order of their names.
    floors.sort_by_key(|floor| std::cmp::Reverse(floor.watts));
    let room = floors.iter().map(|floor| floor.watts).sum::<i64>() - excess;
    let mut minima = 0;
    floors.retain(|floor| {
        let fits = minima + floor.minimum <= room;
        minima += if fits { floor.minimum } else { 0 };
        fits
    });
    let level = level(&floors, &reckoned.sessions, room);
    let mut lowered = reckoned.clone();
    // Those that are not in `floors` have none: not even one that their connection's limit left no room for.
    for (session, known) in lowered.sessions.iter_mut().zip(&fleet.sessions) {
        if !matches!(known.departure, Departure::Known(_)) {
            session.departure = Departure::Unknown;
        }
    }
    for floor in &floors {
        let watts = at(level, floor, &reckoned.sessions[floor.index]);
        must_have(&mut lowered.sessions[floor.index], watts, target.span);
    }
    Some(lowered)
}

/// Says of what was lowered that the order bounds it.
pub(super) fn explain(plan: &mut Plan, lowered: &Fleet, reckoned: &Fleet, by_name: &[usize]) {
    for (planned, index) in plan.sessions.iter_mut().zip(by_name) {
        if lowered.sessions[*index] != reckoned.sessions[*index] {
            for period in planned.periods.iter_mut().filter(|period| period.bound_by == BoundBy::Floor) {
                period.bound_by = BoundBy::Order;
            }
        }
    }
}

/// The greatest level that all floors together can have within `room`.
fn level(floors: &[Floor], sessions: &[ChargingSession], room: i64) -> i64 {
    let (mut low, mut high) = (0, floors.iter().map(|floor| floor.watts).max().unwrap_or(0));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let sum: i64 = floors.iter().map(|floor| at(middle, floor, &sessions[floor.index])).sum();
        if sum <= room { low = middle } else { high = middle - 1 }
    }
    low
}

fn at(level: i64, floor: &Floor, session: &ChargingSession) -> i64 {
    session.supply.told(level.clamp(floor.minimum, floor.watts.max(floor.minimum)))
}

/// Makes `watts` the session's floor in `span`.
fn must_have(session: &mut ChargingSession, watts: i64, span: TimeSpan) {
    let needed = watts.saturating_mul(seconds(span.start(), span.end()));
    let wanted = session.energy_delivered.watt_seconds().saturating_add(needed);
    session.energy_wanted = Some(Energy::from_watt_seconds(wanted));
    session.departure = Departure::Known(span.end());
}
