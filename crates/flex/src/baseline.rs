use tieline_types::{Power, TimeSpan};

use crate::Fleet;
use crate::journey::Journey;

/// What the fleet would draw in each span, in order of time, if nobody told it anything: every session at its maximum until
/// it has what it wants or leaves. Those behind a limit share it alike, and draw later what it withholds.
pub fn baseline(fleet: &Fleet, spans: &[TimeSpan]) -> Vec<Power> {
    let mut journey = Journey::new(fleet);
    spans
        .iter()
        .map(|span| {
            let filled = journey.fill_freely(*span);
            let mean = journey.mean_drawn(*span, &filled);
            journey.advance(*span, &filled);
            Power::from_watts(mean)
        })
        .collect()
}
