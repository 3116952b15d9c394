//! What an aggregator says to settlements, and a day of both sides.

use std::fmt::Write as _;
use std::net::SocketAddr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_node::ledger::{MarketDay, market_day};
use tieline_store::{SqliteOptions, SqliteStore};
use tieline_types::{IspCalendar, IspDuration, IspRange, ManualClock, Power};
use tieline_uftp::message::{
    AcceptedDisputed, ContractSettlement, DPrognosis, FlexOrder, FlexOrderSettlement, FlexOrderSettlementIsp,
    FlexOrderSettlementStatus, FlexSettlement, FlexSettlementResponse, Response,
};
use tieline_uftp::{Payload, RejectionReason as R, SigningKey};

use crate::charger::{Charger, Conduct};
use crate::daemon::{Daemon, eventually, loopback, own, peer};
use crate::operator::{DSO, need};
use crate::reckoning::tables;
use crate::scene::{AGR, CONNECTION, MORNING, POINT, Scene, at, fleet, range, reported};

/// CP-1 charges from 11:00 to 12:00 with so many watts in each quarter.
async fn charge(charger: &Charger, transaction: &str, eleven: Timestamp, watts: [i64; 4]) {
    let mut register = 0;
    let mut readings = vec![(eleven, 0)];
    for (quarter, watts) in (1..).zip(watts) {
        register += watts / 4;
        readings.push((eleven + SignedDuration::from_mins(15 * quarter), register));
    }
    charger.meter(transaction, &readings).await;
}

/// 30 kW are expected, 10 kW less from 11:00 to 12:00 are ordered, and these watts are drawn; it is the next day.
async fn delivered(watts: [i64; 4]) -> (Scene, FlexOrder) {
    let scene = Scene::reporting(MORNING, "[agr.settlement]\npenalty_per_mwh = \"40.00\"\n").await;
    let (charger, transaction) = scene.charging().await;
    let first: DPrognosis = scene
        .dso
        .mailbox
        .wait("the prognosis of the day", |payload| match payload {
            Payload::DPrognosis(known) if known.flex.period == "2026-06-10".parse().unwrap() => {
                Some(known.clone())
            }
            _ => None,
        })
        .await;
    crate::prognoses::answer(&scene, &first, Response::ACCEPTED).await;
    let order = scene.ordered().await;
    charge(&charger, &transaction, at("2026-06-10T09:00:00Z"), watts).await;
    scene.clock.set(at("2026-06-10T23:00:00Z"));
    scene.agr.settle().await;
    (scene, order)
}

/// The settlement of the order as the grid operator has it, all delivered.
fn settlement(scene: &Scene, order: &FlexOrder) -> FlexSettlement {
    let day = "2026-06-10".parse().unwrap();
    let isp = |number: u16| FlexOrderSettlementIsp {
        range: IspRange::from_numbers(number, 1).unwrap(),
        baseline: Power::from_watts(30_000),
        ordered: Power::from_watts(-10_000),
        actual: Power::from_watts(20_000),
        delivered: Power::from_watts(-10_000),
        deficiency: Power::ZERO,
    };
    FlexSettlement {
        header: scene.dso.header(AGR),
        response: Response::ACCEPTED,
        period_start: day,
        period_end: day,
        currency: order.currency,
        orders: vec![FlexOrderSettlement {
            order_reference: Some(order.order_reference.clone()),
            period: day,
            contract_id: None,
            d_prognosis_message_id: order.d_prognosis_message_id,
            baseline_reference: None,
            congestion_point: POINT.parse().unwrap(),
            price: order.price,
            penalty: "0".parse().unwrap(),
            net_settlement: order.price,
            isps: (45..49).map(isp).collect(),
        }],
        contracts: vec![ContractSettlement::nothing_reserved(day)],
    }
}

async fn answer(scene: &Scene, settlement: FlexSettlement) -> FlexSettlementResponse {
    let id = settlement.header.message_id;
    scene.ask(settlement).await;
    let answer = |payload: &Payload| match payload {
        Payload::FlexSettlementResponse(answer) if answer.flex_settlement_message_id == id => {
            Some(answer.clone())
        }
        _ => None,
    };
    scene.dso.mailbox.payloads().iter().find_map(answer).unwrap()
}

