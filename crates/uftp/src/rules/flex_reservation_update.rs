//! FlexReservationUpdate: which part of a reservation a DSO may release.

use std::collections::BTreeMap;

use tieline_types::Power;

use super::case::{Case, Reasons, binds, is_part, of_type, powers, ranges};
use crate::message::FlexReservationUpdate;
use crate::{Exchanged, RejectionReason};

/// `earlier`: the updates for the same point and day.
pub(super) fn flex_reservation_update(
    message: &FlexReservationUpdate,
    case: &Case<'_>,
    earlier: &[Exchanged],
) -> Reasons {
    let mut reasons = Reasons::new();
    let day = case.window(&message.flex, [ranges(&message.isps)], &mut reasons);
    case.contract(Some(&message.contract_id), &mut reasons);
    let contract = case.terms.contracts.as_ref().and_then(|known| known.get(&message.contract_id)).copied();
    let period = message.flex.period;
    let calendar = &case.terms.calendar;
    let deadline = match contract.and_then(|contract| contract.deadline) {
        Some(deadline) => deadline.of(period, calendar),
        None => calendar.day(period).ok().map(|day| day.start()),
    };
    if day.is_some() && deadline.is_some_and(|deadline| deadline < case.now) {
        reasons.insert(RejectionReason::DeadlineExpired);
    }
    if message.isps.iter().any(|isp| !case.is_plausible(isp.power)) {
        reasons.insert(RejectionReason::PowerValueRejection);
    }
    if let Some(day) = day {
        let of_contract = of_type::<FlexReservationUpdate>(earlier)
            .filter(|(known, update)| binds(known) && update.contract_id == message.contract_id);
        // The latest that names an ISP counts.
        let known: BTreeMap<_, _> = of_contract.flat_map(|(_, update)| powers(&day, &update.isps)).collect();
        let reserved = contract.map(|contract| contract.reserved);
        let is_more = |(isp, power): (_, &Power)| {
            known.get(isp).copied().or(reserved).is_some_and(|reserved| !is_part(*power, reserved))
        };
        if powers(&day, &message.isps).iter().any(is_more) {
            reasons.insert(RejectionReason::PowerValueRejection);
        }
    }
    reasons
}
