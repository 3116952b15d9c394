//! Too much at once, and peers that are down or refuse.

use std::time::Duration;

use jiff::SignedDuration;
use tieline_store::{ChangeSet, Timer};
use tieline_uftp::message::FlexRequest;
use tieline_uftp::value::MessageId;
use tieline_uftp::{Delivery, MESSAGE_PATH, Payload};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::daemon::eventually;
use crate::scene::{AGR, MORNING, Scene};

#[tokio::test]
async fn a_full_inbox_asks_peers_to_come_back() {
    let scene = Scene::with("backlog = 0").await;
    let delivery = scene.dso.post(scene.agr.uftp(), scene.request()).await;
    let Delivery::Temporary { cause, retry_after } = delivery else { panic!("{delivery:?}") };
    assert!(cause.starts_with("503"), "{cause}");
    assert_eq!(retry_after, Some(Duration::from_secs(5)));
    assert!(scene.agr.journal().await.is_empty());
}

#[tokio::test]
async fn the_limits_of_a_listener_are_those_of_the_configuration() {
    let scene = Scene::with("limits = { headers = 3 }").await;
    // host, content-type, content-length and accept are more.
    let delivery = scene.dso.post(scene.agr.uftp(), scene.request()).await;
    assert!(matches!(delivery, Delivery::Permanent { status, .. } if status.as_u16() == 431), "{delivery:?}");
}

/// Which kinds of message were delivered, in order.
fn delivered(scene: &Scene) -> Vec<&'static str> {
    scene.dso.mailbox.payloads().iter().map(|payload| payload.message_type().as_str()).collect()
}

#[tokio::test]
async fn what_is_owed_is_delivered_once_and_in_order_when_the_peer_is_back() {
    let mut scene = Scene::new().await;
    let _car = scene.charging().await;
    scene.dso.mailbox.answer_with(503);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let request = scene.request();
        ids.push(request.header.message_id);
        assert_eq!(scene.dso.post(scene.agr.uftp(), request).await, Delivery::Delivered);
        scene.agr.settle().await;
    }
    scene.agr.restart().await;
    scene.dso.mailbox.answer_with(200);
    eventually("everything is delivered", async || {
        scene.clock.advance(SignedDuration::from_mins(5));
        (scene.dso.mailbox.envelopes().len() >= 6).then_some(())
    })
    .await;
    scene.clock.advance(SignedDuration::from_mins(10));
    scene.agr.settle().await;
    let sequence = delivered(&scene);
    assert_eq!(sequence.len(), 6, "{sequence:?}");
    for id in ids {
        let place = |wanted: &dyn Fn(&Payload) -> bool| scene.dso.mailbox.payloads().iter().position(wanted);
        let answer = place(
            &|payload| matches!(payload, Payload::FlexRequestResponse(answer) if answer.flex_request_message_id == id),
        );
        let offer = place(
            &|payload| matches!(payload, Payload::FlexOffer(offer) if offer.flex_request_message_id == Some(id)),
        );
        assert!(answer.unwrap() < offer.unwrap());
    }
}

#[tokio::test]
async fn what_a_peer_refuses_for_good_is_given_up() {
    let scene = Scene::new().await;
    scene.dso.mailbox.answer_with(400);
    assert_eq!(scene.dso.post(scene.agr.uftp(), scene.request()).await, Delivery::Delivered);
    eventually("nothing is owed any more", async || {
        let store = scene.agr.node().store();
        let sent = scene.agr.journal().await.iter().any(|found| found.entry.label == "FlexRequestResponse");
        (sent && store.outbox_next_due().await.unwrap().is_none()).then_some(())
    })
    .await;
    scene.dso.mailbox.answer_with(200);
    scene.clock.advance(SignedDuration::from_hours(1));
    scene.agr.settle().await;
    assert!(scene.dso.mailbox.envelopes().is_empty());
}

#[tokio::test]
async fn what_can_not_be_delivered_in_time_is_given_up() {
    let scene = Scene::with("[uftp.retry]\nfirst = \"1s\"\nmax = \"10s\"\ngive_up_after = \"30m\"").await;
    scene.dso.mailbox.answer_with(503);
    assert_eq!(scene.dso.post(scene.agr.uftp(), scene.request()).await, Delivery::Delivered);
    scene.agr.settle().await;
    scene.clock.advance(SignedDuration::from_mins(31));
    eventually("nothing is owed any more", async || {
        scene.agr.node().store().outbox_next_due().await.unwrap().is_none().then_some(())
    })
    .await;
    scene.dso.mailbox.answer_with(200);
    scene.clock.advance(SignedDuration::from_hours(1));
    scene.agr.settle().await;
    assert!(scene.dso.mailbox.envelopes().is_empty());
}

