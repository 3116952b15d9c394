//! The same message twice, and another one under the same identifier.

use tieline_uftp::message::FlexRequest;
use tieline_uftp::{Delivery, Payload, RejectionReason as R};

use crate::daemon::eventually;
use crate::scene::{POINT, Scene};

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

#[tokio::test]
async fn an_identifier_is_its_senders_own() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let request = scene.request();
    scene.offer(request.clone()).await;
    let mut same_id = request.clone();
    same_id.header.sender_domain = "other.example.com".parse().unwrap();
    let id = same_id.header.message_id;
    scene.other.post(scene.agr.uftp(), same_id).await;
    let answer = scene.other.answer(id).await;
    assert!(answer.is_accepted(), "{answer:?}");
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
