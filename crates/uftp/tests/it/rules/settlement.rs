use jiff::SignedDuration;
use jiff::civil::date;
use tieline_types::{Amount, Currency};
use tieline_uftp::message::{
    AcceptedDisputed, ContractSettlement, DPrognosis, FlexOrder, FlexOrderSettlementStatus, FlexSettlement,
    FlexSettlementResponse,
};
use tieline_uftp::rules::{SettlementTerms, Terms, acceptance};
use tieline_uftp::{Accepted, Direction, Exchanged, Fate, MemoryHistory};

use super::{
    PERIOD, R, Scene, amsterdam, at_once, each, instant, isps, message_id, participant, recorded, run_of,
    text, unknown, watts,
};

/// Of June, with the one order ORD-1.
fn settlement() -> FlexSettlement {
    recorded("FlexSettlement")
}

fn order() -> FlexOrder {
    recorded("FlexOrder")
}

/// Another order, of which the reference and the identifier are this number.
fn another(number: u128) -> FlexOrder {
    let mut order = order();
    order.header.message_id = message_id(number);
    order.order_reference = text(&format!("ORD-{number}"));
    order
}

/// June is over.
fn july() -> Scene {
    let mut scene = Scene::new();
    scene.now = instant("2026-06-30T22:00:00Z");
    scene.before(order(), Fate::Accepted);
    scene
}

#[test]
fn it_is_about_a_period_that_is_over() {
    each(
        &settlement(),
        july,
        vec![
            ("a moment early", |s, _| s.now -= SignedDuration::from_nanos(1), vec![R::PeriodEndRejected]),
            ("as it begins", |s, _| s.now = instant("2026-05-31T22:00:00Z"), vec![R::PeriodEndRejected]),
            (
                "before it began",
                |s, _| s.now = instant("2026-05-31T21:59:59Z"),
                vec![R::PeriodStartRejected, R::PeriodEndRejected],
            ),
            ("its end before its start", |_, m| m.period_end = date(2026, 5, 31), vec![R::PeriodEndRejected]),
            ("one day", |_, m| (m.period_start, m.period_end) = (PERIOD, PERIOD), vec![]),
            (
                "an item of the day before",
                |_, m| m.period_start = date(2026, 6, 5),
                // The contract's day is out of it, too, which is said once.
                vec![unknown("OrderReference"), R::PeriodOutOfBounds],
            ),
            (
                "a contract's day after it",
                |_, m| m.contracts[0].periods[0].period = date(2026, 7, 1),
                vec![R::PeriodOutOfBounds],
            ),
        ],
    );
}

#[test]
fn its_items_are_the_orders_of_the_period() {
    each(
        &settlement(),
        july,
        vec![
            ("another order", |s, _| s.before(another(2), Fate::Accepted), vec![R::MissingSettlementItems]),
            ("one that was rejected", |s, _| s.before(another(2), Fate::Rejected), vec![]),
            ("one that was never answered", |s, _| s.before(another(2), Fate::Open), vec![]),
            (
                "one from the wrong side",
                |s, _| {
                    let mut wrong = another(2);
                    let header = &mut wrong.header;
                    std::mem::swap(&mut header.sender_domain, &mut header.recipient_domain);
                    s.before(wrong, Fate::Accepted);
                },
                vec![],
            ),
            (
                "one of the last day",
                |s, _| {
                    let mut last = another(2);
                    last.flex.period = date(2026, 6, 30);
                    s.before(last, Fate::Accepted);
                },
                vec![R::MissingSettlementItems],
            ),
            (
                "one of the next",
                |s, _| {
                    let mut next = another(2);
                    next.flex.period = date(2026, 7, 1);
                    s.before(next, Fate::Accepted);
                },
                vec![],
            ),
            (
                "one in pounds is for a settlement in pounds",
                |s, _| {
                    let mut pounds = another(2);
                    pounds.currency = Currency::GBP;
                    s.before(pounds, Fate::Accepted);
                },
                vec![],
            ),
            (
                "an unknown order, and the known one is missing",
                |_, m| m.orders[0].order_reference = Some(text("ORD-9")),
                vec![unknown("OrderReference"), R::MissingSettlementItems],
            ),
            ("no name: there is only one of that day", |_, m| m.orders[0].order_reference = None, vec![]),
            (
                "no name where there are two",
                |s, m| {
                    s.before(another(2), Fate::Accepted);
                    m.orders[0].order_reference = None;
                },
                vec![unknown("OrderReference"), R::MissingSettlementItems],
            ),
            (
                "at another point",
                |_, m| m.orders[0].congestion_point = "ean.111111111111".parse().unwrap(),
                vec![unknown("OrderReference"), R::MissingSettlementItems],
            ),
            (
                "an item twice",
                |_, m| {
                    m.orders.push(m.orders[0].clone());
                },
                vec![R::other("Order ORD-1 is there twice")],
            ),
            (
                "where nothing is traded",
                |s, _| s.terms.congestion_points = Some([].into()),
                vec![R::InvalidCongestionPoint],
            ),
            ("ISP 97", |_, m| m.orders[0].isps[0].range = run_of(90, 8), vec![R::IspsOutOfBounds]),
            ("an ISP twice", |_, m| m.orders[0].isps.extend_from_within(..), vec![R::IspConflict]),
            (
                "in pounds",
                |s, _| s.terms.currency = Some(Currency::GBP),
                vec![R::other("Currency EUR is not agreed")],
            ),
            (
                "of an unknown contract",
                |s, _| s.terms.contracts = Some([].into()),
                vec![unknown("ContractID")],
            ),
        ],
    );
}

