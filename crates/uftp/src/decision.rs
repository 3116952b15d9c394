//! What a participant decides about a message, and the answer that says so.

use crate::message::{
    DPrognosisResponse, FlexOfferResponse, FlexOfferRevocationResponse, FlexOrderResponse,
    FlexOrderSettlementStatus, FlexOrderStatus, FlexRequestResponse, FlexReservationUpdateResponse,
    FlexSettlement, FlexSettlementResponse, MeteringResponse, Response, TestMessageResponse,
};
use crate::{Header, Payload, RejectionReason};

/// What has become of a received message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// A request is accepted; its sender may rely on it.
    Accepted(Accepted),
    /// A request is rejected; it counts for nothing.
    Rejected(Rejected),
    /// An answer was taken note of. Nothing goes back.
    Noted,
    /// Nothing was decided, for a reason on our side. The message waits to be handled again.
    Undecided(Undecided),
}

/// The acceptance of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// To a D-Prognosis: which orders of its period it shows. Of no use to another request.
    pub flex_order_statuses: Vec<FlexOrderStatus>,
    /// To a FlexSettlement: which of its items are accepted and which disputed; empty if all are accepted. Of no use to
    /// another request.
    pub settlement_statuses: Vec<FlexOrderSettlementStatus>,
}

impl Accepted {
    /// The plain acceptance.
    pub const fn new() -> Self {
        Self { flex_order_statuses: Vec::new(), settlement_statuses: Vec::new() }
    }

    /// The acceptance of a D-Prognosis.
    pub const fn with_orders(flex_order_statuses: Vec<FlexOrderStatus>) -> Self {
        Self { flex_order_statuses, settlement_statuses: Vec::new() }
    }

    /// The acceptance of a FlexSettlement.
    pub const fn with_items(settlement_statuses: Vec<FlexOrderSettlementStatus>) -> Self {
        Self { flex_order_statuses: Vec::new(), settlement_statuses }
    }
}

/// The rejection of a request, for one reason or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    first: RejectionReason,
    rest: Vec<RejectionReason>,
}

impl Rejected {
    /// The rejection for these reasons, or `None` if there is none.
    ///
    /// ```
    /// use tieline_uftp::{Rejected, RejectionReason};
    ///
    /// let check = || -> Result<(), Rejected> {
    ///     match Rejected::for_any([RejectionReason::IspConflict]) {
    ///         Some(rejected) => Err(rejected),
    ///         None => Ok(()),
    ///     }
    /// };
    /// assert!(check().is_err());
    /// ```
    pub fn for_any(reasons: impl IntoIterator<Item = RejectionReason>) -> Option<Self> {
        let mut reasons = reasons.into_iter();
        Some(Self { first: reasons.next()?, rest: reasons.collect() })
    }

    /// One more reason.
    pub fn and(mut self, reason: RejectionReason) -> Self {
        self.rest.push(reason);
        self
    }

    /// The reasons, one or more.
    pub fn reasons(&self) -> impl Iterator<Item = &RejectionReason> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl From<RejectionReason> for Rejected {
    fn from(first: RejectionReason) -> Self {
        Self { first, rest: Vec::new() }
    }
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// What went wrong, for the log.
    pub cause: String,
    /// Whether the same message may fare better later.
    pub retry: bool,
}

/// An answer was taken note of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted;

impl From<Accepted> for Decision {
    fn from(accepted: Accepted) -> Self {
        Self::Accepted(accepted)
    }
}

impl From<Rejected> for Decision {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<RejectionReason> for Decision {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(reason.into())
    }
}

impl From<Noted> for Decision {
    fn from(_: Noted) -> Self {
        Self::Noted
    }
}

impl From<Undecided> for Decision {
    fn from(undecided: Undecided) -> Self {
        Self::Undecided(undecided)
    }
}

impl Payload {
    /// The answer that tells `decision` to the sender of this message, under `header`, which is made by
    /// [`Header::reply_to`].
    ///
    /// `None` if there is nothing to answer: to an answer, where nothing was decided, and to a rejected
    /// TestMessage, since its answer has no way to say so.
    ///
    /// ```
    /// # use tieline_uftp::{Accepted, Decision, Header, Payload, Tolerance, parse};
    /// # fn answer(request: &Payload, header: Header) {
    /// let answer = request.respond(&Decision::Accepted(Accepted::new()), header);
    /// # }
    /// ```
    pub fn respond(&self, decision: &Decision, header: Header) -> Option<Payload> {
        let (response, accepted) = match decision {
            Decision::Accepted(accepted) => (Response::ACCEPTED, Some(accepted)),
            Decision::Rejected(rejected) => {
                (Response::rejected(&rejected.reasons().cloned().collect::<Vec<_>>()), None)
            }
            Decision::Noted | Decision::Undecided(_) => return None,
        };
        let id = self.header().message_id;
        Some(match self {
            Self::TestMessage(_) => {
                accepted?;
                TestMessageResponse { header, response: None }.into()
            }
            Self::DPrognosis(_) => {
                let flex_order_statuses = accepted.map(|a| a.flex_order_statuses.clone()).unwrap_or_default();
                DPrognosisResponse { header, response, d_prognosis_message_id: id, flex_order_statuses }
                    .into()
            }
            Self::FlexRequest(_) => {
                FlexRequestResponse { header, response, flex_request_message_id: id }.into()
            }
            Self::FlexOffer(_) => FlexOfferResponse { header, response, flex_offer_message_id: id }.into(),
            Self::FlexOrder(_) => FlexOrderResponse { header, response, flex_order_message_id: id }.into(),
            Self::FlexOfferRevocation(_) => {
                FlexOfferRevocationResponse { header, response, flex_offer_revocation_message_id: id }.into()
            }
            Self::FlexReservationUpdate(_) => {
                FlexReservationUpdateResponse { header, response, flex_reservation_update_message_id: id }
                    .into()
            }
            Self::FlexSettlement(settlement) => {
                let statuses = settlement_statuses(settlement, &response, accepted);
                FlexSettlementResponse { header, response, flex_settlement_message_id: id, statuses }.into()
            }
            Self::Metering(_) => MeteringResponse { header, response, metering_message_id: id }.into(),
            Self::TestMessageResponse(_)
            | Self::DPrognosisResponse(_)
            | Self::FlexRequestResponse(_)
            | Self::FlexOfferResponse(_)
            | Self::FlexOfferRevocationResponse(_)
            | Self::FlexReservationUpdateResponse(_)
            | Self::FlexOrderResponse(_)
            | Self::FlexSettlementResponse(_)
            | Self::MeteringResponse(_) => return None,
        })
    }
}

/// What is said of each item: what was decided, or that all are accepted, or, in a rejection, that all are disputed.
fn settlement_statuses(
    settlement: &FlexSettlement,
    response: &Response,
    accepted: Option<&Accepted>,
) -> Vec<FlexOrderSettlementStatus> {
    let references = settlement.orders.iter().map(|order| order.order_reference.clone());
    match accepted {
        Some(accepted) if !accepted.settlement_statuses.is_empty() => accepted.settlement_statuses.clone(),
        Some(_) => references.map(FlexOrderSettlementStatus::accepted).collect(),
        None => {
            let reason = response.rejection_reason.as_ref().map_or("", |reason| reason.as_str());
            references.map(|order| FlexOrderSettlementStatus::disputed(order, reason)).collect()
        }
    }
}
