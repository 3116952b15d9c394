use jiff::civil::Time;
use serde::Deserialize;
use tieline_types::{Domain, EntityAddress, Power};

use super::ConfigError;

/// A bilateral contract, by which a grid operator reserves flexibility of an aggregator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ContractConfig {
    /// Its `ContractID`.
    pub id: String,
    /// The grid operator, a peer with role DSO.
    pub dso: Domain,
    /// Where it is reserved.
    pub congestion_point: EntityAddress,
    /// What is reserved in each ISP, in watts: negative for less load.
    pub reserved: Power,
    /// Until when the reservation of a day may be reduced; without it until the day starts.
    #[serde(default)]
    pub release_until: Option<ReleaseUntil>,
}

/// A local time, so many days before the one that it is about.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReleaseUntil {
    /// How many days before.
    pub days_before: u16,
    /// The local time of that day.
    pub time: Time,
}

pub(super) fn check(contracts: &[ContractConfig], points: &[EntityAddress]) -> Result<(), ConfigError> {
    for (index, contract) in contracts.iter().enumerate() {
        let ContractConfig { id, dso, congestion_point, reserved, .. } = contract;
        let invalid = |cause: &dyn std::fmt::Display| {
            Err(ConfigError::invalid(format!("agr.contract {id} with {dso}"), cause))
        };
        if let Err(cause) = id.parse::<tieline_uftp::Text>() {
            return invalid(&cause);
        }
        if !points.contains(congestion_point) {
            return invalid(&format_args!("{congestion_point} is no agr.congestion_point"));
        }
        if *reserved == Power::ZERO {
            return invalid(&"reserves nothing");
        }
        if contracts[..index].iter().any(|known| known.id == *id && known.dso == *dso) {
            return invalid(&"is there twice");
        }
    }
    Ok(())
}
