//! What 2.1 has of its own in the messages to and from a store.

use crate::smart_charging::answer::v21 as answer;
use crate::smart_charging::read::{v21_purpose as read_purpose, v21_unit as read_unit};
use crate::v21 as messages;

#[path = "v2x.rs"]
#[expect(clippy::duplicate_mod, reason = "the messages of 2.0.1 and 2.1 differ in type and hardly in shape")]
mod v2x;

fn sources(asked: &messages::ChargingProfileCriterion) -> Option<Vec<String>> {
    asked.charging_limit_source.clone()
}

fn source(source: &str) -> String {
    source.to_owned()
}

fn limit(
    limit_source: &str,
    profile: &messages::ChargingProfile,
    grid_critical: bool,
) -> messages::ChargingLimit {
    let mut limit = messages::ChargingLimit::new(source(limit_source)).with_is_grid_critical(grid_critical);
    if profile.charging_profile_purpose == messages::ChargingProfilePurpose::LocalGeneration {
        limit.is_local_generation = Some(true);
    }
    limit
}
