use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tieline_types::{Amount, Currency, Domain, TimeSpan};
use uuid::Uuid;

use super::{IspPower, Window, message_key};

/// A FlexOffer: sent by an AGR, received by a DSO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) message_id: Uuid,
    pub(crate) conversation_id: Uuid,
    /// The other side: the DSO that it is offered to, or the AGR that offers.
    pub(crate) counterparty: Domain,
    /// The request that it answers.
    pub(crate) request: Uuid,
    pub(crate) window: Window,
    pub(crate) span: TimeSpan,
    pub(crate) expires: Timestamp,
    pub(crate) currency: Currency,
    pub(crate) contract: Option<String>,
    /// Alternatives: one of them can be ordered.
    pub(crate) options: Vec<OfferOption>,
    /// What the AGR expected without any order when it made the offer; a DSO does not know it.
    pub(crate) baseline: Vec<IspPower>,
    /// The D-Prognosis that it is counted against, if one is.
    #[serde(default)]
    pub(crate) prognosis: Option<Uuid>,
    pub(crate) state: OfferState,
}

/// One alternative of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferOption {
    pub(crate) reference: String,
    /// For the whole option.
    pub(crate) price: Amount,
    /// The smallest part of it that can be ordered; 1 is all or nothing.
    pub(crate) min_activation_factor: Decimal,
    /// The change against the baseline.
    pub(crate) isps: Vec<IspPower>,
}

/// How far an offer has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OfferState {
    /// Sent, and not answered yet.
    Sent,
    /// Accepted for consideration: it can be ordered until it expires.
    Accepted,
    /// Refused.
    Rejected { reason: String },
    /// Ordered by this FlexOrder.
    Ordered { order: Uuid },
    /// It could not be delivered.
    Undeliverable { cause: String },
}

impl Offer {
    /// Whether an order on it would be taken at an instant. One that could not be delivered may have arrived all the same.
    pub(crate) fn can_be_ordered(&self, at: Timestamp) -> bool {
        match self.state {
            OfferState::Sent | OfferState::Accepted | OfferState::Undeliverable { .. } => at <= self.expires,
            OfferState::Rejected { .. } | OfferState::Ordered { .. } => false,
        }
    }

    /// Whether it was accepted and has not been ordered.
    pub(crate) const fn is_accepted(&self) -> bool {
        matches!(self.state, OfferState::Accepted)
    }
}

record!(Offer, "offer", |this| {
    key: message_key(&this.counterparty, this.message_id),
    subject: this.window.congestion_point.to_string(),
    span: Some(this.span),
    open: matches!(this.state, OfferState::Sent | OfferState::Accepted),
});