#[test]
fn an_order_is_settled_once_unless_it_was_disputed() {
    let with = |fate, dispute: bool, overlap: bool| {
        let mut scene = july();
        let mut earlier = settlement();
        earlier.header.message_id = message_id(1);
        if overlap {
            earlier.period_start = date(2026, 5, 20);
            earlier.period_end = date(2026, 6, 10);
        }
        scene.before(earlier, fate);
        if dispute {
            let mut answer: FlexSettlementResponse = recorded("FlexSettlementResponse");
            answer.flex_settlement_message_id = message_id(1);
            answer.statuses = vec![FlexOrderSettlementStatus::disputed(Some(text("ORD-1")), "the price")];
            scene.before(answer, Fate::Open);
        }
        assert_eq!(scene.received(settlement()), scene.sent(settlement()));
        scene.received(settlement())
    };
    let before = || vec![R::other("Order ORD-1 was settled before")];
    assert_eq!(with(Fate::Accepted, false, false), before());
    assert_eq!(with(Fate::Accepted, false, true), before(), "in a period that overlaps");
    assert_eq!(with(Fate::Accepted, true, false), [], "the item was disputed");
    assert_eq!(with(Fate::Rejected, false, false), []);
    // What was settled before is not missed.
    let mut scene = july();
    let mut earlier = settlement();
    earlier.header.message_id = message_id(1);
    scene.before(earlier, Fate::Accepted);
    scene.before(another(2), Fate::Accepted);
    let mut rest = settlement();
    rest.orders[0].order_reference = Some(text("ORD-2"));
    assert_eq!(scene.received(rest), []);
}

#[test]
fn what_a_contract_says_fits_together() {
    let chain = || {
        vec![R::other(
            "A ContractSettlement has more requested than reserved, offered than requested, or ordered than offered",
        )]
    };
    each(
        &settlement(),
        july,
        vec![
            (
                "nothing is reserved",
                |_, m| m.contracts = vec![ContractSettlement::nothing_reserved(PERIOD)],
                vec![],
            ),
            ("no contract", |_, m| m.contracts.clear(), vec![]),
            (
                "more requested",
                |_, m| m.contracts[0].periods[0].isps[0].requested = Some(watts(-500_001)),
                chain(),
            ),
            (
                "more offered",
                |_, m| m.contracts[0].periods[0].isps[0].offered = Some(watts(-500_001)),
                chain(),
            ),
            ("the other way", |_, m| m.contracts[0].periods[0].isps[0].offered = Some(watts(1)), chain()),
            (
                "more offered than requested, though it was reserved",
                |_, m| m.contracts[0].periods[0].isps[0].requested = Some(watts(-399_999)),
                chain(),
            ),
            ("less ordered", |_, m| m.contracts[0].periods[0].isps[0].ordered = Some(watts(-1)), vec![]),
            (
                "nothing said of requests and offers",
                |_, m| {
                    let isp = &mut m.contracts[0].periods[0].isps[0];
                    (isp.requested, isp.offered, isp.ordered) = (None, None, None);
                },
                vec![],
            ),
            (
                "ordered, and no order of the contract",
                |_, m| m.orders[0].contract_id = None,
                vec![R::other("A ContractSettlement has more ordered than the orders of its contract")],
            ),
            (
                "ISP 97",
                |_, m| m.contracts[0].periods[0].isps[0].range = run_of(97, 1),
                vec![R::IspsOutOfBounds],
            ),
        ],
    );
}

