//! Answers: what they answer is known, and they do not contradict each other.
//!
//! Nobody answers an answer. What was received is taken for what it says, though it may say it badly: a rejection without a
//! reason is a rejection. What is to be sent says it properly.

use super::case::{By, Case, Reasons, unknown};
use crate::message::{AcceptedDisputed, FlexOrder, FlexSettlement, FlexSettlementResponse, Response};
use crate::{Exchanged, Fate, Payload, RejectionReason};

/// Whether an answer is to be taken note of. `request` is the message that it names.
pub(super) fn answer(
    answer: &Payload,
    response: &Response,
    case: &Case<'_>,
    request: Option<&Exchanged>,
) -> Reasons {
    let request_type = answer.message_type().request();
    let request = request.filter(|request| {
        request.payload.message_type() == request_type
            && case.is_by(request, By::Recipient)
            && request.payload.header().conversation_id == answer.header().conversation_id
    });
    let Some(request) = request else {
        return Reasons::from([unknown(&format!("{request_type}MessageID"))]);
    };
    // "Already Submitted" only says that a repeat arrived.
    let repeats = response.reasons() == [RejectionReason::AlreadySubmitted];
    let contradicts = match request.fate {
        Fate::Open => false,
        Fate::Accepted => !response.is_accepted(),
        Fate::Rejected => response.is_accepted(),
    };
    if contradicts && !repeats {
        return Reasons::from([RejectionReason::other("The answer contradicts an earlier one")]);
    }
    Reasons::new()
}

/// A rejection has a reason.
pub(super) fn has_reason(response: &Response) -> Reasons {
    let lacks_reason = !response.is_accepted() && response.reasons().is_empty();
    lacks_reason.then(|| RejectionReason::other("RejectionReason is missing")).into_iter().collect()
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
