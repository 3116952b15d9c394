use jiff::Timestamp;

use super::Dso;
use crate::market::{Offer, OfferOption, Request, RequestState, RequestedPower, per_isp};

/// Why an offer can't be considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfferRefusal {
    /// It answers no request of ours to this party in this conversation.
    UnknownRequest,
    /// The request has expired.
    RequestExpired,
    /// It is for another day.
    Period,
    /// It is for another congestion point.
    CongestionPoint,
    /// It expires before it arrived, or after its last ISP.
    Expiration,
    /// It serves no Requested ISP.
    ServesNothing,
    /// A power is outside what was requested.
    Power,
}

impl Dso {
    /// What is wrong with an offer on `request` that came at an instant; all of it.
    pub(crate) fn refusals(request: &Request, offer: &Offer, came: Timestamp) -> Vec<OfferRefusal> {
        let ours = request.counterparty == offer.counterparty
            && request.conversation_id == offer.conversation_id
            && !matches!(request.state, RequestState::Rejected { .. });
        if !ours {
            return vec![OfferRefusal::UnknownRequest];
        }
        let mut refusals = Vec::new();
        if request.expires < came {
            refusals.push(OfferRefusal::RequestExpired);
        }
        if request.window.period != offer.window.period {
            refusals.push(OfferRefusal::Period);
        }
        if request.window.congestion_point != offer.window.congestion_point {
            refusals.push(OfferRefusal::CongestionPoint);
        }
        if offer.expires <= came || offer.expires > offer.span.end() {
            refusals.push(OfferRefusal::Expiration);
        }
        for option in &offer.options {
            compare(request, option, &mut refusals);
        }
        refusals
    }
}

fn compare(request: &Request, option: &OfferOption, refusals: &mut Vec<OfferRefusal>) {
    let asked = |isp| request.isps.iter().find(|requested| requested.isps.contains(isp));
    let powers = per_isp(&option.isps);
    let serves = |requested: Option<&RequestedPower>| requested.is_some_and(|requested| requested.requested);
    if !powers.iter().any(|(isp, power)| power.watts() != 0 && serves(asked(*isp))) {
        refusals.push(OfferRefusal::ServesNothing);
    }
    let within = |(isp, power): &(_, tieline_types::Power)| {
        asked(*isp).is_some_and(|requested| (requested.min..=requested.max).contains(power))
    };
    if !powers.iter().all(within) {
        refusals.push(OfferRefusal::Power);
    }
}