/// What is said of each item, given the orders and a baseline of 1 MW.
fn statuses(settlement: &FlexSettlement, orders: &[FlexOrder], terms: &Terms) -> Vec<Option<String>> {
    let history = MemoryHistory::new();
    let dso = participant("dso.example.com");
    let at = instant("2026-06-01T00:00:00Z");
    let record = |direction, payload| {
        let fate = Fate::Accepted;
        history.record(Exchanged { counterparty: dso.clone(), direction, at, payload, fate });
    };
    let mut baseline: DPrognosis = recorded("D-Prognosis");
    baseline.isps = vec![isps(1, 96, 1_000_000)];
    record(Direction::Sent, baseline.into());
    for order in orders {
        record(Direction::Received, order.clone().into());
    }
    let payload = settlement.clone().into();
    let now = instant("2026-07-01T00:00:00Z");
    let accepted = at_once(acceptance(&payload, &dso, terms, &history, now)).unwrap();
    let Accepted::Items(said) = accepted else { panic!("items are told") };
    let references: Vec<_> = settlement.orders.iter().map(|item| item.order_reference.clone()).collect();
    assert_eq!(said.iter().map(|s| s.order_reference.clone()).collect::<Vec<_>>(), references);
    let reason = |status: FlexOrderSettlementStatus| {
        assert_eq!(status.dispute_reason.is_some(), status.disposition == AcceptedDisputed::Disputed);
        status.dispute_reason.map(|reason| reason.to_string())
    };
    said.into_iter().map(reason).collect()
}

type Change = fn(&mut FlexSettlement);

#[test]
fn an_item_that_is_not_right_is_disputed() {
    let rows: Vec<(Change, Option<&str>)> = vec![
        (|_| {}, None),
        (|m| m.orders[0].price = "12.5".parse().unwrap(), None),
        (
            |m| m.orders[0].net_settlement = "11.2501".parse().unwrap(),
            Some("NetSettlement is not Price less Penalty"),
        ),
        (
            |m| {
                m.orders[0].price = "12.6".parse().unwrap();
                m.orders[0].net_settlement = "11.35".parse().unwrap();
            },
            Some("Price is 12.6, that of the order 12.5000"),
        ),
        (|m| m.currency = Currency::GBP, Some("the order is in EUR")),
        (
            |m| m.orders[0].isps[0].baseline = watts(999_999),
            Some(
                "BaselinePower of ISP 41 is 999999, we have 1000000; PowerDeficiency of ISP 41 does not follow",
            ),
        ),
        (
            |m| m.orders[0].isps[0].range = run_of(41, 7),
            Some("it has 7 ISPs, and not those of the order, which has 8"),
        ),
        (
            |m| m.orders[0].isps[0].range = run_of(42, 8),
            Some("it has 8 ISPs, and not those of the order, which has 8"),
        ),
        (
            |m| m.orders[0].isps[0].ordered = watts(-300_000),
            Some("OrderedFlexPower of ISP 41 is -300000, we have -400000; PowerDeficiency of ISP 41"),
        ),
        (
            |m| m.orders[0].isps[0].delivered = watts(-350_001),
            Some(
                "DeliveredFlexPower of ISP 41 does not follow from its powers; DeliveredFlexPower of ISP 42",
            ),
        ),
        (
            |m| m.orders[0].isps[0].deficiency = watts(0),
            Some("PowerDeficiency of ISP 41 does not follow from its powers"),
        ),
    ];
    for (number, (change, reason)) in rows.into_iter().enumerate() {
        let mut settlement = settlement();
        change(&mut settlement);
        let [ref said] = statuses(&settlement, &[order()], &amsterdam())[..] else { panic!("one item") };
        match (said, reason) {
            (None, None) => {}
            (Some(said), Some(reason)) => assert!(said.starts_with(reason), "row {number}: {said}"),
            _ => panic!("row {number}: {said:?}"),
        }
    }
    assert_eq!(statuses(&settlement(), &[], &amsterdam()), [Some("it is no order of ours".to_owned())]);
    // Eight ISPs, of which each has a difference: five are named.
    let mut settlement = settlement();
    settlement.orders[0].isps[0].delivered = watts(0);
    let said = statuses(&settlement, &[order()], &amsterdam())[0].clone().unwrap();
    assert!(said.ends_with("; and 3 more"), "{said}");
}

