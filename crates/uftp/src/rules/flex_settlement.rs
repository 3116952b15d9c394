//! FlexSettlement: what makes a message a settlement of its period. What its items say is for
//! [`settlement_statuses`](super::settlement_statuses).

use std::collections::BTreeSet;

use tieline_types::IspRange;

use super::case::{By, Case, Reasons, check_isps, of_type, unknown};
use super::contract_settlement::contract_settlements;
use crate::message::{
    AcceptedDisputed, FlexOrder, FlexOrderSettlement, FlexSettlement, FlexSettlementResponse,
};
use crate::{Exchanged, Fate, RejectionReason};

/// An earlier settlement of days of the period, and its answer, if that is known.
pub(super) struct Settled {
    pub(super) settlement: Exchanged,
    pub(super) answer: Option<Exchanged>,
}

/// `orders`: those of the period.
pub(super) fn flex_settlement(
    message: &FlexSettlement,
    case: &Case<'_>,
    orders: &[Exchanged],
    settled: &[Settled],
) -> Reasons {
    let mut reasons = Reasons::new();
    case.currency(message.currency, &mut reasons);
    for item in &message.orders {
        check_item(item, message, case, &mut reasons);
    }
    contract_settlements(message, case, &mut reasons);
    if period(message, case, &mut reasons) {
        items(message, case, orders, settled, &mut reasons);
    }
    reasons
}

/// The period starts and ends in the past, in this order.
fn period(message: &FlexSettlement, case: &Case<'_>, reasons: &mut Reasons) -> bool {
    let calendar = &case.terms.calendar;
    let start = calendar.day(message.period_start);
    let start_is_right = start.is_ok_and(|day| day.start() <= case.now);
    if !start_is_right {
        reasons.insert(RejectionReason::PeriodStartRejected);
    }
    let end = calendar.day(message.period_end);
    let end_is_right =
        message.period_end >= message.period_start && end.is_ok_and(|day| day.end() <= case.now);
    if !end_is_right {
        reasons.insert(RejectionReason::PeriodEndRejected);
    }
    start_is_right && end_is_right
}

/// An item is of a day of the period, at a point where the two trade, and its ISPs are of that day.
fn check_item(item: &FlexOrderSettlement, message: &FlexSettlement, case: &Case<'_>, reasons: &mut Reasons) {
    if case.terms.at(&item.congestion_point).is_none() {
        reasons.insert(RejectionReason::InvalidCongestionPoint);
    }
    case.contract(item.contract_id.as_ref(), reasons);
    let of_period = (message.period_start..=message.period_end).contains(&item.period);
    let day = case.terms.calendar.day(item.period);
    // Where the period itself is wrong, that is said once.
    let ordered = message.period_start <= message.period_end;
    if ordered && (!of_period || day.is_err()) {
        reasons.insert(RejectionReason::PeriodOutOfBounds);
    }
    if let Ok(day) = day {
        let isps: Vec<IspRange> = item.isps.iter().map(|isp| isp.range).collect();
        check_isps(&day, isps, reasons);
    }
}

/// Every accepted order of the period is in the settlement, once, and nothing else; none was settled before, unless its
/// earlier settlement was disputed. Orders in another currency are for a settlement in theirs.
fn items(
    message: &FlexSettlement,
    case: &Case<'_>,
    orders: &[Exchanged],
    settled: &[Settled],
    reasons: &mut Reasons,
) {
    let orders: Vec<&FlexOrder> = accepted_orders(orders, case).collect();
    let mut found = BTreeSet::new();
    for item in &message.orders {
        let Some(order) = order_of(item, &orders) else {
            reasons.insert(unknown("OrderReference"));
            continue;
        };
        let name = order.order_reference.as_str();
        if !found.insert(order.header.message_id) {
            reasons.insert(RejectionReason::other(&format!("Order {name} is there twice")));
        }
        if settled.iter().any(|settled| settled.settles(order, &orders)) {
            reasons.insert(RejectionReason::other(&format!("Order {name} was settled before")));
        }
    }
    let was_there = |order: &FlexOrder| settled.iter().any(|settled| settled.has(order, &orders));
    let missing = |order: &&FlexOrder| {
        order.currency == message.currency && !found.contains(&order.header.message_id) && !was_there(order)
    };
    if orders.iter().any(missing) {
        reasons.insert(RejectionReason::MissingSettlementItems);
    }
}

/// The accepted orders of the one who settles.
pub(super) fn accepted_orders<'e>(
    orders: &'e [Exchanged],
    case: &Case<'_>,
) -> impl Iterator<Item = &'e FlexOrder> {
    let by_sender = |known: &&Exchanged| known.fate == Fate::Accepted && case.is_by(known, By::Sender);
    let known: Vec<&Exchanged> = orders.iter().filter(by_sender).collect();
    known.into_iter().filter_map(|known| known.payload.try_as())
}

/// The order that an item settles: the one with its OrderReference, or, where the item names none, the only one of its point
/// and day.
pub(super) fn order_of<'e>(item: &FlexOrderSettlement, orders: &[&'e FlexOrder]) -> Option<&'e FlexOrder> {
    let mut of_window = orders.iter().copied().filter(|order| {
        order.flex.period == item.period && order.flex.congestion_point == item.congestion_point
    });
    match &item.order_reference {
        Some(named) => of_window.find(|order| order.order_reference == *named),
        None => of_window.next().filter(|_| of_window.next().is_none()),
    }
}

impl Settled {
    /// Whether the order is in this settlement, and the settlement was not rejected.
    fn has(&self, order: &FlexOrder, orders: &[&FlexOrder]) -> bool {
        self.item(order, orders).is_some()
    }

    /// Whether that is the end of it: the item was not disputed.
    fn settles(&self, order: &FlexOrder, orders: &[&FlexOrder]) -> bool {
        let Some(item) = self.item(order, orders) else { return false };
        let answer: Option<&FlexSettlementResponse> =
            self.answer.as_ref().and_then(|answer| answer.payload.try_as());
        let disputed = answer.is_some_and(|answer| {
            answer.statuses.iter().any(|status| {
                status.order_reference == item.order_reference
                    && status.disposition == AcceptedDisputed::Disputed
            })
        });
        !disputed
    }

    fn item(&self, order: &FlexOrder, orders: &[&FlexOrder]) -> Option<&FlexOrderSettlement> {
        let settlement: &FlexSettlement =
            Some(&self.settlement).filter(|known| super::case::binds(known))?.payload.try_as()?;
        settlement.orders.iter().find(|item| {
            order_of(item, orders).is_some_and(|known| known.header.message_id == order.header.message_id)
        })
    }
}

/// The earlier settlements of some, each with its answer.
pub(super) fn with_answers(settlements: Vec<Exchanged>, answers: &[Exchanged]) -> Vec<Settled> {
    let answer_to = |settlement: &Exchanged| {
        let id = settlement.payload.header().message_id;
        let mut answers = of_type::<FlexSettlementResponse>(answers);
        answers.find(|(_, answer)| answer.flex_settlement_message_id == id).map(|(known, _)| known.clone())
    };
    settlements.into_iter().map(|settlement| Settled { answer: answer_to(&settlement), settlement }).collect()
}