#[tokio::test]
async fn a_settlement_that_is_as_in_our_books_is_accepted_once() {
    let (scene, order) = delivered([20_000; 4]).await;
    let accepted = answer(&scene, settlement(&scene, &order)).await;
    assert!(accepted.response.is_accepted());
    assert_eq!(accepted.statuses.len(), 1);
    assert_eq!(accepted.statuses[0].disposition, AcceptedDisputed::Accepted, "{accepted:?}");
    let again = answer(&scene, settlement(&scene, &order)).await;
    assert_eq!(again.response.reasons(), [R::other("Order order-1 was settled before")]);
    assert_eq!(scene.agr.records("settlement", "dso.example.com").await.len(), 1);
}

#[tokio::test]
async fn what_is_in_dispute_may_be_settled_again_and_counts_once() {
    let (scene, order) = delivered([20_000; 4]).await;
    let mut wrong = settlement(&scene, &order);
    wrong.orders[0].isps[0].delivered = Power::from_watts(-1000);
    let disputed = answer(&scene, wrong).await;
    assert_eq!(disputed.statuses[0].disposition, AcceptedDisputed::Disputed, "{disputed:?}");
    let mut right = settlement(&scene, &order);
    // It is the only order of its day.
    right.orders[0].order_reference = None;
    let accepted = answer(&scene, right).await;
    assert_eq!(accepted.statuses, [FlexOrderSettlementStatus::accepted(None)]);
    let again = answer(&scene, settlement(&scene, &order)).await;
    assert_eq!(again.response.reasons(), [R::other("Order order-1 was settled before")]);
    let (point, date) = (POINT.parse().unwrap(), "2026-06-10".parse().unwrap());
    let day = scene.agr.node().market_day(&point, date).await.unwrap();
    let items = day.settlements.iter().flat_map(|settlement| &settlement.items);
    let settled: Vec<_> = items.map(|item| item.reference.as_str()).collect();
    assert_eq!(settled, ["order-1"; 2]);
    assert_eq!(day.isps[44].delivered, Some(Power::from_watts(-10_000)));
}

#[tokio::test]
async fn what_is_not_as_in_our_books_is_disputed_with_a_reason() {
    type Case = (&'static str, fn(&mut FlexOrderSettlement), &'static str);
    let cases: [Case; 10] = [
        (
            "actual of the only order, which is not named",
            |o| (o.order_reference, o.isps[0].actual) = (None, Power::from_watts(25_000)),
            "ActualPower of ISP 45 is 25000, we have 20000",
        ),
        (
            "actual",
            |o| o.isps[0].actual = Power::from_watts(25_000),
            "ActualPower of ISP 45 is 25000, we have 20000",
        ),
        ("baseline", |o| o.isps[1].baseline = Power::ZERO, "BaselinePower of ISP 46 is 0, we have 30000"),
        ("ordered", |o| o.isps[2].ordered = Power::ZERO, "OrderedFlexPower of ISP 47 is 0, we have -10000"),
        (
            "delivered",
            |o| o.isps[3].delivered = Power::ZERO,
            "DeliveredFlexPower of ISP 48 is 0, we have -10000",
        ),
        (
            "deficiency",
            |o| o.isps[3].deficiency = Power::from_watts(1),
            "PowerDeficiency of ISP 48 is 1, we have 0",
        ),
        ("an ISP less", |o| o.isps.truncate(3), "ISP 48 of the order is missing"),
        (
            "the net amount",
            |o| o.net_settlement = "0.80".parse().unwrap(),
            "NetSettlement is 0.8000, we have 0.8500",
        ),
        ("the sum", |o| o.penalty = "0.80".parse().unwrap(), "NetSettlement is not Price less Penalty"),
        (
            "all of it",
            |o| o.isps.iter_mut().for_each(|isp| (isp.actual, isp.baseline) = (Power::ZERO, Power::ZERO)),
            "and 3 more",
        ),
    ];
    for (name, spoil, reason) in cases {
        let (scene, order) = delivered([20_000; 4]).await;
        let mut wrong = settlement(&scene, &order);
        spoil(&mut wrong.orders[0]);
        let answer = answer(&scene, wrong).await;
        assert!(answer.response.is_accepted(), "{name}");
        let [status] = &answer.statuses[..] else { panic!("{answer:?}") };
        assert_eq!(status.disposition, AcceptedDisputed::Disputed, "{name}");
        let said = status.dispute_reason.as_ref().unwrap().as_str();
        assert!(said.contains(reason), "{name}: {said}");
        assert!(scene.agr.journal().await.iter().any(|found| found.entry.label == "Disputed"), "{name}");
    }
}

