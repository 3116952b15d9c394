//! Defects that were read in another market handler, each held off by a test of its own.

use jiff::{SignedDuration, Timestamp};
use tieline_store::Direction;
use tieline_types::TimeSpan;
use tieline_uftp::message::{FlexOrder, FlexRequest, FlexRequestIsp};
use tieline_uftp::{Delivery, Participant, Payload, Role, SigningKey};

use crate::charger::Charger;
use crate::daemon::eventually;
use crate::scene::{AGR, FULL, POINT, Scene, at, flex, isp, wanted, watts};

/// Request, offer and order for these ISPs of `day`.
async fn order(scene: &Scene, day: &str, isps: Vec<FlexRequestIsp>) -> FlexOrder {
    let expires = scene.now() + SignedDuration::from_mins(30);
    let request = scene.request_of(flex(day.parse().unwrap()), expires, isps);
    let offer = scene.offer(request).await;
    let order = scene.order(&offer);
    let answer = scene.ask(order.clone()).await;
    assert!(answer.is_accepted(), "{answer:?}");
    order
}

async fn planned_at(scene: &Scene, due: Timestamp) {
    eventually(&format!("the next plan is at {due}"), async || {
        let timer = scene.agr.node().store().timer("plan", POINT).await.unwrap();
        timer.filter(|timer| timer.due == due)
    })
    .await;
}

async fn promised(scene: &Scene) -> Vec<(TimeSpan, i64)> {
    let mut promised: Vec<(TimeSpan, i64)> = scene
        .agr
        .records("promise", POINT)
        .await
        .into_iter()
        .map(|promise| {
            let span = serde_json::from_value(promise["span"].clone()).unwrap();
            (span, serde_json::from_value(promise["change"].clone()).unwrap())
        })
        .collect();
    promised.sort_by_key(|(span, _)| span.start());
    promised
}

#[tokio::test]
async fn a_day_ahead_order_limits_nothing_today_and_waits_as_a_timer() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    order(&scene, "2026-06-11", vec![wanted(45, 1, -10_000, 0)]).await;
    planned_at(&scene, at("2026-06-11T08:30:00Z")).await;
    assert!(charger.told().is_empty());

    scene.clock.set(at("2026-06-11T08:29:59Z"));
    scene.agr.settle().await;
    assert!(charger.told().is_empty());

    scene.clock.set(at("2026-06-11T08:30:00Z"));
    let told = charger.told_at_least(1).await;
    assert_eq!(told[0].start, at("2026-06-11T09:00:00Z"));
    assert_eq!(told[0].end, at("2026-06-11T09:15:00Z"));
    assert_eq!(told[0].periods, [(at("2026-06-11T09:00:00Z"), watts(FULL - 10_000))]);
    assert_eq!(told[0].unit, "W");
}

#[tokio::test]
async fn both_bounds_of_a_request_are_kept() {
    let scene = Scene::new().await;
    let mut request = scene.request();
    request.isps = vec![wanted(45, 4, -9000, -1000), wanted(50, 1, 500, 7000)];
    let id = request.header.message_id;
    assert!(scene.ask(request).await.is_accepted());
    let kept = scene.agr.message("request", &scene.dso.domain, id).await.unwrap();
    let bounds: Vec<(i64, i64)> = kept["isps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|isp| (isp["min"].as_i64().unwrap(), isp["max"].as_i64().unwrap()))
        .collect();
    assert_eq!(bounds, [(-9000, -1000), (500, 7000)]);
}

#[tokio::test]
async fn an_isp_of_duration_4_is_4_isps() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    assert_eq!(offer.options[0].isps, [isp(45, 4, -10_000)]);
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    let first = at("2026-06-10T09:00:00Z");
    let expected: Vec<_> = (0..4)
        .map(|number| {
            let start = first + SignedDuration::from_mins(15 * number);
            (TimeSpan::new(start, start + SignedDuration::from_mins(15)).unwrap(), -10_000)
        })
        .collect();
    assert_eq!(promised(&scene).await, expected);
}

#[tokio::test]
async fn an_order_may_go_up_in_one_isp_and_down_in_another() {
    let scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    order(&scene, "2026-06-10", vec![wanted(45, 4, -10_000, 0)]).await;
    // What is given back, what is taken besides, and an ISP that is left as it is.
    let second = order(&scene, "2026-06-10", vec![wanted(45, 2, 0, 5000), wanted(47, 1, -3000, 0)]).await;
    assert_eq!(second.isps, [isp(45, 2, 5000), isp(47, 1, -3000)]);
    let mut changes: Vec<i64> = promised(&scene).await.into_iter().map(|(_, change)| change).collect();
    changes.sort_unstable();
    assert_eq!(changes, [-10_000, -10_000, -10_000, -10_000, -3000, 5000, 5000]);

    for minutes in [30, 45, 60, 75] {
        scene.clock.set(at("2026-06-10T08:00:00Z") + SignedDuration::from_mins(minutes));
        scene.agr.settle().await;
    }
    let expected = [
        (at("2026-06-10T09:15:00Z"), watts(FULL - 5000)),
        (at("2026-06-10T09:30:00Z"), watts(FULL - 13_000)),
        (at("2026-06-10T09:45:00Z"), watts(FULL - 10_000)),
    ];
    eventually("the last plan covers the last three ISPs", async || {
        charger.told().last().filter(|limits| limits.periods == expected).cloned()
    })
    .await;
}

