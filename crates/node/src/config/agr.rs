use rust_decimal::Decimal;
use serde::Deserialize;
use tieline_types::{Currency, EntityAddress, Power};

use super::{ConfigError, Interval};

/// What an aggregator sells, and where.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgrConfig {
    /// The currency of its offers.
    pub currency: Currency,
    /// What it asks for a megawatt hour of change.
    pub price_per_mwh: Decimal,
    /// Set-points are planned for what is ordered within this time from now.
    pub plan_ahead: Interval,
    /// How long an offer can be ordered, at the most.
    pub offer_valid_for: Interval,
    /// The congestion points at which it has connections.
    pub congestion_points: Vec<EntityAddress>,
    /// Its connections.
    pub connections: Vec<ConnectionConfig>,
}

/// A connection behind a congestion point.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// The connection's own address.
    pub entity_address: EntityAddress,
    /// The congestion point that it lies behind.
    pub congestion_point: EntityAddress,
    /// The most that it may draw, in watts.
    #[serde(default)]
    pub limit: Option<Power>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgrFile {
    currency: Currency,
    price_per_mwh: Decimal,
    #[serde(default = "default_plan_ahead")]
    plan_ahead: Interval,
    #[serde(default = "default_offer_valid_for")]
    offer_valid_for: Interval,
    #[serde(default)]
    congestion_point: Vec<CongestionPointFile>,
    #[serde(default)]
    connection: Vec<ConnectionConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CongestionPointFile {
    entity_address: EntityAddress,
}

const fn default_plan_ahead() -> Interval {
    Interval::from_secs(30 * 60)
}

const fn default_offer_valid_for() -> Interval {
    Interval::from_secs(3600)
}

impl AgrFile {
    pub(super) fn resolve(self) -> Result<AgrConfig, ConfigError> {
        let congestion_points: Vec<_> =
            self.congestion_point.into_iter().map(|point| point.entity_address).collect();
        for connection in &self.connection {
            if !congestion_points.contains(&connection.congestion_point) {
                return Err(ConfigError::invalid(
                    format!("agr.connection {}", connection.entity_address),
                    format_args!("{} is no agr.congestion_point", connection.congestion_point),
                ));
            }
        }
        Ok(AgrConfig {
            currency: self.currency,
            price_per_mwh: self.price_per_mwh,
            plan_ahead: self.plan_ahead,
            offer_valid_for: self.offer_valid_for,
            congestion_points,
            connections: self.connection,
        })
    }
}
