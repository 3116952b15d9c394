//! The part of a FlexSettlement that is about bilateral contracts.
//!
//! An answer has no status for it, so what contradicts itself here is a reason to reject the message.

use jiff::civil::Date;
use tieline_types::{IspNumber, IspRange, Power};

use super::case::{Case, Reasons, check_isps, is_part};
use crate::message::{ContractSettlement, ContractSettlementIsp, ContractSettlementPeriod, FlexSettlement};
use crate::{RejectionReason, Text};

/// What the message itself tells: of what was reserved a part was requested, of that a part offered, of that a part ordered,
/// all in one direction; and what was ordered is in the orders of the same message.
pub(super) fn contract_settlements(message: &FlexSettlement, case: &Case<'_>, reasons: &mut Reasons) {
    for contract in &message.contracts {
        case.contract(contract.contract_id.as_ref(), reasons);
        for period in &contract.periods {
            check_period(period, contract, message, case, reasons);
        }
    }
}

fn check_period(
    period: &ContractSettlementPeriod,
    contract: &ContractSettlement,
    message: &FlexSettlement,
    case: &Case<'_>,
    reasons: &mut Reasons,
) {
    let ordered = message.period_start <= message.period_end;
    let day = case.terms.calendar.day(period.period).ok();
    if ordered && (day.is_none() || !(message.period_start..=message.period_end).contains(&period.period)) {
        reasons.insert(RejectionReason::PeriodOutOfBounds);
    }
    let Some(day) = day else { return };
    let isps: Vec<IspRange> = period.isps.iter().map(|isp| isp.range).collect();
    check_isps(&day, isps, reasons);
    // Where an ISP or a day is wrong, here or in the orders, they can't be compared.
    let wrong =
        [RejectionReason::IspsOutOfBounds, RejectionReason::IspConflict, RejectionReason::PeriodOutOfBounds];
    let comparable = !wrong.iter().any(|reason| reasons.contains(reason));
    for isp in &period.isps {
        if !is_chain(isp) {
            reasons.insert(RejectionReason::other(
                "A ContractSettlement has more requested than reserved, offered than requested, or ordered than offered",
            ));
        }
        let in_orders = |number: IspNumber| {
            let sum = ordered_in(message, contract.contract_id.as_ref(), period.period, number);
            isp.ordered.is_none_or(|ordered| is_part(ordered, sum))
        };
        if comparable && contract.contract_id.is_some() && !isp.range.iter().all(in_orders) {
            reasons.insert(RejectionReason::other(
                "A ContractSettlement has more ordered than the orders of its contract",
            ));
        }
    }
}

fn is_chain(isp: &ContractSettlementIsp) -> bool {
    let mut whole = isp.reserved;
    [isp.requested, isp.offered, isp.ordered].into_iter().flatten().all(|part| {
        let fits = is_part(part, whole);
        whole = part;
        fits
    })
}

/// What the orders of a contract in the message come to in one ISP.
fn ordered_in(message: &FlexSettlement, contract: Option<&Text>, period: Date, isp: IspNumber) -> Power {
    let items =
        message.orders.iter().filter(|item| item.period == period && item.contract_id.as_ref() == contract);
    let isps = items.flat_map(|item| &item.isps).filter(|known| known.range.contains(isp));
    isps.fold(Power::ZERO, |sum, isp| sum.saturating_add(isp.ordered))
}
