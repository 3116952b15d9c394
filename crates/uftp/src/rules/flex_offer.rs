//! FlexOffer: what an AGR may offer.

use std::collections::BTreeSet;

use tieline_types::{IspDay, IspRange, Power};

use super::case::{By, Case, Reasons, binds, of_type, powers, ranges, same_window, unknown};
use super::d_prognosis::holds_any;
use super::flex_request::{is_requested, needs};
use crate::message::{DPrognosis, FlexOffer, FlexOrder, FlexRequest, OfferOption};
use crate::{Exchanged, RejectionReason};

/// What an offer refers to, as far as it is known.
pub(super) struct OfferFacts {
    pub(super) request: Option<Exchanged>,
    pub(super) prognosis: Option<Exchanged>,
    /// The orders for the same point and day.
    pub(super) orders: Vec<Exchanged>,
}

pub(super) fn flex_offer(message: &FlexOffer, case: &Case<'_>, facts: &OfferFacts) -> Reasons {
    let mut reasons = Reasons::new();
    let window = &message.flex;
    let lists: Vec<Vec<IspRange>> = message.options.iter().map(|option| ranges(&option.isps)).collect();
    let day = case.window(window, lists.clone(), &mut reasons);
    if let Some(day) = &day {
        case.expiration(day, lists.into_iter().flatten(), &message.expiration_date_time, &mut reasons);
    }
    case.contract(message.contract_id.as_ref(), &mut reasons);
    case.currency(message.currency, &mut reasons);
    options(message, case, &mut reasons);
    baseline(message, case, facts, &mut reasons);
    if let Some(request) = request(message, case, facts, &mut reasons)
        && let Some(day) = &day
        && request.flex.period == window.period
    {
        for option in &message.options {
            compare(option, request, day, &mut reasons);
        }
    }
    reasons
}

/// Each option has a name of its own, and there is one only where the point takes no more; powers are plausible.
fn options(message: &FlexOffer, case: &Case<'_>, reasons: &mut Reasons) {
    let several = message.options.len() > 1;
    let terms = case.terms.at(&message.flex.congestion_point);
    if several && terms.is_some_and(|terms| !terms.mutex_offers_supported) {
        reasons.insert(RejectionReason::NoMutexOfferSupport);
    }
    let names: BTreeSet<_> = message.options.iter().map(|option| &option.option_reference).collect();
    if names.len() < message.options.len() {
        reasons.insert(RejectionReason::other("An OptionReference is there twice"));
    }
    let mut powers = message.options.iter().flat_map(|option| &option.isps);
    if powers.any(|isp| !case.is_plausible(isp.power)) {
        reasons.insert(RejectionReason::PowerValueRejection);
    }
}

/// The request, if the offer answers one that it may answer.
fn request<'e>(
    message: &FlexOffer,
    case: &Case<'_>,
    facts: &'e OfferFacts,
    reasons: &mut Reasons,
) -> Option<&'e FlexRequest> {
    if message.is_unsolicited() {
        if !case.terms.unsolicited_offers {
            reasons.insert(RejectionReason::other("No FlexOffer without a FlexRequest is agreed"));
        }
        if message.flex_request_message_id.is_some() {
            reasons.insert(RejectionReason::other("An unsolicited FlexOffer names a FlexRequest"));
        }
        return None;
    }
    let request = case
        .referred::<FlexRequest>(facts.request.as_ref(), By::Recipient)
        .filter(|request| request.header.conversation_id == message.header.conversation_id);
    let Some(request) = request else {
        reasons.insert(unknown("FlexRequestMessageID"));
        return None;
    };
    same_window((&message.flex.congestion_point, message.flex.period), &request.flex, reasons);
    if case.has_expired(&request.expiration_date_time) {
        reasons.insert(RejectionReason::ReferenceMessageExpired);
    }
    let contracts = (&message.contract_id, &request.contract_id);
    if let (Some(named), Some(asked)) = contracts
        && named != asked
    {
        reasons.insert(RejectionReason::RequestMismatch);
    }
    Some(request)
}

/// Something is offered in a Requested ISP, and nothing beyond the room that the request leaves. In an ISP that the request
/// does not list there is none.
fn compare(option: &OfferOption, request: &FlexRequest, day: &IspDay, reasons: &mut Reasons) {
    let needs = needs(request, day);
    let powers = powers(day, &option.isps);
    let serves =
        |(isp, power): (_, &Power)| *power != Power::ZERO && needs.get(isp).is_some_and(is_requested);
    if !powers.iter().any(serves) {
        reasons.insert(RejectionReason::RequestMismatch);
    }
    let is_within = |(isp, power): (_, &Power)| match needs.get(isp) {
        Some(need) => (need.min_power..=need.max_power).contains(power),
        None => *power == Power::ZERO,
    };
    if !powers.iter().all(is_within) {
        reasons.insert(RejectionReason::PowerValueRejection);
    }
}

/// The baseline is known, of this point and day, and not one that an order has moved already: a change that was counted from
/// it would be counted twice. A D-Prognosis is the AGR's own, and has a conversation of its own.
fn baseline(message: &FlexOffer, case: &Case<'_>, facts: &OfferFacts, reasons: &mut Reasons) {
    if let (Some(known), Some(named)) = (&case.terms.baselines, &message.baseline_reference)
        && !known.contains(named)
    {
        reasons.insert(RejectionReason::NoBaseline);
    }
    if message.d_prognosis_message_id.is_none() {
        if case.terms.baseline_required && message.baseline_reference.is_none() {
            reasons.insert(RejectionReason::NoBaseline);
        }
        return;
    }
    let Some(prognosis) = case.referred::<DPrognosis>(facts.prognosis.as_ref(), By::Sender) else {
        reasons.insert(unknown("D-PrognosisMessageID"));
        return;
    };
    same_window((&message.flex.congestion_point, message.flex.period), &prognosis.flex, reasons);
    let orders = of_type::<FlexOrder>(&facts.orders).filter(|(known, _)| binds(known));
    if facts.prognosis.as_ref().is_some_and(|prognosis| holds_any(prognosis, orders)) {
        reasons.insert(RejectionReason::NoBaseline);
    }
}