#[tokio::test]
async fn a_settlement_that_can_not_be_one_is_rejected_and_disputed_in_all_its_items() {
    type Case = (&'static str, fn(&mut FlexSettlement), Vec<R>);
    let unknown = R::UnknownReference("OrderReference".parse().unwrap());
    let cases: [Case; 7] = [
        (
            "it ends before it starts",
            |s| s.period_end = "2026-06-08".parse().unwrap(),
            vec![R::PeriodEndRejected],
        ),
        (
            "its last day is not over",
            |s| s.period_end = "2026-06-11".parse().unwrap(),
            vec![R::PeriodEndRejected],
        ),
        (
            "it starts tomorrow",
            |s| {
                s.period_start = "2026-06-12".parse().unwrap();
                s.period_end = s.period_start;
            },
            vec![R::PeriodOutOfBounds, R::PeriodStartRejected, R::PeriodEndRejected],
        ),
        ("an ISP that the day lacks", |s| s.orders[0].isps[3].range = range(97, 1), vec![R::IspsOutOfBounds]),
        ("an ISP twice", |s| s.orders[0].isps[3].range = range(45, 1), vec![R::IspConflict]),
        (
            "another order",
            |s| s.orders[0].order_reference = Some("order-2".parse().unwrap()),
            vec![unknown.clone(), R::MissingSettlementItems],
        ),
        (
            "another day's order",
            |s| {
                s.period_start = "2026-06-09".parse().unwrap();
                s.orders[0].period = s.period_start;
            },
            vec![unknown, R::MissingSettlementItems],
        ),
    ];
    let (scene, order) = delivered([20_000; 4]).await;
    for (name, spoil, reasons) in cases {
        let mut wrong = settlement(&scene, &order);
        spoil(&mut wrong);
        let answer = answer(&scene, wrong).await;
        assert_eq!(answer.response.reasons(), reasons, "{name}");
        assert!(
            answer.statuses.iter().all(|status| status.disposition == AcceptedDisputed::Disputed),
            "{name}"
        );
    }
    assert!(scene.agr.records("settlement", "dso.example.com").await.is_empty());
    let accepted = answer(&scene, settlement(&scene, &order)).await;
    assert_eq!(accepted.statuses[0].disposition, AcceptedDisputed::Accepted);
}

/// A grid operator's and an aggregator's node, from prognosis to settlement; gives what each has in its books.
async fn day(
    start: &str,
    date: &str,
    eleven: &str,
    isp: u16,
    penalty: &str,
    restart: bool,
) -> (MarketDay, MarketDay) {
    let clock = ManualClock::new(at(start));
    let (dso_at, agr_at) = (SocketAddr::new(loopback(), 8080), SocketAddr::new(loopback(), 8081));
    let (dso_key, agr_key) = (SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[1; 32]));
    let real_ean = "tolerances = [\"eighteen_digit_ean\"]\n";
    // Hours pass while a node is being restarted.
    let patient = "[uftp.retry]\ngive_up_after = \"48h\"";
    let mut config = own("DSO", DSO, dso_at, &[peer(AGR, "AGR", agr_at, &agr_key) + real_ean], patient);
    config += &tables("day", "");
    let mut dso = Daemon::start(config, &dso_key, &clock, 77).await;
    let mut config = own("AGR", AGR, agr_at, &[peer(DSO, "DSO", dso_at, &dso_key)], patient);
    config += &reported(&fleet(SocketAddr::new(agr_at.ip(), 9000), "1h"), true);
    write!(config, "\n[agr.settlement]\npenalty_per_mwh = \"{penalty}\"\n").unwrap();
    let load = [("load.csv", "00:00,30000\n")];
    let mut agr = Daemon::start_beside(config, &agr_key, &clock, 99, &load).await;
    let accepted = async |agr: &Daemon, count: usize| {
        eventually("prognoses are accepted", async || {
            let known = agr.records("prognosis", POINT).await;
            let of_day = known
                .iter()
                .filter(|known| known["window"]["period"] == date && known["state"] == "Accepted");
            (of_day.count() == count).then_some(())
        })
        .await;
    };
    accepted(&agr, 1).await;

    let mut charger = Charger::connect(agr.ocpp(), "CP-1", tieline_ocpp::Version::V1_6).await;
    let transaction = charger.charge(at(start)).await;
    let isps = format!("[{{ start = {isp}, duration = 4, min = -10000, max = 0 }}]");
    dso.config += &need(&format!("\"{AGR}\""), &isps)
        .replace("2026-06-10T09:00:00Z", eleven)
        .replace("2026-06-10", date);
    dso.restart().await;
    // The order is in the next prognosis.
    accepted(&agr, 2).await;
    eventually("the order is accepted", async || {
        let orders = dso.records("order", POINT).await;
        (orders.first()?["state"] == "Accepted").then_some(())
    })
    .await;
    if restart {
        dso.restart().await;
        agr.restart().await;
        charger.cut().await;
        charger = Charger::connect(agr.ocpp(), "CP-1", tieline_ocpp::Version::V1_6).await;
    }
    charge(&charger, &transaction, at(eleven), [20_000, 20_000, 22_000, 16_000]).await;
    let midnight = at(start) + SignedDuration::from_hours(26);
    clock.set(midnight);
    eventually("the metering is accepted", async || {
        clock.advance(SignedDuration::from_secs(1));
        let known = agr.record("metering", &format!("{DSO} {CONNECTION} {date}")).await?;
        (known["state"] == "Accepted").then_some(())
    })
    .await;
    if restart {
        dso.restart().await;
        agr.restart().await;
    }
    clock.advance(SignedDuration::from_hours(4));
    let state = eventually("the settlement is answered", async || {
        clock.advance(SignedDuration::from_secs(1));
        let settlements = dso.records("settlement", AGR).await;
        Some(settlements.first()?["state"].clone()).filter(|state| state != "Sent")
    })
    .await;
    assert_eq!(state, "Answered");
    let (point, date) = (POINT.parse().unwrap(), date.parse().unwrap());
    let of_dso = dso.node().market_day(&point, date).await.unwrap();
    let of_agr = agr.node().market_day(&point, date).await.unwrap();
    for node in [dso.node(), agr.node()] {
        assert!(tieline_store::verify(&**node.store()).await.unwrap().is_ok());
    }
    // The books of a node that has been stopped say the same.
    agr.stop().await;
    let store = SqliteStore::open(&agr.database(), SqliteOptions::default()).unwrap();
    let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
    assert_eq!(market_day(&store, &calendar, &point, date).await.unwrap(), of_agr);
    (of_dso, of_agr)
}

