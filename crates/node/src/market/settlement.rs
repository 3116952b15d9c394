use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tieline_types::{Amount, Currency, Domain, EntityAddress, IspNumber, Power, TimeSpan};
use uuid::Uuid;

use super::message_key;

/// A FlexSettlement: sent by a DSO, received by an AGR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settlement {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    /// The other side: the AGR that is paid, or the DSO that pays.
    pub(crate) counterparty: Domain,
    pub(crate) period_start: Date,
    pub(crate) period_end: Date,
    /// From the start of the first day to the end of the last.
    pub(crate) span: TimeSpan,
    pub(crate) currency: Currency,
    pub(crate) items: Vec<SettlementItem>,
    pub(crate) state: SettlementState,
}

/// What becomes of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettlementItem {
    /// The DSO's number for the order.
    pub(crate) reference: String,
    pub(crate) congestion_point: EntityAddress,
    pub(crate) period: Date,
    /// The D-Prognosis that is the baseline, if one is.
    pub(crate) prognosis: Option<Uuid>,
    pub(crate) price: Amount,
    pub(crate) penalty: Amount,
    pub(crate) net: Amount,
    pub(crate) isps: Vec<SettlementIsp>,
    /// The ISPs that count as not delivered since nothing was measured; only a DSO knows them.
    pub(crate) unmeasured: Vec<IspNumber>,
    pub(crate) status: ItemStatus,
    /// What the AGR has worked out by itself; a DSO does not know it.
    pub(crate) own: Option<OwnAmounts>,
}

/// What an order comes to by the AGR's own books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnAmounts {
    pub(crate) price: Amount,
    pub(crate) penalty: Amount,
    pub(crate) net: Amount,
}

/// Powers of one ISP of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettlementIsp {
    pub(crate) isp: IspNumber,
    pub(crate) baseline: Power,
    pub(crate) ordered: Power,
    pub(crate) actual: Power,
    pub(crate) delivered: Power,
    pub(crate) deficiency: Power,
}

/// What the AGR says to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ItemStatus {
    /// Nothing yet.
    Open,
    /// Both sides have the same figures.
    Accepted,
    /// The AGR has others.
    Disputed { reason: String },
}

/// How far a settlement has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SettlementState {
    /// Sent, and not answered yet.
    Sent,
    /// Answered item by item.
    Answered,
    /// Refused by the AGR: all of it is in dispute.
    Rejected { reason: String },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

record!(Settlement, "settlement", |this| {
    key: message_key(&this.counterparty, this.message_id),
    subject: this.counterparty.to_string(),
    span: Some(this.span),
    open: this.state == SettlementState::Sent,
});

/// That an order is to be settled, and by which settlement it was.
///
/// The orders of a period are found by it whatever the configuration says of congestion points by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) order: Uuid,
    pub(crate) counterparty: Domain,
    pub(crate) period: Date,
    pub(crate) settlement: Option<Uuid>,
}

record!(Claim, "claim", |this| {
    key: message_key(&this.counterparty, this.order),
    subject: this.counterparty.to_string(),
    span: None,
    open: this.settlement.is_none(),
});
