//! FlexSettlement: what makes a message a settlement of its period. What its items say is for
//! [`settlement_statuses`](super::settlement_statuses).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tieline_types::{EntityAddress, IspRange};

use super::case::{By, Case, Reasons, binds, check_isps, of_type, unknown};
use super::contract_settlement::contract_settlements;
use crate::message::{
    AcceptedDisputed, FlexOrder, FlexOrderSettlement, FlexSettlement, FlexSettlementResponse,
};
use crate::value::MessageId;
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
    let orders = Orders::accepted(orders, case);
    let (mut was_there, mut was_settled) = (BTreeSet::new(), BTreeSet::new());
    for settled in settled {
        settled.mark(&orders, &mut was_there, &mut was_settled);
    }
    let mut found = BTreeSet::new();
    for item in &message.orders {
        let Some(order) = orders.of(item) else {
            reasons.insert(unknown("OrderReference"));
            continue;
        };
        let (id, name) = (order.header.message_id, order.order_reference.as_str());
        if !found.insert(id) {
            reasons.insert(RejectionReason::other(&format!("Order {name} is there twice")));
        }
        if was_settled.contains(&id) {
            reasons.insert(RejectionReason::other(&format!("Order {name} was settled before")));
        }
    }
    let is_missing = |order: &&FlexOrder| {
        let id = order.header.message_id;
        order.currency == message.currency && !found.contains(&id) && !was_there.contains(&id)
    };
    if orders.all().any(|order| is_missing(&order)) {
        reasons.insert(RejectionReason::MissingSettlementItems);
    }
}

/// The accepted orders of the one who settles, by point and day.
pub(super) struct Orders<'e>(BTreeMap<(&'e EntityAddress, Date), Vec<&'e FlexOrder>>);

impl<'e> Orders<'e> {
    pub(super) fn accepted(known: &'e [Exchanged], case: &Case<'_>) -> Self {
        let mut orders: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (known, order) in of_type::<FlexOrder>(known) {
            if known.fate == Fate::Accepted && case.is_by(known, By::Sender) {
                orders.entry((&order.flex.congestion_point, order.flex.period)).or_default().push(order);
            }
        }
        Self(orders)
    }

    /// The order that an item settles: the one with its OrderReference, or, where the item names none, the only one of its
    /// point and day.
    pub(super) fn of(&self, item: &FlexOrderSettlement) -> Option<&'e FlexOrder> {
        let of_window = self.0.get(&(&item.congestion_point, item.period))?;
        match (&item.order_reference, of_window.as_slice()) {
            (Some(named), orders) => orders.iter().find(|order| order.order_reference == *named).copied(),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &'e FlexOrder> {
        self.0.values().flatten().copied()
    }
}

impl Settled {
    /// Marks the orders that are in this settlement, and of those the ones that were not disputed in its answer; none if the
    /// settlement was rejected.
    fn mark(
        &self,
        orders: &Orders<'_>,
        was_there: &mut BTreeSet<MessageId>,
        was_settled: &mut BTreeSet<MessageId>,
    ) {
        let settlement = Some(&self.settlement).filter(|known| binds(known));
        let Some(settlement): Option<&FlexSettlement> = settlement.and_then(|known| known.payload.try_as())
        else {
            return;
        };
        let answer: Option<&FlexSettlementResponse> =
            self.answer.as_ref().and_then(|answer| answer.payload.try_as());
        let statuses = answer.map_or(&[][..], |answer| &answer.statuses);
        let disputed: BTreeSet<_> = statuses
            .iter()
            .filter(|status| status.disposition == AcceptedDisputed::Disputed)
            .map(|status| &status.order_reference)
            .collect();
        for item in &settlement.orders {
            let Some(order) = orders.of(item) else { continue };
            was_there.insert(order.header.message_id);
            if !disputed.contains(&item.order_reference) {
                was_settled.insert(order.header.message_id);
            }
        }
    }
}

/// The earlier settlements of some, each with its answer.
pub(super) fn with_answers(settlements: Vec<Exchanged>, answers: &[Exchanged]) -> Vec<Settled> {
    let answer_to = |settlement: &Exchanged| {
        let id = settlement.payload.header().message_id;
        let mut answers = of_type::<FlexSettlementResponse>(answers);
        answers.find(|(_, answer)| answer.flex_settlement_message_id == id).map(|(known, _)| known.clone())
    };
    let with_answer = |settlement| Settled { answer: answer_to(&settlement), settlement };
    settlements.into_iter().map(with_answer).collect()
}
