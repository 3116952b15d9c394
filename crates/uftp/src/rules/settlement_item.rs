//! The items of a FlexSettlement: which of them are right. One that is not is disputed in an *accepted* answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use tieline_types::{Currency, EntityAddress, IspNumber, IspRange, Power};

use super::case::{Case, of_type, powers};
use super::flex_settlement::Orders;
use super::{SettlementTerms, Terms};
use crate::message::{
    DPrognosis, FlexOrder, FlexOrderSettlement, FlexOrderSettlementIsp, FlexOrderSettlementStatus,
    FlexSettlement,
};
use crate::value::MessageId;
use crate::{Direction, Exchanged};

/// Watts times minutes in a megawatt hour.
const PER_MEGAWATT_HOUR: i64 = 60_000_000;

/// A DisputeReason names so many differences, and counts the rest.
const NAMED: usize = 5;

/// What an AGR can say of each item of a FlexSettlement from the messages alone: accepted, or disputed with a reason in words.
///
/// An item is right if
/// - it is the order's: ISPs, OrderedFlexPower and currency;
/// - BaselinePower is that of the D-Prognosis that the item or the order names, if one of `prognoses` is that;
/// - DeliveredFlexPower and PowerDeficiency follow from baseline, actual and ordered power of all items of the same point and
///   ISP. What is above the baseline and all orders the ordered reductions have missed; what is below, the ordered increases.
///   Orders in one direction share it in proportion, to the watt, rounded either way;
/// - NetSettlement is Price less Penalty and, where [`Terms::settlement`] is there, what the order's price for the delivered
///   part of its energy comes to, less the agreed penalty for the deficiency. Where it is not, Price is the order's.
///
/// Whether ActualPower is what was measured is for the books of the AGR.
pub fn settlement_statuses(
    message: &FlexSettlement,
    orders: &[Exchanged],
    prognoses: &[Exchanged],
    terms: &Terms,
) -> Vec<FlexOrderSettlementStatus> {
    let case = Case { terms, direction: Direction::Received, now: Timestamp::MAX };
    let books = Books {
        terms,
        orders: Orders::accepted(orders, &case),
        ordered: Ordered::of(message, terms),
        prognoses: of_type(prognoses)
            .map(|(_, known): (_, &DPrognosis)| (known.header.message_id, known))
            .collect(),
    };
    let status = |item: &FlexOrderSettlement| {
        let differences = match books.orders.of(item) {
            Some(order) => books.differences(message.currency, item, order),
            None => vec!["it is no order of ours".to_owned()],
        };
        let reference = item.order_reference.clone();
        match reason(&differences) {
            None => FlexOrderSettlementStatus::accepted(reference),
            Some(reason) => FlexOrderSettlementStatus::disputed(reference, &reason),
        }
    };
    message.orders.iter().map(status).collect()
}

/// What the items are compared with.
struct Books<'e> {
    terms: &'e Terms,
    orders: Orders<'e>,
    ordered: Ordered<'e>,
    prognoses: BTreeMap<MessageId, &'e DPrognosis>,
}

fn reason(differences: &[String]) -> Option<String> {
    let named = differences.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match differences.len() {
        0 => None,
        count if count > NAMED => Some(format!("{named}; and {} more", count - NAMED)),
        _ => Some(named),
    }
}

impl Books<'_> {
    fn differences(&self, currency: Currency, item: &FlexOrderSettlement, order: &FlexOrder) -> Vec<String> {
        let mut differences = Vec::new();
        if order.currency != currency {
            differences.push(format!("the order is in {}", order.currency));
        }
        amounts(item, order, self.terms, &mut differences);
        let Ok(day) = self.terms.calendar.day(item.period) else { return differences };
        let ordered = powers(&day, &order.isps);
        let settled: BTreeMap<IspNumber, &FlexOrderSettlementIsp> = item
            .isps
            .iter()
            .flat_map(|isp| within(isp, day.all()).map(move |number| (number, isp)))
            .collect();
        if !settled.keys().eq(ordered.keys()) {
            let (count, of_order) = (settled.len(), ordered.len());
            differences
                .push(format!("it has {count} ISPs, and not those of the order, which has {of_order}"));
        }
        let named = item.d_prognosis_message_id.or(order.d_prognosis_message_id);
        let baseline = named.and_then(|named| self.prognoses.get(&named));
        let baseline = baseline.map(|prognosis| powers(&day, &prognosis.isps)).unwrap_or_default();
        for (number, isp) in settled {
            let mut compare = |name: &str, theirs: Power, ours: Option<&Power>| {
                if let Some(ours) = ours.filter(|ours| **ours != theirs) {
                    let (theirs, ours) = (theirs.watts(), ours.watts());
                    differences.push(format!("{name} of ISP {number} is {theirs}, we have {ours}"));
                }
            };
            compare("OrderedFlexPower", isp.ordered, ordered.get(&number));
            compare("BaselinePower", isp.baseline, baseline.get(&number));
            let due = Due::of(isp, self.ordered.sums(item, number));
            if !is_share(isp.deficiency.watts(), due.deficiency) {
                differences.push(format!("PowerDeficiency of ISP {number} does not follow from its powers"));
            }
            if !is_share(isp.delivered.watts(), due.delivered) {
                differences
                    .push(format!("DeliveredFlexPower of ISP {number} does not follow from its powers"));
            }
        }
        differences
    }
}

