//! What 2.0.1 has of its own in the messages to and from a store.

use crate::smart_charging::answer::v201 as answer;
use crate::smart_charging::read::{v201_purpose as read_purpose, v201_unit as read_unit};
use crate::v201 as messages;

#[path = "v2x.rs"]
mod v2x;

fn sources(asked: &messages::ChargingProfileCriterion) -> Option<Vec<String>> {
    let sources = asked.charging_limit_source.as_ref()?;
    Some(sources.iter().map(|source| source.as_str().to_owned()).collect())
}

fn source(source: &str) -> messages::ChargingLimitSource {
    messages::ChargingLimitSource::from_wire(source)
}

/// 2.0.1 knows no local generation.
fn limit(limit_source: &str, _: &messages::ChargingProfile, grid_critical: bool) -> messages::ChargingLimit {
    messages::ChargingLimit::new(source(limit_source)).with_is_grid_critical(grid_critical)
}
