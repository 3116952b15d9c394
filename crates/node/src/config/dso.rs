use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tieline_types::{Currency, Domain, EntityAddress, IspCalendar, IspError, IspRange, Power};

use super::{ConfigError, Interval};

/// What a distribution system operator needs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DsoConfig {
    /// The needs, each of which becomes one FlexRequest to each of its aggregators.
    pub needs: Vec<NeedConfig>,
    /// The congestion points, with what lies behind them.
    pub congestion_points: Vec<CongestionPointConfig>,
    /// How orders are settled; without it they are not.
    pub settlement: Option<SettlementConfig>,
}

/// What lies behind a congestion point, as long as no common reference operator says so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CongestionPointConfig {
    /// The congestion point.
    pub entity_address: EntityAddress,
    /// The connections behind it whose metering counts.
    pub connections: Vec<EntityAddress>,
    /// The aggregators that have some of them.
    pub aggregators: Vec<Domain>,
    /// Whether offers may have several options there.
    #[serde(default = "yes")]
    pub mutex_offers_supported: bool,
    /// Who redispatches day-ahead; what is registered with a common reference operator says so.
    #[serde(default)]
    pub day_ahead_redispatch_by: Option<RedispatchBy>,
    /// Who redispatches intraday; nobody trades intraday there without it, as far as is registered.
    #[serde(default)]
    pub intraday_redispatch_by: Option<RedispatchBy>,
}

/// Who balances what flexibility has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RedispatchBy {
    /// The aggregator.
    Agr,
    /// The grid operator.
    Dso,
}

const fn yes() -> bool {
    true
}

/// How orders are settled.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SettlementConfig {
    /// What is settled at a time.
    pub period: SettlementPeriod,
    /// How long after the end of a period.
    #[serde(default = "default_after")]
    pub after: Interval,
    /// How often it is looked again where metering is missing.
    #[serde(default = "default_look_again")]
    pub look_again: Interval,
    /// How long metering is waited for; what is missing then counts as not delivered.
    #[serde(default = "default_give_up_after")]
    pub give_up_after: Interval,
    /// The penalty for a megawatt hour that was ordered and not delivered.
    #[serde(default)]
    pub penalty_per_mwh: Decimal,
    /// The currency of the penalty, and of all needs.
    pub currency: Currency,
}

/// What is settled at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettlementPeriod {
    /// A local day.
    Day,
    /// A calendar month.
    Month,
}

impl SettlementPeriod {
    /// The first and the last day of the period that a day is in.
    pub fn around(self, day: Date) -> (Date, Date) {
        match self {
            Self::Day => (day, day),
            Self::Month => (day.first_of_month(), day.last_of_month()),
        }
    }
}

const fn default_after() -> Interval {
    Interval::from_secs(3 * 3600)
}

const fn default_look_again() -> Interval {
    Interval::from_secs(15 * 60)
}

const fn default_give_up_after() -> Interval {
    Interval::from_secs(7 * 24 * 3600)
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
    /// When it is requested; at once where nothing is said.
    #[serde(default)]
    pub request_at: Option<Timestamp>,
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

impl NeedIsp {
    /// Its ISPs.
    pub fn range(&self) -> Result<IspRange, IspError> {
        IspRange::from_numbers(self.start, self.duration)
    }
}

const fn one() -> u16 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DsoFile {
    #[serde(default)]
    need: Vec<NeedConfig>,
    #[serde(default)]
    congestion_point: Vec<CongestionPointConfig>,
    settlement: Option<SettlementConfig>,
}

impl DsoFile {
    /// Checks everything; `calendar` is the market's.
    pub(super) fn resolve(self, calendar: &IspCalendar) -> Result<DsoConfig, ConfigError> {
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
            if need.request_at.is_some_and(|at| at >= need.expires) {
                return invalid("is requested after it has expired");
            }
            if need.isps.iter().all(|isp| isp.available) {
                return invalid("needs at least one ISP that is not only available");
            }
            if let Err(cause) = check_isps(need, calendar) {
                return invalid(&cause);
            }
        }
        check_points(&self.congestion_point)?;
        if let Some(settlement) = &self.settlement {
            check_settlement(settlement, &self.need)?;
        }
        Ok(DsoConfig {
            needs: self.need,
            congestion_points: self.congestion_point,
            settlement: self.settlement,
        })
    }
}

