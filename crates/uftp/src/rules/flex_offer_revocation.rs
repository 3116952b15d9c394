//! FlexOfferRevocation: when an AGR may take an offer back.
//!
//! An order and a revocation may cross; "priority should be given to the FlexOfferRevocation". So an order that has been
//! sent and is not answered does not stop a revocation, and an order that comes in once our revocation is on its way is
//! rejected. Only an order that was accepted does: "Flexibility procured". Both sides come to the same end, whichever message
//! arrives first: an AGR that has accepted an order no longer revokes, and one that has revoked no longer accepts.

use super::case::{By, Case, Reasons, binds, of_type, unknown};
use crate::message::{FlexOffer, FlexOfferRevocation, FlexOrder};
use crate::{Exchanged, Fate, RejectionReason};

/// `about_offer`: what else refers to the offer, orders and revocations.
pub(super) fn flex_offer_revocation(
    _message: &FlexOfferRevocation,
    case: &Case<'_>,
    offer: Option<&Exchanged>,
    about_offer: &[Exchanged],
) -> Reasons {
    let mut reasons = Reasons::new();
    // The offer is the AGR's own. It may be revoked in another conversation: the standard does not forbid it.
    let Some(offered) = case.referred::<FlexOffer>(offer, By::Sender) else {
        return Reasons::from([unknown("FlexOfferMessageID")]);
    };
    if offer.is_some_and(|offer| offer.fate != Fate::Accepted) {
        reasons.insert(RejectionReason::other("The FlexOffer has not been accepted"));
    }
    if of_type::<FlexOfferRevocation>(about_offer).any(|(known, _)| binds(known)) {
        reasons.insert(RejectionReason::ReferenceMessageRevoked);
    }
    if of_type::<FlexOrder>(about_offer).any(|(known, _)| known.fate == Fate::Accepted) {
        reasons.insert(RejectionReason::FlexibilityProcured);
    }
    if has_begun(offered, case) {
        reasons.insert(RejectionReason::other("An ISP of the FlexOffer is in the operate phase or past it"));
    }
    reasons
}

/// Whether the operate phase of the offer's first ISP has begun.
fn has_begun(offer: &FlexOffer, case: &Case<'_>) -> bool {
    let isps = offer.options.iter().flat_map(|option| &option.isps);
    let Some(first) = isps.map(|isp| isp.range.start()).min() else { return false };
    let day = case.terms.calendar.day(offer.flex.period);
    day.and_then(|day| day.isp(first)).is_ok_and(|span| span.start() <= case.now)
}

/// Whether an offer is revoked, as far as an order for it is concerned: also by a revocation that is not decided.
pub(super) fn is_revoked(about_offer: &[Exchanged]) -> bool {
    of_type::<FlexOfferRevocation>(about_offer).any(|(known, _)| known.fate != Fate::Rejected)
}
