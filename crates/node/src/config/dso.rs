use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use tieline_types::{Currency, Domain, EntityAddress, Power};

use super::{ConfigError, Interval};

/// What a distribution system operator needs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DsoConfig {
    /// The needs, each of which becomes one FlexRequest to each of its aggregators.
    pub needs: Vec<NeedConfig>,
}

/// A congestion to be relieved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NeedConfig {
    /// The operator's own name for it; a need is requested once under its reference, also across restarts.
    pub reference: String,
    /// The congestion point.
    pub congestion_point: EntityAddress,
    /// Whom to ask.
    pub aggregators: Vec<Domain>,
    /// The local day.
    pub period: Date,
    /// What is needed in which ISPs.
    pub isps: Vec<NeedIsp>,
    /// Until when offers can be made.
    pub expires: Timestamp,
    /// How long to wait for offers before deciding, unless all have offered.
    pub decide_after: Interval,
    /// The most that an offer may cost.
    #[serde(default)]
    pub maximum_price: Option<Decimal>,
    /// The currency of `maximum_price`, and of the offers that are considered.
    pub currency: Currency,
}

/// What is needed in a run of ISPs.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NeedIsp {
    /// The first ISP, counted from 1 in the local day.
    pub start: u16,
    /// How many ISPs.
    #[serde(default = "one")]
    pub duration: u16,
    /// The lower bound of the change, in watts.
    pub min: Power,
    /// The upper bound of the change, in watts.
    pub max: Power,
    /// True where the operator needs no change and only says what it can take.
    #[serde(default)]
    pub available: bool,
}

const fn one() -> u16 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DsoFile {
    #[serde(default)]
    need: Vec<NeedConfig>,
}

impl DsoFile {
    pub(super) fn resolve(self) -> Result<DsoConfig, ConfigError> {
        for (index, need) in self.need.iter().enumerate() {
            let invalid =
                |cause: &str| Err(ConfigError::invalid(format!("dso.need {}", need.reference), cause));
            if self.need.iter().take(index).any(|other| other.reference == need.reference) {
                return invalid("its reference is used twice");
            }
            if need.aggregators.is_empty() {
                return invalid("names no aggregator");
            }
            if need.isps.iter().any(|isp| isp.min > isp.max) {
                return invalid("has an ISP whose min is above its max");
            }
            let directed = |isp: &NeedIsp| isp.min.watts() >= 0 || isp.max.watts() <= 0;
            if !need.isps.iter().filter(|isp| !isp.available).all(directed) {
                return invalid("needs a change in an ISP without saying in which direction");
            }
            if need.isps.iter().all(|isp| isp.available) {
                return invalid("needs at least one ISP that is not only available");
            }
        }
        Ok(DsoConfig { needs: self.need })
    }
}
