use tieline_types::{Power, TimeSpan};

use crate::fill::{Part, fill};
use crate::floor::{Course, seconds};
use crate::split::groups;
use crate::{ChargingSession, Fleet, Miss};

/// More than any fleet draws.
const ALL: i64 = i64::MAX / 8;

/// What the fleet would draw in each span, in order of time, if nobody told it anything: every session at its maximum until
/// it has what it wants or leaves. Those at a connection with a limit share it alike, and draw later what it withholds.
pub fn baseline(fleet: &Fleet, spans: &[TimeSpan]) -> Vec<Power> {
    let mut sessions: Vec<&ChargingSession> = fleet.sessions.iter().collect();
    sessions.sort_by(|one, other| one.id.cmp(&other.id));
    let mut courses: Vec<Course<'_>> = sessions.iter().copied().map(Course::new).collect();
    let (groups, limits) = groups(fleet, &sessions);
    spans
        .iter()
        .map(|span| {
            let mut parts: Vec<Part> = courses
                .iter()
                .zip(&groups)
                .map(|(course, group)| {
                    Part::new(course.appetite(*span), course.session.supply.without_steps(), *group)
                })
                .collect();
            fill(&mut parts, ALL, Miss::Below, &limits);
            let mut energy = 0_i64;
            for (course, part) in courses.iter_mut().zip(&parts) {
                energy = energy.saturating_add(course.drawn(*span, part.watts));
                course.advance(*span, part.watts);
            }
            Power::from_watts(energy.checked_div(seconds(span.start(), span.end())).unwrap_or(0))
        })
        .collect()
}
