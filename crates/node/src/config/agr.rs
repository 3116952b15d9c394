use std::path::{Path, PathBuf};

use jiff::civil::Time;
use rust_decimal::Decimal;
use serde::Deserialize;
use tieline_types::{Currency, Domain, EntityAddress, Power};

use super::contract::{self, ContractConfig};
use super::{ConfigError, ExpectedLoad, Interval};

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
    /// How long is waited for what happens together, before it is planned together.
    pub plan_delay: Interval,
    /// How often a plan is made anew while anything is steered, by what the meters say.
    pub replan_every: Interval,
    /// For how long after an order what was held back is kept under the normal peak, at the most.
    pub release_within: Interval,
    /// How long an offer can be ordered, at the most.
    pub offer_valid_for: Interval,
    /// The congestion points at which it has connections.
    pub congestion_points: Vec<EntityAddress>,
    /// Those of them whose grid operator is told what is expected and what was measured.
    pub reported_points: Vec<ReportedPoint>,
    /// The local time at which the next day's prognoses are sent.
    pub prognosis_at: Time,
    /// How long after the end of a day its measured energies are sent.
    pub metering_after: Interval,
    /// By what settlements are checked.
    pub settlement: SettlementCheck,
    /// Its connections.
    pub connections: Vec<ConnectionConfig>,
    /// What grid operators have reserved.
    pub contracts: Vec<ContractConfig>,
}

/// A congestion point whose grid operator gets prognoses and metering.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedPoint {
    /// The congestion point.
    pub entity_address: EntityAddress,
    /// Its grid operator.
    pub dso: Domain,
    /// What its connections take on a typical day.
    pub expected_load: Option<ExpectedLoad>,
}

/// By what settlements are checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SettlementCheck {
    /// The agreed penalty for a megawatt hour that was ordered and not delivered.
    pub penalty_per_mwh: Decimal,
    /// By how much an order's net amount may differ from our own.
    pub tolerance: Decimal,
    /// By how many watts a power may differ from our own.
    pub power_tolerance: Power,
    /// Grid operators with another penalty.
    pub dso: Vec<OperatorTerms>,
}

/// The terms of one grid operator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OperatorTerms {
    /// The grid operator.
    pub domain: Domain,
    /// The agreed penalty for a megawatt hour that was ordered and not delivered.
    pub penalty_per_mwh: Decimal,
}

impl Default for SettlementCheck {
    fn default() -> Self {
        Self {
            penalty_per_mwh: Decimal::ZERO,
            tolerance: Decimal::new(1, 2),
            power_tolerance: Power::ZERO,
            dso: Vec::new(),
        }
    }
}

