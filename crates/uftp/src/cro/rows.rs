//! What is kept of the common reference, row by row.

use serde::{Deserialize, Serialize};
use tieline_types::{Domain, EntityAddress};

use super::Days;
use super::lasting::Lasting;
use crate::message::RedispatchBy;

/// A congestion point of a DSO: one row, named by DSO and address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredPoint {
    /// The DSO that registered it.
    pub dso: Domain,
    /// The point.
    pub entity_address: EntityAddress,
    /// When the DSO trades there, and how; in the order of days, without overlap.
    pub trading: Vec<TradingPeriod>,
}

/// Days on which a DSO trades at a congestion point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TradingPeriod {
    /// The days.
    pub days: Days,
    /// How it trades.
    pub terms: TradingTerms,
}

/// What a DSO says of trading at a congestion point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TradingTerms {
    /// `MutexOffersSupported`: whether offers of several options are taken there.
    pub mutex_offers_supported: bool,
    /// `DayAheadRedispatchBy`: who redispatches day-ahead.
    pub day_ahead_redispatch_by: RedispatchBy,
    /// `IntradayRedispatchBy`: who redispatches intraday; without it there is no intraday trade.
    pub intraday_redispatch_by: Option<RedispatchBy>,
}

/// A connection: one row, named by its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredConnection {
    /// The connection.
    pub entity_address: EntityAddress,
    /// Who represents the customer there, and when; never two on one day.
    pub representations: Vec<Representation>,
    /// Behind which congestion points it is, and when; never those of two DSOs on one day.
    pub memberships: Vec<Membership>,
}

/// Days on which an AGR represents the customer at a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Representation {
    /// The days.
    pub days: Days,
    /// The AGR.
    pub agr: Domain,
}

/// Days on which a connection is behind a congestion point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Membership {
    /// The days.
    pub days: Days,
    /// The DSO.
    pub dso: Domain,
    /// The point.
    pub congestion_point: EntityAddress,
}

impl RegisteredConnection {
    pub(super) fn new(entity_address: EntityAddress) -> Self {
        Self { entity_address, representations: Vec::new(), memberships: Vec::new() }
    }

    /// How many periods it holds.
    pub(super) fn periods(&self) -> usize {
        self.representations.len() + self.memberships.len()
    }
}

impl RegisteredPoint {
    /// The days on which its DSO trades there.
    pub(super) fn days(&self) -> Vec<Days> {
        self.trading.iter().map(|period| period.days).collect()
    }
}

impl Lasting for TradingPeriod {
    fn days(&self) -> Days {
        self.days
    }

    fn on(&self, days: Days) -> Self {
        Self { days, terms: self.terms }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.terms == other.terms
    }
}

impl Lasting for Representation {
    fn days(&self) -> Days {
        self.days
    }

    fn on(&self, days: Days) -> Self {
        Self { days, agr: self.agr.clone() }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.agr == other.agr
    }
}

impl Lasting for Membership {
    fn days(&self) -> Days {
        self.days
    }

    fn on(&self, days: Days) -> Self {
        Self { days, ..self.clone() }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.dso == other.dso && self.congestion_point == other.congestion_point
    }
}
