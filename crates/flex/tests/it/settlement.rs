//! What orders are worth: the specification's table, and what it leaves open.

use jiff::SignedDuration;
use proptest::prelude::*;
use rust_decimal::Decimal;
use tieline_flex::{IspOutcome, OrderToSettle, SettledOrder, SettlementTerms, settle};
use tieline_types::{Amount, Power, TimeSpan};

use crate::fleets::{isp, noon};

const MEGAWATT: i64 = 1_000_000;

fn hour() -> TimeSpan {
    TimeSpan::new(noon(), noon() + SignedDuration::from_hours(1)).unwrap()
}

fn order(reference: &str, price: &str, changes: &[(TimeSpan, i64)]) -> OrderToSettle {
    OrderToSettle {
        reference: reference.to_owned(),
        price: price.parse().unwrap(),
        changes: changes.iter().map(|(span, watts)| (*span, Power::from_watts(*watts))).collect(),
    }
}

fn outcome(span: TimeSpan, baseline: i64, actual: i64) -> IspOutcome {
    IspOutcome { span, baseline: Power::from_watts(baseline), actual: Power::from_watts(actual) }
}

fn terms(penalty: &str) -> SettlementTerms {
    SettlementTerms { penalty_per_megawatt_hour: penalty.parse().unwrap() }
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// Delivered and deficiency of the only ISP.
fn powers(settled: &SettledOrder) -> (i64, i64) {
    (settled.isps[0].delivered.watts(), settled.isps[0].deficiency.watts())
}

/// Baseline 10 MW, 2 MW ordered at 7 €/MW, penalty 11 €/MW, in one ISP; an hour makes MW of MWh.
#[test]
fn the_table_of_the_specification() {
    let table = [
        (7, 2, 0, "14", "0"),
        (8, 2, 0, "14", "0"),
        (9, 1, 1, "-4", "18"),
        (10, 0, 2, "-22", "36"),
        (11, 0, 3, "-33", "47"),
    ];
    for (allocation, delivered, deficiency, net, penalty) in table {
        let ordered = order("o", "14", &[(hour(), -2 * MEGAWATT)]);
        let settled =
            settle(&[outcome(hour(), 10 * MEGAWATT, allocation * MEGAWATT)], &[ordered], terms("11"));
        assert_eq!(powers(&settled[0]), (-delivered * MEGAWATT, deficiency * MEGAWATT), "{allocation} MW");
        assert_eq!((settled[0].net, settled[0].penalty), (amount(net), amount(penalty)), "{allocation} MW");
        assert_eq!(settled[0].price, amount("14"));
    }
}

#[test]
fn an_increase_is_the_mirror_image() {
    let table = [(13, 2, 0, "14"), (12, 2, 0, "14"), (11, 1, 1, "-4"), (10, 0, 2, "-22"), (9, 0, 3, "-33")];
    for (allocation, delivered, deficiency, net) in table {
        let ordered = order("o", "14", &[(hour(), 2 * MEGAWATT)]);
        let settled =
            settle(&[outcome(hour(), 10 * MEGAWATT, allocation * MEGAWATT)], &[ordered], terms("11"));
        assert_eq!(powers(&settled[0]), (delivered * MEGAWATT, deficiency * MEGAWATT), "{allocation} MW");
        assert_eq!(settled[0].net, amount(net), "{allocation} MW");
    }
}

#[test]
fn feeding_in_less_is_an_increase() {
    let ordered = order("o", "14", &[(hour(), 2 * MEGAWATT)]);
    let settled = settle(&[outcome(hour(), -10 * MEGAWATT, -9 * MEGAWATT)], &[ordered], terms("11"));
    assert_eq!(powers(&settled[0]), (MEGAWATT, MEGAWATT));
}

#[test]
fn a_quarter_of_an_hour_is_a_quarter_of_the_energy() {
    let ordered = order("o", "3.50", &[(isp(0), -2 * MEGAWATT)]);
    let settled = settle(&[outcome(isp(0), 10 * MEGAWATT, 9 * MEGAWATT)], &[ordered], terms("11"));
    // Half of 3.50, less 11 for a megawatt over a quarter of an hour.
    assert_eq!(settled[0].net, amount("-1"));
}

#[test]
fn the_price_is_shared_out_by_energy_over_the_isps() {
    let ordered = order("o", "6", &[(isp(0), -1000), (isp(1), -2000), (isp(2), 0)]);
    let outcomes = [outcome(isp(0), 5000, 4000), outcome(isp(1), 5000, 5000), outcome(isp(2), 5000, 9000)];
    let settled = settle(&outcomes, &[ordered], terms("0"));
    assert_eq!(settled[0].net, amount("2"));
    assert_eq!(settled[0].isps[2].deficiency.watts(), 0, "nothing was ordered there");
}

#[test]
fn orders_for_one_isp_share_what_was_delivered_and_what_was_missed() {
    let orders = [order("b", "10", &[(hour(), -3000)]), order("a", "1", &[(hour(), -1000)])];
    let settled = settle(&[outcome(hour(), 10_000, 8000)], &orders, terms("1000"));
    assert_eq!(powers(&settled[0]), (-1500, 1500));
    assert_eq!(powers(&settled[1]), (-500, 500));
    assert_eq!((settled[0].net, settled[1].net), (amount("3.5"), amount("0")));
    // One watt can't be halved: it goes to the first by name, however the orders are listed.
    let orders = [order("b", "1", &[(hour(), -10)]), order("a", "1", &[(hour(), -10)])];
    let settled = settle(&[outcome(hour(), 100, 99)], &orders, terms("0"));
    assert_eq!((powers(&settled[0]).0, powers(&settled[1]).0), (0, -1));
}

#[test]
fn orders_in_both_directions_count_from_each_other() {
    let orders = [order("less", "5", &[(hour(), -5000)]), order("more", "2", &[(hour(), 2000)])];
    let at = |actual| {
        let settled = settle(&[outcome(hour(), 10_000, actual)], &orders, terms("0"));
        (powers(&settled[0]), powers(&settled[1]))
    };
    assert_eq!(at(7000), ((-5000, 0), (2000, 0)));
    assert_eq!(at(10_000), ((-2000, 3000), (2000, 0)));
    assert_eq!(at(5000), ((-5000, 0), (0, 2000)));
}

#[test]
fn what_is_not_known_shows_no_change() {
    let ordered = order("o", "14", &[(hour(), -2000)]);
    let settled = settle(&[], std::slice::from_ref(&ordered), terms("11"));
    assert_eq!(powers(&settled[0]), (0, 2000));
    let settled = settle(&[outcome(hour(), 7000, 7000)], &[ordered], terms("0"));
    assert_eq!((powers(&settled[0]), settled[0].net), ((0, 2000), amount("0")));
}

#[test]
fn an_amount_is_rounded_once() {
    // A third of 1 is earned in each of two ISPs: rounded apart they would come to 0.6666.
    let ordered = order("o", "1", &[(isp(0), -1), (isp(1), -1), (isp(2), -1)]);
    let outcomes = [outcome(isp(0), 10, 9), outcome(isp(1), 10, 9), outcome(isp(2), 10, 10)];
    let settled = settle(&outcomes, &[ordered], terms("0"));
    assert_eq!((settled[0].net, settled[0].penalty), (amount("0.6667"), amount("0.3333")));
}

proptest! {
    #[test]
    fn shares_add_up_and_the_order_of_orders_does_not_matter(
        changes in prop::collection::vec(-100_000_i64..100_000, 1..6),
        baseline in -1_000_000_i64..1_000_000,
        actual in -1_000_000_i64..1_000_000,
        penalty in 0_i64..1000,
    ) {
        let mut orders: Vec<OrderToSettle> = changes
            .iter()
            .enumerate()
            .map(|(number, watts)| order(&number.to_string(), "12.34", &[(isp(0), *watts)]))
            .collect();
        let terms = SettlementTerms { penalty_per_megawatt_hour: Decimal::from(penalty) };
        let outcomes = [outcome(isp(0), baseline, actual)];
        let settled = settle(&outcomes, &orders, terms);

        let target = baseline + changes.iter().sum::<i64>();
        let reductions: i64 = changes.iter().filter(|change| **change < 0).sum();
        let increases: i64 = changes.iter().filter(|change| **change > 0).sum();
        let missed = |wanted: fn(i64) -> bool| -> i64 {
            let alike = settled.iter().filter(|order| wanted(order.isps[0].ordered.watts()));
            alike.map(|order| order.isps[0].deficiency.watts()).sum()
        };
        let delivered = |wanted: fn(i64) -> bool| -> i64 {
            let alike = settled.iter().filter(|order| wanted(order.isps[0].ordered.watts()));
            alike.map(|order| order.isps[0].delivered.watts()).sum()
        };
        let above = (actual - target).max(0);
        let below = (target - actual).max(0);
        prop_assert_eq!(missed(|watts| watts < 0), if reductions < 0 { above } else { 0 });
        prop_assert_eq!(missed(|watts| watts > 0), if increases > 0 { below } else { 0 });
        prop_assert_eq!(delivered(|watts| watts < 0), -((-reductions - above).max(0)));
        prop_assert_eq!(delivered(|watts| watts > 0), (increases - below).max(0));
        for order in &settled {
            prop_assert_eq!(order.price.checked_sub(order.penalty), Some(order.net));
            let isp = order.isps[0];
            prop_assert!(isp.delivered.magnitude() <= isp.ordered.magnitude() && isp.deficiency.watts() >= 0);
        }
        orders.reverse();
        let mut other = settle(&outcomes, &orders, terms);
        other.reverse();
        prop_assert_eq!(other, settled);
    }
}