impl SettlementCheck {
    /// The penalty that is agreed with a grid operator.
    pub fn penalty_per_mwh(&self, dso: &Domain) -> Decimal {
        let own = self.dso.iter().find(|terms| terms.domain == *dso);
        own.map_or(self.penalty_per_mwh, |terms| terms.penalty_per_mwh)
    }
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
    #[serde(default = "default_plan_delay")]
    plan_delay: Interval,
    #[serde(default = "default_replan_every")]
    replan_every: Interval,
    #[serde(default = "default_release_within")]
    release_within: Interval,
    #[serde(default = "default_offer_valid_for")]
    offer_valid_for: Interval,
    #[serde(default = "default_prognosis_at")]
    prognosis_at: Time,
    #[serde(default = "default_metering_after")]
    metering_after: Interval,
    #[serde(default)]
    settlement: SettlementCheck,
    #[serde(default)]
    congestion_point: Vec<CongestionPointFile>,
    #[serde(default)]
    connection: Vec<ConnectionConfig>,
    #[serde(default)]
    contract: Vec<ContractConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CongestionPointFile {
    entity_address: EntityAddress,
    dso: Option<Domain>,
    expected_load: Option<PathBuf>,
}

const fn default_prognosis_at() -> Time {
    Time::constant(10, 0, 0, 0)
}

const fn default_metering_after() -> Interval {
    Interval::from_secs(3600)
}

const fn default_plan_ahead() -> Interval {
    Interval::from_secs(30 * 60)
}

const fn default_plan_delay() -> Interval {
    Interval::from_millis(500)
}

const fn default_replan_every() -> Interval {
    Interval::from_secs(5 * 60)
}

const fn default_release_within() -> Interval {
    Interval::from_secs(6 * 3600)
}

const fn default_offer_valid_for() -> Interval {
    Interval::from_secs(3600)
}

impl AgrFile {
    pub(super) fn resolve(self, base: &Path) -> Result<AgrConfig, ConfigError> {
        let congestion_points: Vec<_> =
            self.congestion_point.iter().map(|point| point.entity_address.clone()).collect();
        let reported_points: Vec<ReportedPoint> = self
            .congestion_point
            .into_iter()
            .filter_map(|point| point.resolve(base).transpose())
            .collect::<Result<_, _>>()?;
        check_settlement(&self.settlement)?;
        contract::check(&self.contract, &congestion_points)?;
        for connection in &self.connection {
            if !congestion_points.contains(&connection.congestion_point) {
                return Err(ConfigError::invalid(
                    format!("agr.connection {}", connection.entity_address),
                    format_args!("{} is no agr.congestion_point", connection.congestion_point),
                ));
            }
            let is_reported =
                reported_points.iter().any(|point| point.entity_address == connection.congestion_point);
            if is_reported && !can_be_metered(&connection.entity_address) {
                return Err(ConfigError::invalid(
                    format!("agr.connection {}", connection.entity_address),
                    "a connection whose energy is reported needs an EAN of 16 or 18 digits",
                ));
            }
        }
        Ok(AgrConfig {
            currency: self.currency,
            price_per_mwh: self.price_per_mwh,
            plan_ahead: self.plan_ahead,
            plan_delay: self.plan_delay,
            replan_every: self.replan_every,
            release_within: self.release_within,
            offer_valid_for: self.offer_valid_for,
            congestion_points,
            reported_points,
            prognosis_at: self.prognosis_at,
            metering_after: self.metering_after,
            settlement: self.settlement,
            connections: self.connection,
            contracts: self.contract,
        })
    }
}

impl CongestionPointFile {
    fn resolve(self, base: &Path) -> Result<Option<ReportedPoint>, ConfigError> {
        let Some(dso) = self.dso else {
            if self.expected_load.is_some() {
                return Err(ConfigError::invalid(
                    format!("agr.congestion_point {} expected_load", self.entity_address),
                    "is of no use without dso: nobody is told what is expected",
                ));
            }
            return Ok(None);
        };
        let expected_load =
            self.expected_load.map(|path| ExpectedLoad::read(&base.join(path))).transpose()?;
        Ok(Some(ReportedPoint { entity_address: self.entity_address, dso, expected_load }))
    }
}

/// Whether a Metering message can name a connection: by an EAN of 16 or 18 digits.
fn can_be_metered(connection: &EntityAddress) -> bool {
    connection.ean().is_some_and(|digits| matches!(digits.len(), 16 | 18))
}

fn check_settlement(settlement: &SettlementCheck) -> Result<(), ConfigError> {
    let negative = |amount: Decimal| amount.is_sign_negative() && !amount.is_zero();
    let penalties = settlement.dso.iter().map(|terms| terms.penalty_per_mwh);
    if penalties.chain([settlement.penalty_per_mwh]).any(negative) {
        return Err(ConfigError::invalid("agr.settlement penalty_per_mwh", "is negative"));
    }
    if negative(settlement.tolerance) || settlement.power_tolerance.watts() < 0 {
        return Err(ConfigError::invalid("agr.settlement", "a tolerance is negative"));
    }
    Ok(())
}