#[tokio::test]
async fn a_peer_that_asks_to_wait_for_long_gets_nothing_after_the_deadline() {
    let scene = Scene::with("[uftp.retry]\nfirst = \"1s\"\nmax = \"10s\"\ngive_up_after = \"30m\"").await;
    scene.dso.mailbox.answer_with(503);
    scene.dso.mailbox.ask_to_wait(7 * 24 * 3600);
    assert_eq!(scene.dso.post(scene.agr.uftp(), scene.request()).await, Delivery::Delivered);
    eventually("it was posted", async || (scene.dso.mailbox.asked() == 1).then_some(())).await;
    scene.agr.settle().await;
    scene.clock.advance(SignedDuration::from_mins(29));
    scene.agr.settle().await;
    assert_eq!(scene.dso.mailbox.asked(), 1, "it asked to wait");
    // The last attempt is at the deadline.
    scene.clock.advance(SignedDuration::from_mins(1));
    eventually("nothing is owed any more", async || {
        scene.agr.node().store().outbox_next_due().await.unwrap().is_none().then_some(())
    })
    .await;
    assert_eq!(scene.dso.mailbox.asked(), 2);
}

/// Posts a request from another grid operator, which is owed an answer to it.
async fn ask_from_other(scene: &Scene) -> MessageId {
    let request = FlexRequest { header: scene.other.header(AGR), ..scene.request() };
    let id = request.header.message_id;
    assert_eq!(scene.other.post(scene.agr.uftp(), request).await, Delivery::Delivered);
    id
}

#[tokio::test]
async fn a_peer_that_never_answers_holds_up_nobody_else() {
    let scene = Scene::new().await;
    scene.dso.mailbox.fall_silent();
    for _ in 0..200 {
        assert_eq!(scene.dso.post(scene.agr.uftp(), scene.request()).await, Delivery::Delivered);
    }
    let journal = async || scene.agr.journal().await.len();
    eventually("200 answers are owed", async || (journal().await >= 400).then_some(())).await;
    let id = ask_from_other(&scene).await;
    assert!(scene.other.answer(id).await.is_accepted());
    let asked = scene.dso.mailbox.asked();
    assert!((1..=16).contains(&asked), "{asked} posts to a peer that does not answer");
}

#[tokio::test]
async fn a_post_that_hangs_hides_no_other_that_is_to_be_repeated() {
    let scene = Scene::new().await;
    scene.dso.mailbox.fall_silent();
    assert_eq!(scene.dso.post(scene.agr.uftp(), scene.request()).await, Delivery::Delivered);
    eventually("the post hangs", async || (scene.dso.mailbox.asked() == 1).then_some(())).await;
    scene.other.mailbox.answer_with(503);
    let id = ask_from_other(&scene).await;
    eventually("the other is posted", async || (scene.other.mailbox.asked() == 1).then_some(())).await;
    scene.other.mailbox.answer_with(200);
    eventually("its repetition is waited for", async || scene.clock.next_wait()).await;
    scene.clock.advance(SignedDuration::from_secs(2));
    assert!(scene.other.answer(id).await.is_accepted());
}

#[tokio::test]
async fn a_timer_of_an_unknown_kind_is_dropped() {
    let mut scene = Scene::new().await;
    let mut changes = ChangeSet::new();
    changes.set_timer(Timer::new("siesta", "everybody", scene.now()));
    scene.agr.node().store().commit(changes).await.unwrap();
    scene.agr.restart().await;
    eventually("the timer is gone", async || {
        scene.agr.node().store().timer("siesta", "everybody").await.unwrap().is_none().then_some(())
    })
    .await;
}

/// A proxy is asked for the whole address, and what it says is the peer's answer.
#[tokio::test]
async fn what_is_posted_goes_through_the_proxy_of_the_configuration() {
    let proxy = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = format!("client.proxy = \"http://{}\"", proxy.local_addr().unwrap());
    let scene = Scene::starting(MORNING, &client, "").await;
    let asked = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut request = vec![0; 1024];
        let read = stream.read(&mut request).await.unwrap();
        String::from_utf8_lossy(&request[..read]).lines().next().unwrap().to_owned()
    });
    let request = scene.request();
    assert_eq!(scene.dso.post(scene.agr.uftp(), request).await, Delivery::Delivered);
    let line = tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap().unwrap();
    assert_eq!(line, format!("POST http://{}{MESSAGE_PATH} HTTP/1.1", scene.dso.mailbox.address));
}
