//! FlexOrder: what a DSO may order.

use rust_decimal::Decimal;
use tieline_types::{Amount, IspDay, Power};

use super::case::{By, Case, Reasons, binds, of_type, powers, ranges, same_window, unknown};
use super::flex_offer_revocation::is_revoked;
use crate::message::{DPrognosis, FlexOffer, FlexOrder, OfferOption};
use crate::value::ActivationFactor;
use crate::{Direction, Exchanged, Fate, RejectionReason};

/// What an order refers to, as far as it is known.
pub(super) struct OrderFacts {
    pub(super) offer: Option<Exchanged>,
    /// What else refers to the offer: orders and revocations.
    pub(super) about_offer: Vec<Exchanged>,
    pub(super) prognosis: Option<Exchanged>,
}

pub(super) fn flex_order(message: &FlexOrder, case: &Case<'_>, facts: &OrderFacts) -> Reasons {
    let mut reasons = Reasons::new();
    let day = case.window(&message.flex, [ranges(&message.isps)], &mut reasons);
    case.contract(message.contract_id.as_ref(), &mut reasons);
    if message.isps.iter().any(|isp| !case.is_plausible(isp.power)) {
        reasons.insert(RejectionReason::PowerMismatch);
    }
    baseline(message, case, facts, &mut reasons);
    if message.is_unsolicited() {
        unsolicited(message, case, day.as_ref(), &mut reasons);
    } else if let Some(offer) = offer(message, case, facts, &mut reasons) {
        match option(offer, message) {
            Some(option) => compare(message, offer, option, day.as_ref(), &mut reasons),
            None => {
                reasons.insert(unknown("OptionReference"));
            }
        }
    }
    reasons
}

/// An order without an offer is agreed, and one of its ISPs at least is to come.
fn unsolicited(message: &FlexOrder, case: &Case<'_>, day: Option<&IspDay>, reasons: &mut Reasons) {
    if !case.terms.unsolicited_orders {
        reasons.insert(RejectionReason::other("No FlexOrder without a FlexOffer is agreed"));
    }
    if message.flex_offer_message_id.is_some() {
        reasons.insert(RejectionReason::other("An unsolicited FlexOrder names a FlexOffer"));
    }
    case.currency(message.currency, reasons);
    let over = |day: &IspDay| message.isps.iter().all(|isp| case.is_over(day, isp.range.last()));
    if day.is_some_and(over) {
        reasons.insert(RejectionReason::PeriodOutOfBounds);
    }
}

/// The offer, if the order is based on one; everything that keeps it from being ordered now is a reason.
fn offer<'e>(
    message: &FlexOrder,
    case: &Case<'_>,
    facts: &'e OrderFacts,
    reasons: &mut Reasons,
) -> Option<&'e FlexOffer> {
    let offer = case
        .referred::<FlexOffer>(facts.offer.as_ref(), By::Recipient)
        .filter(|offer| offer.header.conversation_id == message.header.conversation_id);
    let Some(offer) = offer else {
        reasons.insert(unknown("FlexOfferMessageID"));
        return None;
    };
    // Ours is sent once the offer is accepted; theirs may have overtaken the answer that accepts it.
    let accepted = facts.offer.as_ref().is_some_and(|offer| offer.fate == Fate::Accepted);
    if case.direction == Direction::Sent && !accepted {
        reasons.insert(RejectionReason::other("The FlexOffer has not been accepted"));
    }
    same_window((&message.flex.congestion_point, message.flex.period), &offer.flex, reasons);
    if case.has_expired(&offer.expiration_date_time) {
        reasons.insert(RejectionReason::ReferenceMessageExpired);
    }
    if is_revoked(&facts.about_offer) {
        reasons.insert(RejectionReason::ReferenceMessageRevoked);
    }
    if of_type::<FlexOrder>(&facts.about_offer).any(|(known, _)| binds(known)) {
        reasons.insert(RejectionReason::other("The FlexOffer has been ordered already"));
    }
    if let (Some(named), Some(offered)) = (&message.contract_id, &offer.contract_id)
        && named != offered
    {
        reasons.insert(RejectionReason::other("ContractID is not that of the FlexOffer"));
    }
    Some(offer)
}

/// The chosen option. Where there is only one, it need not be named.
fn option<'o>(offer: &'o FlexOffer, order: &FlexOrder) -> Option<&'o OfferOption> {
    match (&order.option_reference, offer.options.as_slice()) {
        (Some(named), options) => options.iter().find(|option| option.option_reference == *named),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// ISPs, power and price are those of the option, times the ActivationFactor.
fn compare(
    order: &FlexOrder,
    offer: &FlexOffer,
    option: &OfferOption,
    day: Option<&IspDay>,
    reasons: &mut Reasons,
) {
    let factor = order.activation_factor;
    if factor < option.min_activation_factor {
        reasons.insert(RejectionReason::other("ActivationFactor is below MinActivationFactor"));
    }
    if let Some(day) = day {
        let (offered, ordered) = (powers(day, &option.isps), powers(day, &order.isps));
        if !offered.keys().eq(ordered.keys()) {
            reasons.insert(RejectionReason::IspMismatch);
        } else if !offered.values().zip(ordered.values()).all(|(of, part)| is_part(*of, *part, factor)) {
            reasons.insert(RejectionReason::PowerMismatch);
        }
    }
    if order.currency != offer.currency || !is_part_of_price(option.price, order.price, factor) {
        reasons.insert(RejectionReason::PriceMismatch);
    }
}

/// Whether `part` is `factor` of `whole`. Where that is no whole number of watts, it may be rounded either way.
fn is_part(whole: Power, part: Power, factor: ActivationFactor) -> bool {
    let exact = i128::from(whole.watts()) * i128::from(factor.hundredths());
    (exact - 100 * i128::from(part.watts())).abs() < 100
}

/// Whether `part` is `factor` of `whole`, as a number: 0.00 is 0.0. Where that has more than four digits after the point, it
/// may be rounded either way.
fn is_part_of_price(whole: Amount, part: Amount, factor: ActivationFactor) -> bool {
    let exact = whole.value().checked_mul(factor.value());
    let difference = exact.and_then(|exact| exact.checked_sub(part.value()));
    difference.is_some_and(|difference| difference.abs() < Decimal::new(1, 4))
}

/// The baseline that the order names is the offer's; a D-Prognosis is the AGR's, of any conversation.
fn baseline(message: &FlexOrder, case: &Case<'_>, facts: &OrderFacts, reasons: &mut Reasons) {
    let Some(named) = message.d_prognosis_message_id else { return };
    let Some(prognosis) = case.referred::<DPrognosis>(facts.prognosis.as_ref(), By::Recipient) else {
        reasons.insert(unknown("D-PrognosisMessageID"));
        return;
    };
    same_window((&message.flex.congestion_point, message.flex.period), &prognosis.flex, reasons);
    let offered = case.referred::<FlexOffer>(facts.offer.as_ref(), By::Recipient);
    if offered.and_then(|offer| offer.d_prognosis_message_id).is_some_and(|offered| offered != named) {
        reasons.insert(RejectionReason::other("D-PrognosisMessageID is not that of the FlexOffer"));
    }
}