#[tokio::test]
async fn an_offer_is_what_the_fleet_can_do_and_no_mirror() {
    let scene = Scene::new().await;
    let mut request = scene.request();
    request.isps = vec![wanted(45, 4, -100_000, 0)];
    // Nobody charges: nothing is offered, and the journal says why.
    assert!(scene.ask(request.clone()).await.is_accepted());
    eventually("the decision to offer nothing", async || {
        let journal = scene.agr.journal().await;
        let decided = |found: &&tieline_store::JournalEntry| {
            found.entry.direction == Direction::Decision && found.entry.label == "NoOffer"
        };
        journal.iter().find(decided).map(|_| ())
    })
    .await;
    assert!(scene.agr.records("offer", POINT).await.is_empty());

    let _car = scene.charging().await;
    let isps = std::mem::take(&mut request.isps);
    let offer = scene.offer(FlexRequest { isps, ..scene.request() }).await;
    assert_eq!(offer.options.len(), 1);
    let power = offer.options[0].isps[0].power.watts();
    assert!((-FULL..0).contains(&power), "{power}");
    assert!(offer.options[0].price.value() > rust_decimal::Decimal::ZERO);
}

/// Everything that is on offer must be deliverable together: the second offer is made of what the first one leaves.
#[tokio::test]
async fn what_is_on_offer_is_not_offered_again() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let mut request = scene.request();
    request.isps = vec![wanted(45, 2, -10_000, 0)];
    let first = scene.offer(request.clone()).await;
    assert_eq!(first.options[0].isps[0].power.watts(), -10_000);
    request.header = scene.dso.header(AGR);
    request.isps = vec![wanted(45, 2, -100_000, 0)];
    let second = scene.offer(request).await;
    assert_eq!(second.options[0].isps[0].power.watts(), 10_000 - FULL);
}

/// An offer that was never acknowledged may have arrived all the same. It can be ordered until it expires, so until then
/// it is not offered again.
#[tokio::test]
async fn what_could_not_be_delivered_is_not_offered_again_while_it_can_be_ordered() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let request = |isps| FlexRequest { header: scene.dso.header(AGR), isps, ..scene.request() };
    scene.dso.mailbox.answer_with(401);
    scene.dso.post(scene.agr.uftp(), request(vec![wanted(45, 2, -10_000, 0)])).await;
    let dso = Participant { role: Role::Dso, domain: "dso.example.com".parse().unwrap() };
    let release = async || {
        let held = eventually("the DSO is held", async || {
            let held = tieline_node::held(&**scene.agr.node().store()).await.unwrap();
            held.into_iter().next()
        });
        assert_eq!(held.await.0, dso.to_string());
        // Whoever delivers waits to look again; only then may time go on.
        let soon = scene.now() + SignedDuration::from_secs(30);
        eventually("it is to be looked again", async || scene.clock.next_wait().filter(|at| *at <= soon))
            .await;
        assert!(tieline_node::release(&**scene.agr.node().store(), &dso).await.unwrap());
        scene.clock.advance(SignedDuration::from_secs(30));
    };
    // What was refused for good is the answer to the request; the offer waits behind it. Time stands still until it is
    // made: of a fleet that has not been heard of for minutes nothing is offered.
    eventually("there is an offer", async || scene.agr.records("offer", POINT).await.pop()).await;
    release().await;
    eventually("the offer is given up", async || {
        // Time goes on, since whoever delivers looks again only after a while.
        scene.clock.advance(SignedDuration::from_secs(5));
        let offers = scene.agr.records("offer", POINT).await;
        offers.first().filter(|offer| offer["state"].get("Undeliverable").is_some()).map(|_| ())
    })
    .await;
    scene.dso.mailbox.answer_with(200);
    release().await;
    let second = scene.offer(request(vec![wanted(45, 2, -100_000, 0)])).await;
    assert_eq!(second.options[0].isps[0].power.watts(), 10_000 - FULL);
}

#[tokio::test]
async fn timers_survive_a_restart() {
    let mut scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    order(&scene, "2026-06-11", vec![wanted(45, 2, -10_000, 0)]).await;
    planned_at(&scene, at("2026-06-11T08:30:00Z")).await;
    scene.agr.stop().await;
    charger.cut().await;

    // Down at the instant itself.
    scene.clock.set(at("2026-06-11T08:50:00Z"));
    scene.agr.resume().await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-1", tieline_ocpp::Version::V1_6).await;
    let told = charger.told_at_least(1).await;
    let last = told.last().unwrap();
    assert_eq!(last.periods, [(at("2026-06-11T09:00:00Z"), watts(FULL - 10_000))]);
    assert_eq!(last.end, at("2026-06-11T09:30:00Z"));
}

