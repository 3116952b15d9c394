use serde::{Deserialize, Serialize};
use tieline_types::{Amount, Currency, Domain, TimeSpan};
use uuid::Uuid;

use super::{IspPower, Window};

/// A FlexOrder: received by an AGR, sent by a DSO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    pub(crate) counterparty: Domain,
    /// The DSO's number for it, used in settlement.
    pub(crate) reference: String,
    /// The offer that it takes up.
    pub(crate) offer: Uuid,
    pub(crate) window: Window,
    pub(crate) span: TimeSpan,
    pub(crate) price: Amount,
    pub(crate) currency: Currency,
    /// The ordered change against the baseline.
    pub(crate) isps: Vec<IspPower>,
    pub(crate) state: OrderState,
}

/// How far an order has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OrderState {
    /// Sent, and not answered yet.
    Sent,
    /// Accepted: both sides are bound.
    Accepted,
    /// Refused by the AGR.
    Rejected { reason: String },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

record!(Order, "order", |this| {
    key: this.message_id.to_string(),
    subject: this.window.congestion_point.to_string(),
    span: Some(this.span),
    open: matches!(this.state, OrderState::Sent),
});
