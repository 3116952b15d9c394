//! The part of a FlexSettlement that is about bilateral contracts.
//!
//! An answer has no status for it, so what contradicts itself here is a reason to reject the message.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tieline_types::{IspNumber, IspRange, Power};

use super::case::{Case, Reasons, check_isps, is_part};
use crate::message::{ContractSettlement, ContractSettlementIsp, ContractSettlementPeriod, FlexSettlement};
use crate::{RejectionReason, Text};

/// What the message itself tells: of what was reserved a part was requested, of that a part offered, of that a part ordered,
/// all in one direction; and what was ordered is in the orders of the same message.
pub(super) fn contract_settlements(message: &FlexSettlement, case: &Case<'_>, reasons: &mut Reasons) {
    let ordered = Ordered::of(message, case);
    for contract in &message.contracts {
        case.contract(contract.contract_id.as_ref(), reasons);
        for period in &contract.periods {
            check_period(period, contract, message, &ordered, case, reasons);
        }
    }
}

fn check_period(
    period: &ContractSettlementPeriod,
    contract: &ContractSettlement,
    message: &FlexSettlement,
    ordered: &Ordered<'_>,
    case: &Case<'_>,
    reasons: &mut Reasons,
) {
    let forward = message.period_start <= message.period_end;
    let day = case.terms.calendar.day(period.period).ok();
    if forward && (day.is_none() || !(message.period_start..=message.period_end).contains(&period.period)) {
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
        let has = |contract| ordered.has(contract, period.period, isp);
        if comparable && !contract.contract_id.as_ref().is_none_or(has) {
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

/// What the orders of each contract in the message come to in each ISP.
struct Ordered<'m>(BTreeMap<(&'m Text, Date, IspNumber), Power>);

impl<'m> Ordered<'m> {
    fn of(message: &'m FlexSettlement, case: &Case<'_>) -> Self {
        let mut ordered: BTreeMap<_, Power> = BTreeMap::new();
        for item in &message.orders {
            let (Some(contract), Ok(day)) = (&item.contract_id, case.terms.calendar.day(item.period)) else {
                continue;
            };
            for isp in &item.isps {
                for number in isp.range.intersection(day.all()).into_iter().flatten() {
                    let sum = ordered.entry((contract, item.period, number)).or_insert(Power::ZERO);
                    *sum = sum.saturating_add(isp.ordered);
                }
            }
        }
        Self(ordered)
    }

    /// Whether what a contract's settlement says was ordered is in the orders of the contract.
    fn has(&self, contract: &Text, period: Date, isp: &ContractSettlementIsp) -> bool {
        let sum = |number| self.0.get(&(contract, period, number)).copied().unwrap_or(Power::ZERO);
        isp.ordered.is_none_or(|ordered| isp.range.iter().all(|number| is_part(ordered, sum(number))))
    }
}