/// Three of four quarters are delivered, and one is 2 kW short of 10.
fn as_delivered(of_dso: &MarketDay, of_agr: &MarketDay, isp: usize, count: usize) {
    for day in [of_dso, of_agr] {
        assert_eq!(day.isps.len(), count);
        let powers: Vec<[i64; 6]> = day.isps[isp - 1..isp + 3]
            .iter()
            .map(|isp| {
                let powers =
                    [isp.baseline, isp.offered, isp.ordered, isp.measured, isp.delivered, isp.deficiency];
                powers.map(|power| power.unwrap().watts())
            })
            .collect();
        assert_eq!(
            powers,
            [
                [30_000, -10_000, -10_000, 20_000, -10_000, 0],
                [30_000, -10_000, -10_000, 20_000, -10_000, 0],
                [30_000, -10_000, -10_000, 22_000, -8_000, 2_000],
                [30_000, -10_000, -10_000, 16_000, -10_000, 0],
            ]
        );
        let requested = day.isps[isp].requested.unwrap();
        assert_eq!((requested.min.watts(), requested.max.watts(), requested.requested), (-10_000, 0, true));
        assert_eq!((day.orders[0].reference.as_str(), day.orders[0].state.as_str()), ("noon-1", "accepted"));
        // 38 of 40 parts of 0.85, less 40 for a megawatt hour on 2 kW over a quarter of an hour.
        assert_eq!(day.settlements[0].net, "0.7875".parse().unwrap());
    }
    let [session] = &of_agr.sessions[..] else { panic!("{:?}", of_agr.sessions) };
    assert_eq!(session.charger, "CP-1");
    assert_eq!(session.energies[isp - 1].watt_seconds(), 5_000 * 3600);
    assert_eq!(session.delivered.watt_seconds(), 19_500 * 3600);
    assert!(of_dso.sessions.is_empty());
}