/// Every run of ISPs is in the day, and none of them is in another run: no aggregator would take such a request.
fn check_isps(need: &NeedConfig, calendar: &IspCalendar) -> Result<(), String> {
    let day = calendar.day(need.period).map_err(|cause| format!("its period: {cause}"))?;
    let mut named: Vec<IspRange> = Vec::new();
    for isp in &need.isps {
        let range = isp.range().map_err(|cause| cause.to_string())?;
        day.range(range).map_err(|cause| format!("{}: {cause}", need.period))?;
        if let Some(other) = named.iter().find(|other| other.overlaps(range)) {
            let (first, last) = (range.start().max(other.start()), range.last().min(other.last()));
            return Err(format!("names ISPs twice: {first} to {last}"));
        }
        named.push(range);
    }
    Ok(())
}

fn check_points(points: &[CongestionPointConfig]) -> Result<(), ConfigError> {
    for (index, point) in points.iter().enumerate() {
        let invalid = |cause: &str| {
            Err(ConfigError::invalid(format!("dso.congestion_point {}", point.entity_address), cause))
        };
        let earlier = &points[..index];
        if earlier.iter().any(|other| other.entity_address == point.entity_address) {
            return invalid("is there twice");
        }
        if point.aggregators.is_empty() {
            return invalid("names no aggregator");
        }
        let elsewhere = |connection| {
            earlier.iter().any(|other: &CongestionPointConfig| other.connections.contains(connection))
        };
        if point.connections.iter().any(elsewhere) {
            return invalid("has a connection of another congestion point");
        }
        let ean = |connection: &EntityAddress| {
            connection.ean().is_some_and(|digits| matches!(digits.len(), 16 | 18))
        };
        if !point.connections.iter().all(ean) {
            return invalid(
                "has a connection without an EAN of 16 or 18 digits, which no Metering message can name",
            );
        }
    }
    Ok(())
}

/// What is registered with a common reference operator has connections, and says who redispatches.
pub(super) fn check_registered(points: &[CongestionPointConfig]) -> Result<(), ConfigError> {
    for point in points {
        let invalid = |cause: &str| {
            let key = format!("dso.congestion_point {}", point.entity_address);
            Err(ConfigError::invalid(key, cause))
        };
        if point.connections.is_empty() {
            return invalid("has no connection: it can't be registered with uftp.cro");
        }
        if point.day_ahead_redispatch_by.is_none() {
            return invalid("needs day_ahead_redispatch_by: uftp.cro is told who redispatches");
        }
    }
    Ok(())
}

fn check_settlement(settlement: &SettlementConfig, needs: &[NeedConfig]) -> Result<(), ConfigError> {
    let invalid = |cause: String| Err(ConfigError::invalid("dso.settlement", cause));
    if settlement.penalty_per_mwh.is_sign_negative() && !settlement.penalty_per_mwh.is_zero() {
        return invalid("its penalty_per_mwh is negative".to_owned());
    }
    if settlement.look_again.get().is_zero() {
        return invalid("its look_again is no time at all".to_owned());
    }
    if let Some(need) = needs.iter().find(|need| need.currency != settlement.currency) {
        return invalid(format!("its currency is not that of dso.need {}", need.reference));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_ends_with_its_last_day() {
        let february = SettlementPeriod::Month.around(date(2028, 2, 10));
        assert_eq!(february, (date(2028, 2, 1), date(2028, 2, 29)));
        assert_eq!(SettlementPeriod::Day.around(date(2026, 3, 29)), (date(2026, 3, 29), date(2026, 3, 29)));
    }
}
