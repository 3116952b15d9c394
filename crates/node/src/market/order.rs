use serde::{Deserialize, Serialize};
use tieline_flex::OrderToSettle;
use tieline_types::{Amount, Currency, Domain, IspDay, TimeSpan};
use uuid::Uuid;

use super::{IspPower, Window, message_key, per_isp};

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
    /// The D-Prognosis that it is counted against, if one is.
    #[serde(default)]
    pub(crate) prognosis: Option<Uuid>,
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

impl Order {
    /// Whether it counts, or may still count.
    pub(crate) const fn stands(&self) -> bool {
        matches!(self.state, OrderState::Sent | OrderState::Accepted)
    }

    /// Whether both sides are bound.
    pub(crate) const fn is_accepted(&self) -> bool {
        matches!(self.state, OrderState::Accepted)
    }

    /// The order as it is settled; `day` is its day.
    pub(crate) fn to_settle(&self, day: &IspDay) -> OrderToSettle {
        let changes = per_isp(&self.isps).into_iter();
        OrderToSettle {
            reference: self.reference.clone(),
            price: self.price,
            changes: changes.filter_map(|(isp, power)| Some((day.isp(isp).ok()?, power))).collect(),
        }
    }
}

record!(Order, "order", |this| {
    key: message_key(&this.counterparty, this.message_id),
    subject: this.window.congestion_point.to_string(),
    span: Some(this.span),
    open: matches!(this.state, OrderState::Sent),
});
