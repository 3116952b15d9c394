//! From a grid operator's need to limits at chargers of three versions, between two nodes; and the same with a restart between
//! any two steps.

use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_ocpp::Version;
use tieline_store::Direction;
use tieline_types::ManualClock;
use tieline_uftp::SigningKey;

use crate::charger::Charger;
use crate::daemon::{Daemon, eventually, loopback, own, peer};
use crate::operator::{DSO, Operator, need, orders};
use crate::scene::{AGR, MORNING, POINT, Scene, at, fleet, watts};

const CHARGERS: [(&str, Version); 4] =
    [("CP-1", Version::V1_6), ("CP-2", Version::V1_6), ("CP-3", Version::V2_0_1), ("CP-4", Version::V2_1)];

/// Three of 22 080 W and one of 7 360 W.
const BASELINE: i64 = 3 * 22_080 + 7_360;

fn labels(journal: &[tieline_store::JournalEntry], direction: Direction) -> Vec<&str> {
    journal
        .iter()
        .filter(|found| found.entry.direction == direction)
        .map(|found| found.entry.label.as_str())
        .collect()
}

#[tokio::test]
async fn a_need_becomes_limits_that_add_up_to_what_was_ordered() {
    let clock = ManualClock::new(at(MORNING));
    let (dso_at, agr_at) = (SocketAddr::new(loopback(), 8080), SocketAddr::new(loopback(), 8081));
    let (dso_key, agr_key) = (SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[1; 32]));

    let mut config = own("AGR", AGR, agr_at, &[peer(DSO, "DSO", dso_at, &dso_key)], "");
    config += &fleet(SocketAddr::new(agr_at.ip(), 9000), "1h");
    let agr = Daemon::start(config, &agr_key, &clock, 99).await;
    let mut chargers = Vec::new();
    for (identity, version) in CHARGERS {
        let charger = Charger::connect(agr.ocpp(), identity, version).await;
        charger.charge(at(MORNING)).await;
        chargers.push(charger);
    }
    let mut config = own("DSO", DSO, dso_at, &[peer(AGR, "AGR", agr_at, &agr_key)], "");
    config += &need("\"agr.example.com\"", "[{ start = 45, duration = 2, min = -40000, max = 0 }]");
    let dso = Daemon::start(config, &dso_key, &clock, 77).await;

    let mut sum = Decimal::ZERO;
    for charger in &chargers {
        let told = &charger.told_at_least(1).await[0];
        // What is ordered from 11:00 to 11:15 is within the hour; the next ISP is not yet.
        assert_eq!((told.start, told.end), (at("2026-06-10T09:00:00Z"), at("2026-06-10T09:15:00Z")));
        let [(start, limit)] = told.periods[..] else { panic!("{told:?}") };
        assert_eq!(start, told.start);
        sum += if told.unit == "A" { limit * watts(230) } else { limit };
    }
    assert_eq!(sum, watts(BASELINE - 40_000));

    eventually("the order is accepted", async || {
        let orders = dso.records("order", POINT).await;
        (orders.first()?["state"] == "Accepted").then_some(())
    })
    .await;
    dso.settle().await;
    agr.settle().await;
    for (kind, count) in [("request", 1), ("offer", 1), ("order", 1)] {
        let (ours, theirs) = (dso.records(kind, POINT).await, agr.records(kind, POINT).await);
        assert_eq!((ours.len(), theirs.len()), (count, count), "{kind}");
        assert_eq!(ours[0]["message_id"], theirs[0]["message_id"], "{kind}");
    }
    let promises = agr.records("promise", POINT).await;
    assert_eq!(promises.len(), 2);
    assert!(promises.iter().all(|promise| promise["change"] == -40_000 && promise["baseline"] == BASELINE));
    let need = dso.record("need", "noon").await.unwrap();
    assert_eq!(need["state"]["Decided"]["orders"].as_array().unwrap().len(), 1);

    let (of_dso, of_agr) = (dso.journal().await, agr.journal().await);
    assert_eq!(labels(&of_dso, Direction::Sent), ["FlexRequest", "FlexOfferResponse", "FlexOrder"]);
    assert_eq!(labels(&of_agr, Direction::Sent), ["FlexRequestResponse", "FlexOffer", "FlexOrderResponse"]);
    // What one sent is, byte for byte, what the other received.
    let bytes = |journal: &[tieline_store::JournalEntry], direction| -> Vec<Vec<u8>> {
        let of = journal.iter().filter(|found| found.entry.direction == direction);
        of.map(|found| found.entry.bytes.to_vec()).collect()
    };
    assert_eq!(bytes(&of_dso, Direction::Sent), bytes(&of_agr, Direction::Received));
    assert_eq!(bytes(&of_agr, Direction::Sent), bytes(&of_dso, Direction::Received));
    for node in [dso.node(), agr.node()] {
        assert!(tieline_store::verify(&**node.store()).await.unwrap().is_ok());
    }
}

/// Stops and starts the node where `step` is among `restarts`.
async fn maybe(node: &mut Daemon, restarts: u32, step: u32) -> bool {
    let restart = restarts & (1 << step) != 0;
    if restart {
        node.restart().await;
    }
    restart
}

