use tieline_types::{Power, TimeSpan};

use crate::Fleet;
use crate::floor::Course;

/// What the fleet would draw in each span, in order of time, if nobody told it anything: every session at its maximum until
/// it has what it wants or leaves, connections at their limits.
pub fn baseline(fleet: &Fleet, spans: &[TimeSpan]) -> Vec<Power> {
    let mut courses: Vec<Course<'_>> = fleet.sessions.iter().map(Course::new).collect();
    spans
        .iter()
        .map(|span| {
            let mut at_no_connection = 0;
            let mut by_connection = vec![0_i64; fleet.connections.len()];
            for course in &mut courses {
                let maximum = course.range(*span).maximum;
                let expected = course.expected(*span, maximum);
                course.advance(*span, maximum);
                let connection = fleet
                    .connections
                    .iter()
                    .position(|connection| connection.address == course.session.connection);
                match connection {
                    Some(index) => by_connection[index] += expected,
                    None => at_no_connection += expected,
                }
            }
            let limited: i64 = fleet
                .connections
                .iter()
                .zip(by_connection)
                .map(|(connection, sum)| connection.limit.map_or(sum, |limit| limit.watts().min(sum)))
                .sum();
            Power::from_watts(at_no_connection + limited)
        })
        .collect()
}
