//! What a grid operator makes of the orders of a period.

use jiff::SignedDuration;
use tieline_uftp::message::{
    FlexOrder, FlexOrderResponse, FlexOrderSettlementStatus, FlexSettlement, FlexSettlementResponse, Response,
};
use tieline_uftp::value::ActivationFactor;
use tieline_uftp::{Payload, RejectionReason as R};

use crate::daemon::eventually;
use crate::metering::metered;
use crate::operator::{DSO, Operator, ask_from, offer_by, order_to, request_to};
use crate::prognoses::expected;
use crate::scene::{CONNECTION, POINT, at, isp};

/// The tables of a grid operator that settles by the day or the month.
pub(crate) fn tables(period: &str, more: &str) -> String {
    format!(
        "
[[dso.congestion_point]]
entity_address = \"{POINT}\"
connections = [\"{CONNECTION}\"]
aggregators = [\"agr.example.com\"]

[dso.settlement]
period = \"{period}\"
penalty_per_mwh = \"40.00\"
currency = \"EUR\"
{more}
"
    )
}

pub(crate) async fn reckoning(period: &str, more: &str) -> Operator {
    Operator::with("\"agr.example.com\"", &tables(period, more)).await
}

/// The aggregator expects 10 kW, and 10 kW less in ISP 45 and 5 kW more in ISP 47 are ordered for 4.50.
async fn traded(operator: &Operator) -> FlexOrder {
    let prognosis = expected(operator, 1);
    assert!(operator.ask(prognosis.clone()).await.is_accepted());
    let mut offer = operator.offer(&operator.request().await);
    offer.d_prognosis_message_id = Some(prognosis.header.message_id);
    assert!(operator.ask(offer).await.is_accepted());
    let order = operator.order().await;
    accept(operator, &order).await;
    order
}

async fn accept(operator: &Operator, order: &FlexOrder) {
    let mut header = operator.agr.header(DSO);
    header.conversation_id = order.header.conversation_id;
    let id = order.header.message_id;
    let accepted = FlexOrderResponse { header, response: Response::ACCEPTED, flex_order_message_id: id };
    operator.agr.post(operator.dso.uftp(), accepted).await;
    eventually("the order is accepted", async || {
        let order = operator.dso.message("order", &operator.agr.domain, id).await?;
        (order["state"] == "Accepted").then_some(())
    })
    .await;
}

fn settlements(operator: &Operator) -> Vec<FlexSettlement> {
    let settlement = |payload| if let Payload::FlexSettlement(known) = payload { Some(known) } else { None };
    operator.agr.mailbox.payloads().into_iter().filter_map(settlement).collect()
}

async fn settled(operator: &Operator) -> FlexSettlement {
    operator
        .agr
        .mailbox
        .wait("a settlement", |payload| match payload {
            Payload::FlexSettlement(settlement) => Some(settlement.clone()),
            _ => None,
        })
        .await
}

/// Baseline, ordered, actual, delivered and deficiency of each ISP.
fn powers(settlement: &FlexSettlement) -> Vec<(u16, [i64; 5])> {
    let isps = &settlement.orders[0].isps;
    isps.iter()
        .map(|isp| {
            let powers = [isp.baseline, isp.ordered, isp.actual, isp.delivered, isp.deficiency];
            (isp.range.start().get(), powers.map(tieline_types::Power::watts))
        })
        .collect()
}

async fn answer(operator: &Operator, settlement: &FlexSettlement, statuses: Vec<FlexOrderSettlementStatus>) {
    let mut header = operator.agr.header(DSO);
    header.conversation_id = settlement.header.conversation_id;
    let id = settlement.header.message_id;
    let answer = FlexSettlementResponse {
        header,
        response: Response::ACCEPTED,
        flex_settlement_message_id: id,
        statuses,
    };
    operator.agr.post(operator.dso.uftp(), answer).await;
    eventually("the answer is noted", async || {
        let known = operator.dso.message("settlement", &operator.agr.domain, id).await?;
        (known["state"] != "Sent").then_some(())
    })
    .await;
}

#[tokio::test]
async fn orders_are_settled_after_their_day_by_prognosis_and_metering() {
    let mut operator = reckoning("day", "").await;
    let order = traded(&operator).await;
    operator.dso.restart().await;
    operator.clock.set(at("2026-06-10T23:00:00Z"));
    // 2 kW in ISP 45, 12 kW in ISP 47.
    let metering = metered(&operator.agr, 1, &[(45, "0.5"), (47, "3")]);
    assert!(operator.ask(metering).await.is_accepted());
    assert!(settlements(&operator).is_empty(), "three hours after midnight is at 01:00");
    operator.clock.set(at("2026-06-11T01:00:00Z"));
    let settlement = settled(&operator).await;
    operator.dso.restart().await;
    let item = &settlement.orders[0];
    assert_eq!(item.order_reference, Some(order.order_reference.clone()));
    assert_eq!(item.d_prognosis_message_id, order.d_prognosis_message_id);
    assert_eq!(settlement.period_start, "2026-06-10".parse().unwrap());
    assert_eq!(settlement.period_end, settlement.period_start);
    assert_eq!(
        powers(&settlement),
        [
            (45, [10_000, -10_000, 2_000, -8_000, 2_000]),
            (46, [10_000, 0, 4_000, 0, 0]),
            (47, [10_000, 5_000, 12_000, 2_000, 3_000]),
        ]
    );
    // Two thirds of 4.50, less 40 for a megawatt hour on 5 kW over a quarter of an hour.
    let amounts =
        [item.price, item.penalty, item.net_settlement].map(|amount| amount.value().normalize().to_string());
    assert_eq!(amounts, ["4.5", "1.55", "2.95"]);

    let late = metered(&operator.agr, 2, &[]);
    assert_eq!(operator.ask(late).await.reasons(), [R::other("The day has been settled")]);
    answer(&operator, &settlement, vec![FlexOrderSettlementStatus::accepted(item.order_reference.clone())])
        .await;
    let id = settlement.header.message_id;
    let kept = operator.dso.message("settlement", &operator.agr.domain, id).await.unwrap();
    assert_eq!((&kept["state"], &kept["items"][0]["status"]), (&"Answered".into(), &"Accepted".into()));
    let day =
        operator.dso.node().market_day(&POINT.parse().unwrap(), "2026-06-10".parse().unwrap()).await.unwrap();
    assert_eq!(day.settlements[0].net, "2.95".parse().unwrap());
    let isp = &day.isps[44];
    let powers = [isp.baseline, isp.offered, isp.ordered, isp.measured, isp.delivered, isp.deficiency];
    assert_eq!(powers.map(|power| power.unwrap().watts()), [10_000, -10_000, -10_000, 2_000, -8_000, 2_000]);

    operator.clock.set(at("2026-07-10T01:00:00Z"));
    operator.dso.settle().await;
    assert_eq!(settlements(&operator).len(), 1, "nothing is settled twice");
}

#[tokio::test]
async fn a_dispute_is_an_alarm() {
    let operator = reckoning("day", "").await;
    traded(&operator).await;
    operator.clock.set(at("2026-06-11T01:00:00Z"));
    assert!(operator.ask(metered(&operator.agr, 1, &[])).await.is_accepted());
    operator.clock.set(at("2026-06-11T01:15:00Z"));
    let settlement = settled(&operator).await;
    let reference = settlement.orders[0].order_reference.clone();
    answer(&operator, &settlement, vec![FlexOrderSettlementStatus::disputed(reference, "not so")]).await;
    let journal = operator.dso.journal().await;
    let alarm = journal.iter().find(|found| found.entry.label == "Disputed").unwrap();
    assert_eq!(alarm.entry.bytes[..], b"noon-1: not so"[..]);
}

#[tokio::test]
async fn what_an_answer_does_not_name_is_not_accepted() {
    let operator = reckoning("day", "").await;
    traded(&operator).await;
    operator.clock.set(at("2026-06-11T01:00:00Z"));
    assert!(operator.ask(metered(&operator.agr, 1, &[])).await.is_accepted());
    operator.clock.set(at("2026-06-11T01:15:00Z"));
    let settlement = settled(&operator).await;
    answer(&operator, &settlement, vec![FlexOrderSettlementStatus::accepted(None)]).await;
    let kept =
        operator.dso.message("settlement", &operator.agr.domain, settlement.header.message_id).await.unwrap();
    assert_eq!(kept["items"][0]["status"]["Disputed"]["reason"], "the answer does not name it");
}

#[tokio::test]
async fn missing_metering_is_waited_for() {
    let mut operator = reckoning("day", "").await;
    traded(&operator).await;
    operator.clock.set(at("2026-06-11T01:00:00Z"));
    operator.dso.settle().await;
    operator.dso.restart().await;
    operator.dso.settle().await;
    assert!(settlements(&operator).is_empty());
    assert!(operator.ask(metered(&operator.agr, 1, &[])).await.is_accepted());
    operator.clock.set(at("2026-06-11T01:15:00Z"));
    assert_eq!(powers(&settled(&operator).await)[0], (45, [10_000, -10_000, 4_000, -6_000, 4_000]));
}

#[tokio::test]
async fn what_was_never_metered_is_settled_as_not_delivered_and_told() {
    let operator = reckoning("day", "give_up_after = \"24h\"").await;
    traded(&operator).await;
    operator.clock.set(at("2026-06-12T00:59:00Z"));
    operator.dso.settle().await;
    assert!(settlements(&operator).is_empty());
    operator.clock.set(at("2026-06-12T01:15:00Z"));
    let settlement = settled(&operator).await;
    assert_eq!(
        powers(&settlement),
        [
            (45, [10_000, -10_000, 10_000, 0, 10_000]),
            (46, [10_000, 0, 10_000, 0, 0]),
            (47, [10_000, 5_000, 10_000, 0, 5_000]),
        ]
    );
    assert_eq!(settlement.orders[0].net_settlement, "-0.15".parse().unwrap());
    let journal = operator.dso.journal().await;
    assert!(journal.iter().any(|found| found.entry.label == "Unmeasured"));
}

#[tokio::test]
async fn a_month_is_settled_as_a_whole() {
    let operator = reckoning("month", "").await;
    traded(&operator).await;
    operator.clock.set(at("2026-06-10T23:00:00Z"));
    assert!(operator.ask(metered(&operator.agr, 1, &[])).await.is_accepted());
    operator.clock.set(at("2026-07-01T00:59:00Z"));
    operator.dso.settle().await;
    assert!(settlements(&operator).is_empty());
    operator.clock.set(at("2026-07-01T01:00:00Z"));
    let settlement = settled(&operator).await;
    assert_eq!(
        (settlement.period_start, settlement.period_end),
        ("2026-06-01".parse().unwrap(), "2026-06-30".parse().unwrap())
    );
}

#[tokio::test]
async fn a_connection_is_metered_by_one_aggregator() {
    let both =
        tables("day", "").replace("[\"agr.example.com\"]", "[\"agr.example.com\", \"agr2.example.com\"]");
    let operator = Operator::with("\"agr.example.com\"", &both).await;
    operator.clock.set(at("2026-06-10T23:00:00Z"));
    assert!(operator.ask(metered(&operator.agr, 1, &[])).await.is_accepted());
    let other = metered(&operator.other, 1, &[]);
    let answer = ask_from(&operator.other, operator.dso.uftp(), other).await;
    assert_eq!(answer.reasons(), [R::other("Another aggregator has metered this connection")]);
}

#[tokio::test]
async fn of_an_option_that_can_be_activated_in_part_no_more_is_ordered_than_is_needed() {
    let operator = Operator::asking("\"agr.example.com\", \"agr2.example.com\"").await;
    for (agr, watts, price) in [(&operator.agr, -6_000, "1.00"), (&operator.other, -10_000, "5.00")] {
        let mut offer = offer_by(agr, &request_to(agr).await);
        offer.options[0].isps = vec![isp(45, 2, watts)];
        offer.options[0].price = price.parse().unwrap();
        offer.options[0].min_activation_factor = ActivationFactor::from_hundredths(20).unwrap();
        assert!(ask_from(agr, operator.dso.uftp(), offer).await.is_accepted());
    }
    // 10 kW are needed, and the cheap ones first.
    for (agr, hundredths, watts, price) in
        [(&operator.agr, 100, -6_000, "1.00"), (&operator.other, 40, -4_000, "2.00")]
    {
        let order = order_to(agr).await;
        assert_eq!(order.activation_factor.hundredths(), hundredths);
        assert_eq!((order.isps[0].power.watts(), order.price), (watts, price.parse().unwrap()));
    }
}

#[tokio::test]
async fn a_settlement_that_could_not_be_delivered_is_made_again() {
    let operator = reckoning("day", "").await;
    traded(&operator).await;
    operator.clock.set(at("2026-06-10T23:00:00Z"));
    assert!(operator.ask(metered(&operator.agr, 1, &[])).await.is_accepted());
    operator.agr.mailbox.answer_with(503);
    operator.clock.set(at("2026-06-11T01:00:00Z"));
    eventually("the settlement is given up", async || {
        operator.clock.advance(SignedDuration::from_mins(5));
        let known = operator.dso.records("settlement", "agr.example.com").await;
        known.first()?["state"].get("Undeliverable").map(|_| ())
    })
    .await;
    operator.agr.mailbox.answer_with(200);
    operator.clock.advance(SignedDuration::from_hours(1));
    let settlement = settled(&operator).await;
    assert_eq!(settlement.orders.len(), 1);
    operator.dso.settle().await;
    assert_eq!(settlements(&operator).len(), 1);
}
