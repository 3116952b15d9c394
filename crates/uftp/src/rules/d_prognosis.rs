//! D-Prognosis: what an AGR may expect, and which orders it shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tieline_types::Power;

use super::Terms;
use super::case::{Case, Reasons, binds, of_type, powers, ranges};
use crate::message::{DPrognosis, FlexOrder, FlexOrderStatus};
use crate::{Exchanged, Fate, RejectionReason};

/// `earlier`: the prognoses for the same point and day.
pub(super) fn d_prognosis(message: &DPrognosis, case: &Case<'_>, earlier: &[Exchanged]) -> Reasons {
    let mut reasons = Reasons::new();
    let day = case.window(&message.flex, [ranges(&message.isps)], &mut reasons);
    if let Some(day) = &day {
        let powers = powers(day, &message.isps);
        let to_come = || day.isps().map(|(isp, _)| isp).filter(|isp| !case.is_over(day, *isp));
        if to_come().any(|isp| !powers.contains_key(&isp)) {
            reasons.insert(RejectionReason::LackingIsps);
        }
        if to_come().any(|isp| powers.get(&isp).is_some_and(|power| !case.is_plausible(*power))) {
            reasons.insert(RejectionReason::PowerValueRejection);
        }
    }
    let mut earlier = of_type::<DPrognosis>(earlier).filter(|(known, _)| binds(known));
    if earlier.any(|(_, known)| known.revision >= message.revision) {
        reasons.insert(RejectionReason::SubordinateSequenceNumber);
    }
    reasons
}

/// Whether a prognosis holds one of these orders: it came after the order, which does not count from it. Of what is of one
/// instant the prognosis is the later one.
pub(super) fn holds_any<'e>(
    prognosis: &Exchanged,
    orders: impl IntoIterator<Item = (&'e Exchanged, &'e FlexOrder)>,
) -> bool {
    let id = prognosis.payload.header().message_id;
    let holds = |(known, order): (&Exchanged, &FlexOrder)| {
        known.at <= prognosis.at && order.d_prognosis_message_id != Some(id)
    };
    orders.into_iter().any(holds)
}

/// The state of each order of a D-Prognosis's day, for its answer: whether the prognosis shows what was ordered.
///
/// It does if in each ISP of the order that is not over its power is on the right side of the baseline and everything that
/// was ordered for that ISP: not above for a reduction, not below for an increase. The baseline is the D-Prognosis that the
/// order names, else the first that was accepted for the day and holds no order, since it came before all of them; an order
/// without a known baseline is not shown.
///
/// `orders` and `earlier`, the prognoses before this one, are those of the same point and day. Of the orders those count that
/// were not rejected.
pub fn flex_order_statuses(
    prognosis: &DPrognosis,
    orders: &[Exchanged],
    earlier: &[Exchanged],
    terms: &Terms,
    now: Timestamp,
) -> Vec<FlexOrderStatus> {
    let Ok(day) = terms.calendar.day(prognosis.flex.period) else { return Vec::new() };
    let expected = powers(&day, &prognosis.isps);
    let binding: Vec<(&Exchanged, &FlexOrder)> =
        of_type::<FlexOrder>(orders).filter(|(known, _)| binds(known)).collect();
    let orders: Vec<(&FlexOrder, _)> =
        binding.iter().map(|(_, order)| (*order, powers(&day, &order.isps))).collect();
    let accepted = || of_type::<DPrognosis>(earlier).filter(|(known, _)| known.fate == Fate::Accepted);
    let shows = |order: &FlexOrder, changes: &BTreeMap<_, Power>| {
        let named =
            accepted().find(|(_, known)| Some(known.header.message_id) == order.d_prognosis_message_id);
        let first = || accepted().find(|(known, _)| !holds_any(known, binding.iter().copied()));
        let Some((_, baseline)) = named.or_else(first) else { return false };
        let baseline = powers(&day, &baseline.isps);
        changes.iter().all(|(isp, change)| {
            if day.isp(*isp).is_ok_and(|span| span.end() <= now) {
                return true;
            }
            let (Some(base), Some(power)) = (baseline.get(isp), expected.get(isp)) else { return false };
            let all = orders.iter().filter_map(|(_, changes)| changes.get(isp));
            let target = all.fold(*base, |sum, change| sum.saturating_add(*change));
            match change.watts().signum() {
                -1 => *power <= target,
                1 => *power >= target,
                _ => true,
            }
        })
    };
    orders
        .iter()
        .map(|(order, changes)| FlexOrderStatus {
            flex_order_message_id: order.header.message_id,
            is_validated: shows(order, changes),
        })
        .collect()
}
