//! Answers: what they answer is known, and they do not contradict each other.

use super::case::{By, Case, Reasons, unknown};
use crate::message::{
    AcceptedDisputed, AcceptedRejected, FlexOrder, FlexSettlement, FlexSettlementResponse, Response,
};
use crate::value::{ConversationId, MessageId};
use crate::{Exchanged, Fate, MessageType, Payload, RejectionReason};

/// An answer, to whichever message.
pub(super) struct Answer<'m> {
    conversation: ConversationId,
    response: &'m Response,
    /// What it answers.
    pub(super) request: MessageId,
    request_type: MessageType,
    /// The attribute that names the request.
    attribute: &'static str,
}

impl<'m> Answer<'m> {
    /// `None` if the message is no answer between AGR and DSO, or one that does not say what it answers.
    pub(super) fn of(payload: &'m Payload) -> Option<Self> {
        use MessageType as T;
        let (response, request, request_type, attribute) = match payload {
            Payload::DPrognosisResponse(answer) => {
                (&answer.response, answer.d_prognosis_message_id, T::DPrognosis, "D-PrognosisMessageID")
            }
            Payload::FlexRequestResponse(answer) => {
                (&answer.response, answer.flex_request_message_id, T::FlexRequest, "FlexRequestMessageID")
            }
            Payload::FlexOfferResponse(answer) => {
                (&answer.response, answer.flex_offer_message_id, T::FlexOffer, "FlexOfferMessageID")
            }
            Payload::FlexOfferRevocationResponse(answer) => (
                &answer.response,
                answer.flex_offer_revocation_message_id,
                T::FlexOfferRevocation,
                "FlexOfferRevocationMessageID",
            ),
            Payload::FlexOrderResponse(answer) => {
                (&answer.response, answer.flex_order_message_id, T::FlexOrder, "FlexOrderMessageID")
            }
            Payload::FlexReservationUpdateResponse(answer) => (
                &answer.response,
                answer.flex_reservation_update_message_id,
                T::FlexReservationUpdate,
                "FlexReservationUpdateMessageID",
            ),
            Payload::FlexSettlementResponse(answer) => (
                &answer.response,
                answer.flex_settlement_message_id,
                T::FlexSettlement,
                "FlexSettlementMessageID",
            ),
            Payload::MeteringResponse(answer) => {
                (&answer.response, answer.metering_message_id, T::Metering, "MeteringMessageID")
            }
            _ => return None,
        };
        let conversation = payload.header().conversation_id;
        Some(Self { conversation, response, request, request_type, attribute })
    }
}

/// What is wrong with an answer by itself.
pub(super) fn response(answer: &Answer<'_>, case: &Case<'_>, request: Option<&Exchanged>) -> Reasons {
    let mut reasons = objections(answer, case, request);
    if !answer.response.is_accepted() && answer.response.reasons().is_empty() {
        reasons.insert(RejectionReason::other("RejectionReason is missing"));
    }
    reasons
}

/// Why an answer says nothing that counts.
pub(super) fn objections(answer: &Answer<'_>, case: &Case<'_>, request: Option<&Exchanged>) -> Reasons {
    let mut reasons = Reasons::new();
    let request = request.filter(|request| {
        request.payload.message_type() == answer.request_type
            && case.is_by(request, By::Recipient)
            && request.payload.header().conversation_id == answer.conversation
    });
    let Some(request) = request else {
        return Reasons::from([unknown(answer.attribute)]);
    };
    let given = answer.response.reasons();
    // "Already Submitted" only says that a repeat arrived.
    let repeats = given == [RejectionReason::AlreadySubmitted];
    let before = match request.fate {
        Fate::Open => None,
        Fate::Accepted => Some(AcceptedRejected::Accepted),
        Fate::Rejected => Some(AcceptedRejected::Rejected),
    };
    if !repeats && before.is_some_and(|before| before != answer.response.result) {
        reasons.insert(RejectionReason::other("The answer contradicts an earlier one"));
    }
    reasons
}

/// Each item of the settlement is named at most once, no other is, and what is disputed has a reason.
pub(super) fn settlement_items(
    answer: &FlexSettlementResponse,
    case: &Case<'_>,
    request: Option<&Exchanged>,
) -> Reasons {
    let mut reasons = Reasons::new();
    let settlement: Option<&FlexSettlement> =
        request.filter(|request| case.is_by(request, By::Recipient)).and_then(|known| known.payload.try_as());
    let Some(settlement) = settlement else { return reasons };
    let mut items: Vec<_> = settlement.orders.iter().map(|item| &item.order_reference).collect();
    for status in &answer.statuses {
        match items.iter().position(|item| **item == status.order_reference) {
            Some(place) => {
                items.swap_remove(place);
            }
            None => {
                reasons.insert(unknown("OrderReference"));
            }
        }
        let disputed = status.disposition == AcceptedDisputed::Disputed;
        if disputed && status.dispute_reason.as_ref().is_none_or(|reason| reason.as_str().is_empty()) {
            reasons.insert(RejectionReason::other("A disputed item has no DisputeReason"));
        }
    }
    reasons
}

/// An order of which a D-PrognosisResponse tells the state is one of its sender's.
pub(super) fn order_status(case: &Case<'_>, order: Option<&Exchanged>) -> Reasons {
    let known = order.filter(|order| case.is_by(order, By::Sender));
    match known.and_then(|order| order.payload.try_as::<FlexOrder>()) {
        Some(_) => Reasons::new(),
        None => Reasons::from([unknown("FlexOrderMessageID")]),
    }
}