/// An order's way through an aggregator, with restarts after some of its steps; gives the limits that were told last, and their
/// end. They start when the plan was made, and that is later where the node was away.
async fn aggregator(restarts: u32) -> (Timestamp, Vec<Decimal>) {
    let mut scene = Scene::new().await;
    let (mut charger, transaction) = scene.charging().await;
    for step in 0.. {
        match step {
            0 => {
                let request = scene.request();
                scene.dso.post(scene.agr.uftp(), request).await;
            }
            1 => {
                let offer = scene
                    .dso
                    .mailbox
                    .wait("an offer", |payload| match payload {
                        tieline_uftp::Payload::FlexOffer(offer) => Some(offer.clone()),
                        _ => None,
                    })
                    .await;
                let order = scene.order(&offer);
                scene.dso.post(scene.agr.uftp(), order).await;
            }
            2 => {
                let answered = |payload: &tieline_uftp::Payload| match payload {
                    tieline_uftp::Payload::FlexOrderResponse(answer) => Some(answer.response.is_accepted()),
                    _ => None,
                };
                assert!(scene.dso.mailbox.wait("the answer to the order", answered).await);
            }
            3 => scene.clock.set(at("2026-06-10T08:30:00Z")),
            4 => {
                eventually("the first ISP is planned", async || {
                    scene.agr.record("set-point", &format!("CP-1/{transaction}")).await
                })
                .await;
                scene.clock.set(at("2026-06-10T09:15:00Z"));
            }
            _ => break,
        }
        if maybe(&mut scene.agr, restarts, step).await {
            charger.cut().await;
            charger = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
        }
    }
    let end = at("2026-06-10T10:00:00Z");
    // The plans before the last one may have been told to an earlier connection.
    scene.clock.advance(SignedDuration::from_mins(1));
    let told = eventually(&format!("all four ISPs are told, restarts {restarts:b}"), async || {
        scene.clock.advance(SignedDuration::from_secs(1));
        let set_point = scene.agr.record("set-point", &format!("CP-1/{transaction}")).await?;
        let accepted = set_point["state"].get("Accepted").is_some();
        charger.told().last().filter(|told| accepted && told.end == end).cloned()
    })
    .await;
    assert_eq!(told.transaction, transaction);
    let kinds = scene.dso.mailbox.payloads();
    let kinds: Vec<&str> = kinds.iter().map(|payload| payload.message_type().as_str()).collect();
    assert_eq!(kinds, ["FlexRequestResponse", "FlexOffer", "FlexOrderResponse"], "restarts {restarts:b}");
    assert_eq!(scene.agr.records("promise", POINT).await.len(), 4);
    (told.end, told.periods.into_iter().map(|(_, limit)| limit).collect())
}

#[tokio::test]
async fn an_aggregator_ends_the_same_whenever_it_is_restarted() {
    let undisturbed = aggregator(0).await;
    assert_eq!(undisturbed, (at("2026-06-10T10:00:00Z"), vec![watts(12_080)]));
    for step in 0..5 {
        assert_eq!(aggregator(1 << step).await, undisturbed, "after step {step}");
    }
    assert_eq!(aggregator(0b11111).await, undisturbed, "after every step");
}

/// A need's way through a grid operator, with restarts after some of its steps.
async fn grid_operator(restarts: u32) {
    let mut operator = Operator::new().await;
    maybe(&mut operator.dso, restarts, 0).await;
    let request = operator.request().await;
    maybe(&mut operator.dso, restarts, 1).await;
    let offer = operator.offer(&request);
    operator.agr.post(operator.dso.uftp(), offer.clone()).await;
    maybe(&mut operator.dso, restarts, 2).await;
    assert!(operator.agr.answer(offer.header.message_id).await.is_accepted());
    let order = operator.order().await;
    maybe(&mut operator.dso, restarts, 3).await;
    let mut header = operator.agr.header(DSO);
    header.conversation_id = order.header.conversation_id;
    let response = tieline_uftp::message::FlexOrderResponse {
        header,
        response: tieline_uftp::message::Response::ACCEPTED,
        flex_order_message_id: order.header.message_id,
    };
    operator.agr.post(operator.dso.uftp(), response).await;
    maybe(&mut operator.dso, restarts, 4).await;
    eventually("the order is accepted", async || {
        let order = operator.dso.message("order", &operator.agr.domain, order.header.message_id).await?;
        (order["state"] == "Accepted").then_some(())
    })
    .await;
    operator.dso.settle().await;
    let of_agr = operator.agr.mailbox.payloads();
    let kinds: Vec<&str> = of_agr.iter().map(|payload| payload.message_type().as_str()).collect();
    assert_eq!(kinds, ["FlexRequest", "FlexOfferResponse", "FlexOrder"], "restarts {restarts:b}");
    assert_eq!(orders(&operator.agr).len(), 1);
}

#[tokio::test]
async fn a_grid_operator_ends_the_same_whenever_it_is_restarted() {
    for step in 0..5 {
        grid_operator(1 << step).await;
    }
    grid_operator(0b11111).await;
}
