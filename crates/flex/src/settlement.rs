use rust_decimal::Decimal;
use tieline_types::{Amount, Power, TimeSpan};

/// Watt seconds in a megawatt hour.
const PER_MEGAWATT_HOUR: u64 = 3_600_000_000;

/// What was expected and what was measured in one ISP at a congestion point.
///
/// What is not known shows no change: where nothing was measured, `actual` is the baseline, and where there is no baseline,
/// it is what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IspOutcome {
    /// The ISP.
    pub span: TimeSpan,
    /// The power that was forecast without any order.
    pub baseline: Power,
    /// The mean power that was measured: the *allocation* of the specification.
    pub actual: Power,
}

/// An accepted order, as it is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderToSettle {
    /// Names it: unique among the orders that are settled together.
    pub reference: String,
    /// For all that was ordered: pay as bid.
    pub price: Amount,
    /// The ordered change against the baseline in each ISP, negative for a reduction. Each ISP once.
    pub changes: Vec<(TimeSpan, Power)>,
}

/// What is agreed about orders that were not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementTerms {
    /// For a megawatt hour of power deficiency.
    pub penalty_per_megawatt_hour: Decimal,
}

/// What becomes of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledOrder {
    /// The order's name.
    pub reference: String,
    /// Each ISP of the order.
    pub isps: Vec<SettledIsp>,
    /// The price of the order.
    pub price: Amount,
    /// What is deducted from it: the part of the price that was not delivered, and the penalty on the deficiency.
    /// [`price`](Self::price) less this is [`net`](Self::net), to the last digit.
    pub penalty: Amount,
    /// What is paid: the price of what was delivered, less the penalty on the deficiency. Negative where the AGR pays.
    pub net: Amount,
}

/// What was delivered of one order in one ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledIsp {
    /// The ISP.
    pub span: TimeSpan,
    /// The power that was forecast without any order.
    pub baseline: Power,
    /// The ordered change.
    pub ordered: Power,
    /// The measured power.
    pub actual: Power,
    /// The delivered part of the ordered change, with its sign; never more than was ordered.
    pub delivered: Power,
    /// By how much the ordered power was missed, never negative; more than was ordered where the power moved the other way.
    pub deficiency: Power,
}

/// Settles the orders of one aggregator at one congestion point (Shapeshifter specification, settle phase, components 1 and 2).
///
/// In an ISP the power should have been the baseline and all ordered changes. By how much it was above, the ordered reductions
/// were missed, and by how much below, the ordered increases; a deviation to the other side costs nothing and earns nothing.
/// Where several orders in one direction meet in an ISP, both what was delivered and what was missed is shared in proportion to
/// what each ordered, to the watt, and what can't be shared evenly goes to the first by reference.
///
/// An order is paid for the part of its energy that was delivered, at its own price. Only the net amount is rounded, once, to
/// four digits.
///
/// An ISP without an outcome shows no change: its baseline and its actual power are 0.
pub fn settle(
    outcomes: &[IspOutcome],
    orders: &[OrderToSettle],
    terms: SettlementTerms,
) -> Vec<SettledOrder> {
    orders
        .iter()
        .map(|order| {
            let isps: Vec<SettledIsp> = order
                .changes
                .iter()
                .map(|(span, ordered)| {
                    let known = outcomes.iter().find(|outcome| outcome.span == *span).copied();
                    let nothing = IspOutcome { span: *span, baseline: Power::ZERO, actual: Power::ZERO };
                    settled_isp(order, *ordered, known.unwrap_or(nothing), orders)
                })
                .collect();
            let net = Amount::rounded(earned(order.price, &isps) - deviation(&isps, terms));
            let penalty = Amount::rounded(order.price.value() - net.value());
            SettledOrder { reference: order.reference.clone(), isps, price: order.price, penalty, net }
        })
        .collect()
}

