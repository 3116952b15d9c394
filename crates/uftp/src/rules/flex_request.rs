//! FlexRequest: what a DSO may ask for.

use std::collections::BTreeMap;

use tieline_types::{IspDay, IspNumber, IspRange, Power};

use super::case::{Case, Reasons, binds, of_type};
use crate::message::{Disposition, FlexRequest, FlexRequestIsp};
use crate::{Exchanged, RejectionReason};

/// `earlier`: the requests for the same point and day.
pub(super) fn flex_request(message: &FlexRequest, case: &Case<'_>, earlier: &[Exchanged]) -> Reasons {
    let mut reasons = Reasons::new();
    let ranges: Vec<IspRange> = message.isps.iter().map(|isp| isp.range).collect();
    let day = case.window(&message.flex, [ranges.clone()], &mut reasons);
    if let Some(day) = &day {
        case.expiration(day, ranges, &message.expiration_date_time, &mut reasons);
    }
    case.contract(message.contract_id.as_ref(), &mut reasons);
    powers(&message.isps, &mut reasons);
    let of_its_kind = of_type::<FlexRequest>(earlier).filter(|(known, request)| {
        binds(known)
            && request.contract_id == message.contract_id
            && request.service_type == message.service_type
    });
    for (_, request) in of_its_kind {
        if request.header.conversation_id == message.header.conversation_id {
            if request.revision >= message.revision {
                reasons.insert(RejectionReason::SubordinateSequenceNumber);
            }
        } else if day.is_some_and(|day| says_the_same(request, message, &day)) {
            reasons.insert(RejectionReason::other("An identical FlexRequest was sent before"));
        }
    }
    reasons
}

/// At least one ISP is Requested, every bound is a bound, and what is Requested has a direction. An ISP without Disposition
/// is not Requested.
fn powers(isps: &[FlexRequestIsp], reasons: &mut Reasons) {
    let mut requested = isps.iter().filter(|isp| is_requested(isp)).peekable();
    if requested.peek().is_none() {
        reasons.insert(RejectionReason::LackingRequestedDisposition);
    }
    if requested.any(|isp| isp.min_power < Power::ZERO && isp.max_power > Power::ZERO) {
        reasons.insert(RejectionReason::RequestedPowerDiscrepancy);
    }
    if isps.iter().any(|isp| isp.min_power > isp.max_power) {
        reasons.insert(RejectionReason::PowerDiscrepancy);
    }
}

pub(super) fn is_requested(isp: &FlexRequestIsp) -> bool {
    isp.disposition == Some(Disposition::Requested)
}

/// What is asked for in each ISP, however the runs are cut.
pub(super) fn needs(request: &FlexRequest, day: &IspDay) -> BTreeMap<IspNumber, FlexRequestIsp> {
    let of_run = |isp: &FlexRequestIsp| {
        let isp = *isp;
        let within = isp.range.intersection(day.all());
        within.into_iter().flatten().map(move |number| (number, isp))
    };
    request.isps.iter().flat_map(of_run).collect()
}

/// "If multiple requests are created, their content must not be identical."
fn says_the_same(one: &FlexRequest, other: &FlexRequest, day: &IspDay) -> bool {
    let content = |request| {
        let needs = needs(request, day).into_iter();
        needs
            .map(|(isp, need)| (isp, is_requested(&need), need.min_power, need.max_power))
            .collect::<Vec<_>>()
    };
    one.expiration_date_time == other.expiration_date_time && content(one) == content(other)
}