fn within(isp: &FlexOrderSettlementIsp, day: IspRange) -> impl Iterator<Item = IspNumber> + use<> {
    isp.range.intersection(day).into_iter().flatten()
}

/// What all items of a message have ordered at each point in each ISP: the reductions and the increases.
struct Ordered<'e>(BTreeMap<(&'e EntityAddress, Date, IspNumber), Sums>);

#[derive(Clone, Copy, Default)]
struct Sums {
    reductions: i128,
    increases: i128,
}

impl<'e> Ordered<'e> {
    fn of(message: &'e FlexSettlement, terms: &Terms) -> Self {
        let mut sums: BTreeMap<_, Sums> = BTreeMap::new();
        for item in &message.orders {
            let Ok(day) = terms.calendar.day(item.period) else { continue };
            for isp in &item.isps {
                for number in within(isp, day.all()) {
                    let sums = sums.entry((&item.congestion_point, item.period, number)).or_default();
                    let change = i128::from(isp.ordered.watts());
                    sums.reductions += change.min(0);
                    sums.increases += change.max(0);
                }
            }
        }
        Self(sums)
    }

    fn sums(&self, item: &FlexOrderSettlement, isp: IspNumber) -> Sums {
        self.0.get(&(&item.congestion_point, item.period, isp)).copied().unwrap_or_default()
    }
}

/// What falls to an order in an ISP, each as a fraction: what its direction comes to, times its part of the whole.
struct Due {
    delivered: (i128, i128),
    deficiency: (i128, i128),
}

impl Due {
    fn of(isp: &FlexOrderSettlementIsp, all: Sums) -> Self {
        let ordered = i128::from(isp.ordered.watts());
        if ordered == 0 {
            return Self { delivered: (0, 1), deficiency: (0, 1) };
        }
        let target = i128::from(isp.baseline.watts()) + all.reductions + all.increases;
        let above = i128::from(isp.actual.watts()) - target;
        let (missed, whole) = if ordered < 0 { (above, -all.reductions) } else { (-above, all.increases) };
        let missed = missed.max(0);
        let delivered = (whole - missed).max(0);
        Self { delivered: (ordered * delivered, whole), deficiency: (ordered.abs() * missed, whole) }
    }
}

/// Whether a number is this fraction, rounded either way where it is no whole number.
fn is_share(number: i64, (part, whole): (i128, i128)) -> bool {
    (i128::from(number) * whole - part).abs() < whole
}

/// Price, penalty and net amount fit each other, the order and the terms.
fn amounts(item: &FlexOrderSettlement, order: &FlexOrder, terms: &Terms, differences: &mut Vec<String>) {
    if item.price.checked_sub(item.penalty) != Some(item.net_settlement) {
        differences.push("NetSettlement is not Price less Penalty".to_owned());
    }
    let Some(agreed) = terms.settlement else {
        if item.price != order.price {
            differences.push(format!("Price is {}, that of the order {}", item.price, order.price));
        }
        return;
    };
    let minutes = terms.calendar.isp_duration().minutes();
    let Some(expected) = net(item, order, agreed, minutes) else {
        differences.push("NetSettlement is beyond reckoning".to_owned());
        return;
    };
    let net = item.net_settlement;
    let off = net.value().checked_sub(expected).map(|off| off.abs());
    // Half of the fourth digit is what rounding the amount may cost.
    if off.is_none_or(|off| off > agreed.tolerance.saturating_add(Decimal::new(5, 5))) {
        differences.push(format!("NetSettlement is {net}, we have {}", expected.round_dp(4)));
    }
}

/// The price of the part that was delivered, energy for energy, less the penalty for what was missed.
fn net(
    item: &FlexOrderSettlement,
    order: &FlexOrder,
    agreed: SettlementTerms,
    minutes: u16,
) -> Option<Decimal> {
    let sum = |power: fn(&FlexOrderSettlementIsp) -> Power| {
        let isps = item.isps.iter();
        let sum: i128 =
            isps.map(|isp| i128::from(power(isp).magnitude()) * i128::from(isp.range.duration().get())).sum();
        Decimal::try_from_i128_with_scale(sum, 0).ok()
    };
    let (ordered, delivered, missed) =
        (sum(|isp| isp.ordered)?, sum(|isp| isp.delivered)?, sum(|isp| isp.deficiency)?);
    let price = order.price.value();
    let earned =
        if ordered == delivered { price } else { price.checked_mul(delivered)?.checked_div(ordered)? };
    let missed = missed.checked_mul(minutes.into())?.checked_div(PER_MEGAWATT_HOUR.into())?;
    earned.checked_sub(missed.checked_mul(agreed.penalty_per_megawatt_hour)?)
}
