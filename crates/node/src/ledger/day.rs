use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use tieline_types::{Amount, Currency, Domain, Energy, EntityAddress, IspNumber, Power, TimeSpan};

use crate::config::ProfileUnit;

/// A local day at a congestion point.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MarketDay {
    /// The congestion point.
    pub congestion_point: EntityAddress,
    /// The local day.
    pub date: Date,
    /// Every ISP of the day: 92, 96 or 100 of a quarter of an hour.
    pub isps: Vec<LedgerIsp>,
    /// The orders, by reference.
    pub orders: Vec<LedgerOrder>,
    /// The settlements that have an order of the day in them, with the items of this point and day only.
    pub settlements: Vec<LedgerSettlement>,
    /// Where an order could not be kept exactly, by the latest plan; an aggregator knows.
    pub shortfalls: Vec<LedgerShortfall>,
    /// The sessions that were there on the day, by name; an aggregator knows.
    pub sessions: Vec<LedgerSession>,
}

/// One ISP. Where several parties trade, powers are their sums.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerIsp {
    /// Its number in the local day, from 1.
    pub isp: IspNumber,
    /// From when to when.
    pub span: TimeSpan,
    /// What was expected without any order, by the accepted D-Prognosis; without one, what the orders count from.
    pub baseline: Option<Power>,
    /// The bounds of the change that was requested.
    pub requested: Option<RequestedBounds>,
    /// The change that was offered last on each request, in its first option.
    pub offered: Option<Power>,
    /// The change that was ordered and accepted.
    pub ordered: Option<Power>,
    /// The mean power by the Metering messages; before there is one, by the sessions' readings, up to the latest.
    pub measured: Option<Power>,
    /// The delivered part of what was ordered, by the settlement; before there is one, by the meters against the baseline.
    pub delivered: Option<Power>,
    /// By how much what was ordered was missed, in the same way.
    pub deficiency: Option<Power>,
}

/// The bounds of a requested change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestedBounds {
    /// The smallest change.
    pub min: Power,
    /// The largest change.
    pub max: Power,
    /// True for Disposition `Requested`, false for `Available`.
    pub requested: bool,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerOrder {
    /// The DSO's number for it.
    pub reference: String,
    /// The other side.
    pub counterparty: Domain,
    /// For all of it.
    pub price: Amount,
    /// The currency of the price.
    pub currency: Currency,
    /// `sent`, `accepted`, `rejected: …` or `undeliverable: …`.
    pub state: String,
    /// The ordered change in each of its ISPs.
    pub changes: Vec<(IspNumber, Power)>,
}

/// A settlement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerSettlement {
    /// The other side.
    pub counterparty: Domain,
    /// The first day that it settles.
    pub period_start: Date,
    /// The last day that it settles.
    pub period_end: Date,
    /// The currency of all amounts.
    pub currency: Currency,
    /// `sent`, `answered`, `rejected: …` or `undeliverable: …`.
    pub state: String,
    /// Its items of this point and day.
    pub items: Vec<LedgerSettlementItem>,
    /// What its items here come to.
    pub net: Amount,
}

/// What became of one order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerSettlementItem {
    /// The DSO's number for the order.
    pub reference: String,
    /// What was agreed for all of it.
    pub price: Amount,
    /// What is kept back of it, and asked on top.
    pub penalty: Amount,
    /// What is paid.
    pub net: Amount,
    /// What it comes to by the aggregator's own books; only these know it.
    pub own: Option<LedgerAmounts>,
    /// `None` as long as the aggregator has said nothing.
    pub accepted: Option<bool>,
    /// Why it is disputed.
    pub dispute: Option<String>,
    /// Whether it counts as not delivered since metering was missing; a grid operator knows.
    pub unmeasured: bool,
    /// Its ISPs.
    pub isps: Vec<LedgerSettlementIsp>,
}

/// What an order comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerAmounts {
    /// What was agreed for all of it.
    pub price: Amount,
    /// What is kept back of it, and asked on top.
    pub penalty: Amount,
    /// What is paid.
    pub net: Amount,
}

/// Powers of one ISP of a settled order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerSettlementIsp {
    /// The ISP.
    pub isp: IspNumber,
    /// What was expected without any order.
    pub baseline: Power,
    /// The ordered change.
    pub ordered: Power,
    /// What was measured.
    pub actual: Power,
    /// The delivered part of the change.
    pub delivered: Power,
    /// By how much it was missed.
    pub deficiency: Power,
}

/// Where an order can't be kept exactly.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerShortfall {
    /// The ISP.
    pub isp: IspNumber,
    /// The power that was promised.
    pub target: Power,
    /// The power that is planned.
    pub planned: Power,
    /// Why it is not the same.
    pub reason: String,
}

/// A charging session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerSession {
    /// The charger's identity.
    pub charger: String,
    /// The transaction, as the charger calls it.
    pub transaction: String,
    /// The connection that feeds it.
    pub connection: EntityAddress,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// What it got in all, by the first and the last reading of its register.
    pub delivered: Energy,
    /// What it got in each ISP of the day, by its readings.
    pub energies: Vec<Energy>,
    /// The limits that the charger has accepted, in order of time, those that were never in force left out.
    pub set_points: Vec<LedgerSetPoint>,
}

/// A limit that a charger was told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerSetPoint {
    /// When it was in force: until the next one was accepted.
    pub span: TimeSpan,
    /// In `unit`; 0 pauses.
    pub limit: Decimal,
    /// Watts, or amperes per phase.
    pub unit: ProfileUnit,
    /// What made it this and no other.
    pub because: String,
}
