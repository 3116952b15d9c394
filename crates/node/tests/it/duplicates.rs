//! The same message twice, and another one under the same identifier.

use tieline_uftp::message::FlexRequest;
use tieline_uftp::{Delivery, Payload, RejectionReason as R};

use crate::daemon::eventually;
use crate::operator::{Operator, ask_from, offer_by, order_to, request_to};
use crate::scene::{POINT, Scene, order_by, wanted};

/// Posts `request` once more and gives the answer to that.
async fn repeated(scene: &Scene, request: &FlexRequest) -> Vec<R> {
    let id = request.header.message_id;
    let before = scene.dso.answers(id).len();
    assert_eq!(scene.dso.post(scene.agr.uftp(), request.clone()).await, Delivery::Delivered);
    let answers = eventually("one more answer", async || {
        Some(scene.dso.answers(id)).filter(|answers| answers.len() > before)
    })
    .await;
    assert_eq!(answers.len(), before + 1);
    answers[before].reasons()
}

async fn handled_once(scene: &Scene) {
    scene.agr.settle().await;
    assert_eq!(scene.agr.records("request", POINT).await.len(), 1);
    assert_eq!(scene.agr.records("offer", POINT).await.len(), 1);
    let is_offer = |payload: &Payload| matches!(payload, Payload::FlexOffer(_));
    assert_eq!(scene.dso.mailbox.payloads().iter().filter(|payload| is_offer(payload)).count(), 1);
}

#[tokio::test]
async fn the_same_message_twice_is_handled_once() {
    let mut scene = Scene::new().await;
    let _car = scene.charging().await;
    let request = scene.request();
    scene.offer(request.clone()).await;
    assert_eq!(repeated(&scene, &request).await, [R::AlreadySubmitted]);
    handled_once(&scene).await;

    scene.agr.restart().await;
    assert_eq!(repeated(&scene, &request).await, [R::AlreadySubmitted]);
    handled_once(&scene).await;
}

#[tokio::test]
async fn whoever_repeats_without_end_is_not_answered_without_end() {
    let scene = Scene::new().await;
    let request = scene.request();
    assert!(scene.ask(request.clone()).await.is_accepted());
    scene.agr.settle().await;
    for _ in 0..8 {
        assert_eq!(repeated(&scene, &request).await, [R::AlreadySubmitted]);
    }
    let journal = scene.agr.journal().await.len();
    let mut other = request.clone();
    other.revision = 2;
    for again in [&request, &other] {
        assert_eq!(scene.dso.post(scene.agr.uftp(), again.clone()).await, Delivery::Delivered);
    }
    scene.agr.settle().await;
    assert_eq!(scene.agr.journal().await.len(), journal);
    assert_eq!(scene.dso.answers(request.header.message_id).len(), 1 + 8);
}

#[tokio::test]
async fn another_message_under_the_same_identifier_is_rejected() {
    let mut scene = Scene::new().await;
    let _car = scene.charging().await;
    let request = scene.request();
    scene.offer(request.clone()).await;
    let mut other = request.clone();
    other.revision = 2;
    assert_eq!(repeated(&scene, &other).await, [R::DuplicateIdentifier]);
    handled_once(&scene).await;

    scene.agr.restart().await;
    assert_eq!(repeated(&scene, &other).await, [R::DuplicateIdentifier]);
    assert_eq!(repeated(&scene, &request).await, [R::AlreadySubmitted]);
    handled_once(&scene).await;
}

/// What two grid operators said under the same identifiers is kept as what each of them said.
#[tokio::test]
async fn an_identifier_is_its_senders_own() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let request = scene.request();
    let offer = scene.offer(request.clone()).await;
    let mut same_id = request.clone();
    same_id.header.sender_domain = scene.other.domain.parse().unwrap();
    same_id.isps = vec![wanted(45, 4, -3000, 0)];
    scene.other.post(scene.agr.uftp(), same_id).await;
    let id = request.header.message_id;
    assert!(scene.other.answer(id).await.is_accepted());
    for (party, most) in [(&scene.dso, -10_000), (&scene.other, -3000)] {
        let kept = scene.agr.message("request", &party.domain, id).await.unwrap();
        assert_eq!(kept["isps"][0]["min"], most, "{}", party.domain);
    }

    let offered =
        |payload: &Payload| if let Payload::FlexOffer(offer) = payload { Some(offer.clone()) } else { None };
    let to_other = scene.other.mailbox.wait("an offer", offered).await;
    let order = scene.order(&offer);
    let mut same_order = order_by(&scene.other, &to_other);
    same_order.header.message_id = order.header.message_id;
    let id = order.header.message_id;
    assert!(scene.ask(order).await.is_accepted());
    scene.other.post(scene.agr.uftp(), same_order).await;
    assert!(scene.other.answer(id).await.is_accepted());
    let promises = scene.agr.records("promise", POINT).await;
    let mut changes: Vec<i64> = promises.iter().map(|promise| promise["change"].as_i64().unwrap()).collect();
    changes.sort_unstable();
    assert_eq!(changes, [-10_000, -10_000, -10_000, -10_000, -3000, -3000, -3000, -3000]);
    assert_eq!(scene.agr.records("order", POINT).await.len(), 2);
}

/// Two aggregators that offer under the same identifier.
#[tokio::test]
async fn an_offer_is_the_aggregators_own_whatever_its_identifier() {
    let scene = Operator::asking("\"agr.example.com\", \"agr2.example.com\"").await;
    let first = scene.offer(&scene.request().await);
    let mut second = offer_by(&scene.other, &request_to(&scene.other).await);
    second.header.message_id = first.header.message_id;
    second.options[0].price = "3.00".parse().unwrap();
    assert!(scene.ask(first).await.is_accepted());
    assert!(ask_from(&scene.other, scene.dso.uftp(), second).await.is_accepted());
    let offers = scene.dso.records("offer", POINT).await;
    let prices: Vec<&str> =
        offers.iter().map(|offer| offer["options"][0]["price"].as_str().unwrap()).collect();
    assert_eq!(prices, ["4.5000", "3.0000"]);
    // Both have offered, and the cheaper one is ordered.
    assert_eq!(order_to(&scene.other).await.price, "3.00".parse().unwrap());
}

#[tokio::test]
async fn an_order_twice_promises_once() {
    let mut scene = Scene::new().await;
    let _car = scene.charging().await;
    let order = scene.ordered().await;
    let id = order.header.message_id;
    for restart in [false, true] {
        if restart {
            scene.agr.restart().await;
        }
        let before = scene.dso.answers(id).len();
        scene.dso.post(scene.agr.uftp(), order.clone()).await;
        let answers = eventually("one more answer", async || {
            Some(scene.dso.answers(id)).filter(|answers| answers.len() > before)
        })
        .await;
        assert_eq!(answers[before].reasons(), [R::AlreadySubmitted]);
        scene.agr.settle().await;
        assert_eq!(scene.agr.records("order", POINT).await.len(), 1);
        assert_eq!(scene.agr.records("promise", POINT).await.len(), 4);
    }
}