/// The table of the specification: 10 MW, of which 2 MW were ordered, at 7 €/MW and 11 €/MW penalty, in one hour.
#[test]
fn the_example_of_the_specification_is_right_both_ways() {
    let mut terms = amsterdam();
    let penalty_per_megawatt_hour = 11.into();
    terms.settlement = Some(SettlementTerms { penalty_per_megawatt_hour, tolerance: 0.into() });
    for sign in [-1, 1] {
        for (actual, delivered, deficiency, net) in
            [(7, 2, 0, 14), (8, 2, 0, 14), (9, 1, 1, -4), (10, 0, 2, -22), (11, 0, 3, -33)]
        {
            // Mirrored at the baseline for an increase.
            let actual = if sign < 0 { actual } else { 20 - actual };
            let mut order = order();
            order.isps = vec![isps(41, 4, sign * 2_000_000)];
            order.price = "14".parse().unwrap();
            order.d_prognosis_message_id = None;
            let mut settlement = settlement();
            let item = &mut settlement.orders[0];
            item.d_prognosis_message_id = None;
            let isp = &mut item.isps[0];
            isp.range = run_of(41, 4);
            isp.baseline = watts(10_000_000);
            isp.ordered = watts(sign * 2_000_000);
            isp.actual = watts(actual * 1_000_000);
            isp.delivered = watts(sign * delivered * 1_000_000);
            isp.deficiency = watts(deficiency * 1_000_000);
            let amount = |whole: i64| Amount::new(whole.into()).unwrap();
            item.price = amount(14);
            item.penalty = amount(14 - net);
            item.net_settlement = amount(net);
            assert_eq!(statuses(&settlement, &[order.clone()], &terms), [None], "{sign} {actual}");
            settlement.orders[0].penalty = amount(14 - net - 1);
            settlement.orders[0].net_settlement = amount(net + 1);
            let reason = format!("NetSettlement is {}, we have {net}", net + 1);
            let said = statuses(&settlement, &[order.clone()], &terms)[0].clone().unwrap();
            assert_eq!(said, reason, "a euro more for {actual}");
            let agreed = terms.settlement.as_mut().unwrap();
            agreed.tolerance = 1.into();
            assert_eq!(statuses(&settlement, &[order.clone()], &terms), [None], "within the tolerance");
            terms.settlement.as_mut().unwrap().tolerance = 0.into();
            // One watt off either way is wrong.
            for off in [-1, 1] {
                let mut wrong = settlement.clone();
                wrong.orders[0].isps[0].delivered = watts(sign * delivered * 1_000_000 + off);
                assert!(statuses(&wrong, &[order.clone()], &terms)[0].is_some());
                let mut wrong = settlement.clone();
                wrong.orders[0].isps[0].deficiency = watts(deficiency * 1_000_000 + off);
                assert!(statuses(&wrong, &[order.clone()], &terms)[0].is_some());
            }
        }
    }
}

#[test]
fn orders_that_meet_share_what_was_delivered() {
    // -300 W and -400 W from 1 MW, of which 500 W were delivered; and +100 W in the same ISP.
    let orders: Vec<FlexOrder> = [(1_u128, -300), (2, -400), (3, 100)]
        .into_iter()
        .map(|(number, power)| {
            let mut order = another(number);
            order.isps = vec![isps(41, 1, power)];
            order.price = Amount::ZERO;
            order
        })
        .collect();
    let item = |number: usize, delivered: i64, deficiency: i64| {
        let mut item = settlement().orders[0].clone();
        item.order_reference = Some(orders[number].order_reference.clone());
        (item.price, item.penalty, item.net_settlement) = (Amount::ZERO, Amount::ZERO, Amount::ZERO);
        item.isps[0].range = run_of(41, 1);
        item.isps[0].ordered = orders[number].isps[0].power;
        // The target is 999_400.
        item.isps[0].actual = watts(999_600);
        item.isps[0].delivered = watts(delivered);
        item.isps[0].deficiency = watts(deficiency);
        item
    };
    let said = |items| {
        let mut settlement = settlement();
        settlement.orders = items;
        statuses(&settlement, &orders, &amsterdam()).iter().map(Option::is_none).collect::<Vec<_>>()
    };
    // 200 W were missed: 85.7 and 114.3 of them; 500 W delivered: 214.3 and 285.7.
    assert_eq!(said(vec![item(0, -214, 86), item(1, -286, 114), item(2, 100, 0)]), [true; 3]);
    assert_eq!(
        said(vec![item(0, -215, 85), item(1, -285, 115), item(2, 100, 0)]),
        [true; 3],
        "rounded the other way"
    );
    assert_eq!(said(vec![item(0, -216, 86), item(1, -286, 113), item(2, 99, 0)]), [false; 3]);
}