#[tokio::test]
async fn both_sides_come_to_the_same_amount() {
    let (start, eleven) = ("2026-06-10T08:00:00Z", "2026-06-10T09:00:00Z");
    let (of_dso, of_agr) = day(start, "2026-06-10", eleven, 45, "40.00", false).await;
    as_delivered(&of_dso, &of_agr, 45, 96);
    for day in [&of_dso, &of_agr] {
        assert_eq!(day.settlements[0].items[0].accepted, Some(true), "{:?}", day.settlements);
    }
    assert!(!of_agr.sessions[0].set_points.is_empty());
}

#[tokio::test]
async fn days_of_92_and_100_isps_are_settled_like_any_other_also_across_restarts() {
    for (start, date, eleven, isp, count) in [
        // 11:00 is the 41st quarter of a day that lost an hour, and the 49th of one that gained one.
        ("2026-03-29T08:00:00Z", "2026-03-29", "2026-03-29T09:00:00Z", 41, 92),
        ("2026-10-25T09:00:00Z", "2026-10-25", "2026-10-25T10:00:00Z", 49, 100),
    ] {
        let (of_dso, of_agr) = day(start, date, eleven, isp, "40.00", true).await;
        as_delivered(&of_dso, &of_agr, usize::from(isp), count);
        assert_eq!(of_dso.settlements[0].items[0].accepted, Some(true), "{:?}", of_dso.settlements);
    }
}

#[tokio::test]
async fn sides_that_agreed_on_other_terms_are_in_dispute() {
    let (start, eleven) = ("2026-06-10T08:00:00Z", "2026-06-10T09:00:00Z");
    let (of_dso, of_agr) = day(start, "2026-06-10", eleven, 45, "0", false).await;
    for day in [&of_dso, &of_agr] {
        let item = &day.settlements[0].items[0];
        assert_eq!(item.accepted, Some(false));
        assert!(
            item.dispute.as_ref().unwrap().contains("NetSettlement is 0.7875, we have 0.8075"),
            "{item:?}"
        );
    }
}

#[tokio::test]
async fn a_day_shows_what_was_told_and_where_an_order_could_not_be_kept() {
    let scene = Scene::new().await;
    let (charger, transaction) = scene.charging().await;
    scene.ordered().await;
    scene.clock.set(at("2026-06-10T08:31:00Z"));
    charger.told_at_least(1).await;
    // From now on it refuses, and goes on at full power.
    charger.behave(Conduct::Refuse);
    scene.clock.set(at("2026-06-10T08:45:00Z"));
    let (point, date) = (POINT.parse().unwrap(), "2026-06-10".parse().unwrap());
    eventually("a plan that misses the order", async || {
        let day = scene.agr.node().market_day(&point, date).await.unwrap();
        (!day.shortfalls.is_empty()).then_some(())
    })
    .await;
    charger.stop_charging(&transaction, 4000, scene.now()).await;
    let day = scene.agr.node().market_day(&point, date).await.unwrap();
    let shortfall = &day.shortfalls[0];
    let missed = (shortfall.isp.get(), shortfall.target.watts(), shortfall.planned.watts());
    assert_eq!(missed, (45, 12_080, 22_080));
    assert!(!shortfall.reason.is_empty());
    let [session] = &day.sessions[..] else { panic!("{:?}", day.sessions) };
    assert_eq!(session.ended, Some(scene.now()));
    let told = &session.set_points[0];
    assert_eq!((told.span.start(), told.limit), (at("2026-06-10T09:00:00Z"), crate::scene::watts(12_080)));
    assert!(day.settlements.is_empty());
    // Nothing is agreed, so it counts from what the promise does.
    assert_eq!(day.isps[44].baseline, Some(Power::from_watts(22_080)));
}