fn settled_isp(
    order: &OrderToSettle,
    ordered: Power,
    outcome: IspOutcome,
    orders: &[OrderToSettle],
) -> SettledIsp {
    let IspOutcome { span, baseline, actual } = outcome;
    let all: Vec<(&str, i64)> = orders
        .iter()
        .flat_map(|other| other.changes.iter().map(|(at, change)| (other.reference.as_str(), *at, change)))
        .filter(|(_, at, _)| *at == span)
        .map(|(reference, _, change)| (reference, change.watts()))
        .collect();
    let sum = all.iter().fold(baseline.watts(), |sum, (_, change)| sum.saturating_add(*change));
    let above = actual.watts().saturating_sub(sum);
    // Ordered reductions are missed from above, increases from below.
    let missed = if ordered.watts() < 0 { above } else { above.saturating_neg() }.max(0);
    let alike: Vec<(&str, u64)> = all
        .iter()
        .filter(|(_, change)| change.signum() == ordered.watts().signum() && *change != 0)
        .map(|(reference, change)| (*reference, change.unsigned_abs()))
        .collect();
    let whole = alike.iter().fold(0_u64, |sum, (_, part)| sum.saturating_add(*part));
    let missed = missed.unsigned_abs();
    let share = |total: u64| share(&alike, &order.reference, total);
    let sign = ordered.watts().signum();
    SettledIsp {
        span,
        baseline,
        ordered,
        actual,
        delivered: Power::from_watts(sign * signed(share(whole.saturating_sub(missed)))),
        deficiency: Power::from_watts(signed(share(missed))),
    }
}

/// The part of `total` that falls to `reference`, in proportion to the parts; what is left over goes to the first by name.
fn share(parts: &[(&str, u64)], reference: &str, total: u64) -> u64 {
    let whole: u128 = parts.iter().map(|(_, part)| u128::from(*part)).sum();
    if whole == 0 {
        return 0;
    }
    let floor = |part: u64| u128::from(total) * u128::from(part) / whole;
    let mut named: Vec<(&str, u64)> = parts.to_vec();
    named.sort_unstable();
    let shared: u128 = named.iter().map(|(_, part)| floor(*part)).sum();
    // Less than one watt of each part is cut off, so there is at most one for each.
    let left = u128::from(total) - shared;
    let rank = named.iter().position(|(name, _)| *name == reference);
    rank.map_or(0, |rank| {
        let more = u128::from((rank as u128) < left);
        u64::try_from(floor(named[rank].1) + more).unwrap_or(u64::MAX)
    })
}

fn signed(watts: u64) -> i64 {
    i64::try_from(watts).unwrap_or(i64::MAX)
}

/// The part of the price that was delivered: energy for energy.
fn earned(price: Amount, isps: &[SettledIsp]) -> Decimal {
    let ordered = energy(isps, |isp| isp.ordered);
    let delivered = energy(isps, |isp| isp.delivered);
    if delivered == ordered {
        // All of it, also where nothing but 0 W was ordered.
        return price.value();
    }
    (price.value() * delivered).checked_div(ordered).unwrap_or(Decimal::ZERO)
}

fn deviation(isps: &[SettledIsp], terms: SettlementTerms) -> Decimal {
    energy(isps, |isp| isp.deficiency) * terms.penalty_per_megawatt_hour / Decimal::from(PER_MEGAWATT_HOUR)
}

/// Watt seconds, whatever the direction.
fn energy(isps: &[SettledIsp], power: fn(&SettledIsp) -> Power) -> Decimal {
    let of_isp = |isp: &SettledIsp| {
        Decimal::from(power(isp).magnitude()) * Decimal::from(isp.span.duration().as_secs())
    };
    isps.iter().map(of_isp).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_shared_to_the_watt() {
        let parts = [("b", 1), ("a", 1), ("c", 1)];
        assert_eq!(["a", "b", "c"].map(|name| share(&parts, name, 100)), [34, 33, 33]);
        assert_eq!(["a", "b", "c"].map(|name| share(&parts, name, 101)), [34, 34, 33]);
        assert_eq!(share(&parts, "d", 100), 0);
        assert_eq!(share(&[], "a", 100), 0);
        assert_eq!(share(&[("a", u64::MAX)], "a", u64::MAX), u64::MAX);
    }
}