#[tokio::test]
async fn a_peer_that_changed_its_key_is_heard_with_its_next_message() {
    let mut scene = Scene::new().await;
    let _car = scene.charging().await;
    assert!(scene.ask(scene.request()).await.is_accepted());
    let old = scene.dso.key.clone();
    let new = SigningKey::from_seed(&[42; 32]);
    let keys = |key: &SigningKey| key.verifying_key().to_base64();
    scene.agr.config = scene.agr.config.replace(&keys(&old), &keys(&new));
    scene.agr.restart().await;

    let refused = scene.dso.post(scene.agr.uftp(), scene.request()).await;
    assert!(matches!(refused, Delivery::Permanent { status, .. } if status.as_u16() == 401));
    scene.dso.key = new;
    assert!(scene.ask(scene.request()).await.is_accepted());
}

#[tokio::test]
async fn two_keys_are_valid_while_a_peer_rotates() {
    let mut scene = Scene::new().await;
    let new = SigningKey::from_seed(&[42; 32]);
    let old = scene.dso.key.verifying_key().to_base64();
    let both = format!("\"{old}\", \"{}\"", new.verifying_key().to_base64());
    scene.agr.config = scene.agr.config.replace(&format!("\"{old}\""), &both);
    scene.agr.restart().await;
    assert!(scene.ask(scene.request()).await.is_accepted());
    scene.dso.key = new;
    assert!(scene.ask(scene.request()).await.is_accepted());
}

/// Orders one ISP of a day on which the clocks change, and compares the instants told to the charger.
async fn on_a_day_of_change(now: &str, day: &str, number: u16, start: &str) {
    let scene = Scene::starting(now, "", "").await;
    let (charger, _) = scene.charging().await;
    order(&scene, day, vec![wanted(number, 1, -10_000, 0)]).await;
    let start = at(start);
    let due = start - SignedDuration::from_mins(30);
    planned_at(&scene, due).await;
    assert!(charger.told().is_empty());
    scene.clock.set(due);
    let told = charger.told_at_least(1).await;
    assert_eq!((told[0].start, told[0].end), (start, start + SignedDuration::from_mins(15)), "ISP {number}");
}

#[tokio::test]
async fn the_day_of_92_isps() {
    let evening = "2026-03-28T20:00:00Z";
    // The last ISP before the clocks go forward, the first after, and the last of the day.
    on_a_day_of_change(evening, "2026-03-29", 8, "2026-03-29T00:45:00Z").await;
    on_a_day_of_change(evening, "2026-03-29", 9, "2026-03-29T01:00:00Z").await;
    on_a_day_of_change(evening, "2026-03-29", 92, "2026-03-29T21:45:00Z").await;
}

#[tokio::test]
async fn the_day_of_100_isps() {
    let evening = "2026-10-24T20:00:00Z";
    // 02:45 comes twice.
    on_a_day_of_change(evening, "2026-10-25", 12, "2026-10-25T00:45:00Z").await;
    on_a_day_of_change(evening, "2026-10-25", 16, "2026-10-25T01:45:00Z").await;
    on_a_day_of_change(evening, "2026-10-25", 100, "2026-10-25T22:45:00Z").await;
}

#[tokio::test]
async fn every_message_in_and_out_is_in_the_journal_as_it_went_over_the_wire() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let request = scene.request();
    let conversation = request.header.conversation_id;
    let sealed = scene.dso.seal(&Payload::from(request));
    scene.dso.post_bytes(scene.agr.uftp(), sealed.clone()).await;
    scene.offer_in(conversation).await;
    scene.agr.settle().await;

    let journal = scene.agr.journal().await;
    let of = |direction: Direction| -> Vec<Vec<u8>> {
        journal
            .iter()
            .filter(|found| found.entry.direction == direction)
            .map(|found| found.entry.bytes.to_vec())
            .collect()
    };
    assert_eq!(of(Direction::Received), [sealed]);
    let posted: Vec<Vec<u8>> =
        scene.dso.mailbox.envelopes().iter().map(|envelope| envelope.to_vec()).collect();
    assert_eq!(of(Direction::Sent), posted);
    assert!(journal.iter().all(|found| found.entry.conversation == conversation.to_string()));
    assert!(tieline_store::verify(&**scene.agr.node().store()).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_request_counts_by_its_point_whoever_of_the_known_operators_sends_it() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let mut request = scene.request();
    request.header = scene.other.header(AGR);
    let id = request.header.message_id;
    scene.other.post(scene.agr.uftp(), request).await;
    assert!(scene.other.answer(id).await.is_accepted());
    scene
        .other
        .mailbox
        .wait("an offer", |payload| matches!(payload, Payload::FlexOffer(_)).then_some(()))
        .await;
    assert!(scene.dso.mailbox.envelopes().is_empty());
}
