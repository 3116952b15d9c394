//! What an aggregator expects, and what a grid operator says to it.

use jiff::SignedDuration;
use tieline_types::Power;
use tieline_uftp::message::{
    DPrognosis, DPrognosisResponse, FlexOffer, FlexOrderResponse, FlexOrderStatus, Response,
};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Payload, RejectionReason as R};

use crate::daemon::eventually;
use crate::market::Party;
use crate::operator::{DSO, Operator};
use crate::scene::{MORNING, POINT, Scene, at, flex, isp, range};

fn prognosis(payload: &Payload) -> Option<DPrognosis> {
    if let Payload::DPrognosis(prognosis) = payload { Some(prognosis.clone()) } else { None }
}

/// The prognoses that came for a day.
async fn of_day(dso: &Party, day: &str, count: usize) -> Vec<DPrognosis> {
    let day = day.parse().unwrap();
    let what = format!("{count} prognoses for {day}");
    dso.mailbox
        .wait_for(&what, count, |payload| prognosis(payload).filter(|known| known.flex.period == day))
        .await
}

fn powers(prognosis: &DPrognosis) -> Vec<i64> {
    prognosis.isps.iter().flat_map(|isp| isp.range.iter().map(|_| isp.power.watts())).collect()
}

/// The grid operator answers a prognosis.
pub(crate) async fn answer(scene: &Scene, prognosis: &DPrognosis, response: Response) {
    let mut header = scene.dso.header("agr.example.com");
    header.conversation_id = prognosis.header.conversation_id;
    let answer = DPrognosisResponse {
        header,
        response,
        d_prognosis_message_id: prognosis.header.message_id,
        flex_order_statuses: Vec::new(),
    };
    scene.dso.post(scene.agr.uftp(), answer).await;
    let id = prognosis.header.message_id;
    eventually("the answer is noted", async || {
        let known = scene.agr.message("prognosis", &scene.dso.domain, id).await?;
        (known["state"] != "Sent").then_some(())
    })
    .await;
}

#[tokio::test]
async fn today_at_the_start_and_each_next_day_at_its_time() {
    let mut scene = Scene::reporting("2026-06-10T06:00:00Z", "").await;
    let today = of_day(&scene.dso, "2026-06-10", 1).await;
    assert_eq!((today[0].revision, powers(&today[0])), (1, vec![30_000; 96]));
    // 08:00 in Amsterdam; tomorrow's is due at 10:00.
    scene.agr.settle().await;
    assert_eq!(scene.dso.mailbox.payloads().len(), 1);
    scene.clock.set(at(MORNING));
    of_day(&scene.dso, "2026-06-11", 1).await;
    scene.agr.restart().await;
    scene.clock.advance(SignedDuration::from_mins(1));
    scene.agr.settle().await;
    assert_eq!(scene.dso.mailbox.payloads().len(), 2, "a restart says nothing new");
    // A node that was away goes on with the day that it is.
    scene.agr.stop().await;
    scene.clock.set(at("2026-06-14T12:00:00Z"));
    scene.agr.resume().await;
    of_day(&scene.dso, "2026-06-14", 1).await;
    of_day(&scene.dso, "2026-06-15", 1).await;
    scene.agr.settle().await;
    let all = scene.dso.mailbox.payloads();
    assert_eq!(all.iter().filter_map(prognosis).count(), 4);
}

#[tokio::test]
async fn a_day_has_as_many_isps_as_it_has() {
    for (now, day, count) in
        [("2026-03-28T10:00:00Z", "2026-03-29", 92), ("2026-10-24T10:00:00Z", "2026-10-25", 100)]
    {
        let scene = Scene::reporting(now, "").await;
        let prognoses = of_day(&scene.dso, day, 1).await;
        assert_eq!(powers(&prognoses[0]), vec![30_000; count], "{day}");
    }
}

#[tokio::test]
async fn without_a_typical_day_the_present_sessions_are_what_is_expected() {
    let scene = Scene::expecting("2026-06-10T07:00:00Z", "", None).await;
    let today = of_day(&scene.dso, "2026-06-10", 1).await;
    assert_eq!(powers(&today[0]), vec![0; 96]);
    let _car = scene.charging().await;
    scene.clock.set(at(MORNING));
    let tomorrow = of_day(&scene.dso, "2026-06-11", 1).await;
    assert_eq!(powers(&tomorrow[0]), vec![22_080; 96]);
}

#[tokio::test]
async fn offers_count_from_the_accepted_prognosis_and_an_order_makes_a_new_one() {
    let scene = Scene::reporting(MORNING, "").await;
    let _car = scene.charging().await;
    let first = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    let before = scene.offer(scene.request()).await;
    assert_eq!(before.d_prognosis_message_id, None, "nothing is agreed yet");
    answer(&scene, &first, Response::ACCEPTED).await;

    scene.clock.advance(SignedDuration::from_mins(10));
    let offer: FlexOffer = scene.offer(scene.request()).await;
    assert_eq!(offer.d_prognosis_message_id, Some(first.header.message_id));
    let order = scene.order(&offer);
    // The first offer still stands, so less than 10 kW is left.
    let change = order.isps[0].power.watts();
    assert_eq!(order.isps[0].range, range(45, 4));
    assert!(scene.ask(order.clone()).await.is_accepted());
    let second = of_day(&scene.dso, "2026-06-10", 2).await.remove(1);
    assert_eq!(second.revision, 2);
    assert_eq!(second.header.conversation_id, first.header.conversation_id);
    let mut expected = vec![30_000; 96];
    for power in &mut expected[44..48] {
        *power += change;
    }
    assert_eq!(powers(&second), expected);
    answer(&scene, &second, Response::ACCEPTED).await;

    // What comes later still counts from the first, which holds no order.
    for promise in scene.agr.records("promise", POINT).await {
        assert_eq!((&promise["baseline"], &promise["change"]), (&30_000.into(), &change.into()));
    }
    let mut later = scene.request();
    later.isps[0].range = range(49, 2);
    later.expiration_date_time = tieline_uftp::value::DateTime::utc(at("2026-06-10T10:00:00Z"));
    let later = scene.offer(later).await;
    assert_eq!(later.d_prognosis_message_id, Some(first.header.message_id));
}

#[tokio::test]
async fn an_isp_that_has_begun_keeps_its_value() {
    let scene = Scene::reporting(MORNING, "").await;
    let _car = scene.charging().await;
    let first = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    answer(&scene, &first, Response::ACCEPTED).await;
    scene.clock.set(at("2026-06-10T08:50:00Z"));
    let offer = scene.offer(scene.request()).await;
    // 11:20, in the second of the four ISPs.
    scene.clock.set(at("2026-06-10T09:20:00Z"));
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    let second = of_day(&scene.dso, "2026-06-10", 2).await.remove(1);
    assert_eq!(powers(&second)[44..49], [30_000, 30_000, 20_000, 20_000, 30_000]);
}

#[tokio::test]
async fn a_rejected_prognosis_is_an_alarm_and_is_made_anew_at_the_next_start() {
    let mut scene = Scene::reporting("2026-06-10T06:00:00Z", "").await;
    let first = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    answer(&scene, &first, Response::rejected(&[R::PowerValueRejection])).await;
    let journal = scene.agr.journal().await;
    let alarm = journal.iter().find(|found| found.entry.label == "PrognosisRejected").unwrap();
    assert_eq!(
        (alarm.entry.peer.as_str(), &alarm.entry.bytes[..]),
        (POINT, b"Power value rejection".as_slice())
    );
    scene.agr.restart().await;
    let second = of_day(&scene.dso, "2026-06-10", 2).await.remove(1);
    assert_eq!(second.revision, 2);
}

#[tokio::test]
async fn a_prognosis_that_could_not_be_delivered_is_sent_anew() {
    let scene = Scene::reporting("2026-06-10T02:00:00Z", "").await;
    let first = of_day(&scene.dso, "2026-06-10", 1).await.remove(0);
    answer(&scene, &first, Response::ACCEPTED).await;
    scene.dso.mailbox.answer_with(503);
    scene.clock.set(at(MORNING));
    eventually("tomorrow's prognosis is given up", async || {
        scene.clock.advance(SignedDuration::from_mins(5));
        let known = scene.agr.records("prognosis", POINT).await;
        known.iter().find_map(|known| known["state"].get("Undeliverable").map(|_| ()))
    })
    .await;
    scene.dso.mailbox.answer_with(200);
    scene.clock.advance(SignedDuration::from_hours(1));
    let tomorrow = of_day(&scene.dso, "2026-06-11", 1).await.remove(0);
    assert_eq!((tomorrow.revision, powers(&tomorrow)), (2, vec![30_000; 96]));
}

/// A prognosis of 10 kW all day.
pub(crate) fn expected(operator: &Operator, revision: i64) -> DPrognosis {
    DPrognosis {
        header: operator.agr.header(DSO),
        flex: flex("2026-06-10".parse().unwrap()),
        revision,
        isps: vec![isp(1, 96, 10_000)],
    }
}

#[tokio::test]
async fn every_mistake_in_a_prognosis_is_named_and_nothing_is_kept() {
    type Case = (&'static str, fn(&mut DPrognosis), Vec<R>);
    let cases: [Case; 10] = [
        (
            "another ISP duration",
            |p| p.flex.isp_duration = "PT60M".parse().unwrap(),
            vec![R::IspDurationRejected],
        ),
        (
            "another offset",
            |p| p.flex.time_zone = "Europe/Helsinki".parse().unwrap(),
            vec![R::TimeZoneRejected],
        ),
        ("too many ISPs", |p| p.isps[0].range = range(1, 97), vec![R::IspsOutOfBounds]),
        ("overlapping runs", |p| p.isps.push(isp(96, 1, 0)), vec![R::IspConflict]),
        ("too few ISPs", |p| p.isps[0].range = range(2, 95), vec![R::LackingIsps]),
        ("a day that is over", |p| p.flex.period = "2026-06-09".parse().unwrap(), vec![R::PeriodOutOfBounds]),
        (
            "another point",
            |p| p.flex.congestion_point = "ean.871685900012349999".parse().unwrap(),
            vec![R::InvalidCongestionPoint],
        ),
        (
            "a power that nothing takes",
            |p| p.isps[0].power = Power::from_watts(i64::MIN),
            vec![R::PowerValueRejection],
        ),
        ("an old revision", |p| p.revision = 4, vec![R::SubordinateSequenceNumber]),
        (
            "much at once",
            |p| {
                p.revision = 5;
                p.isps[0].range = range(1, 95);
            },
            vec![R::LackingIsps, R::SubordinateSequenceNumber],
        ),
    ];
    let operator = Operator::new().await;
    assert!(operator.ask(expected(&operator, 5)).await.is_accepted());
    for (name, spoil, reasons) in cases {
        let mut wrong = expected(&operator, 6);
        spoil(&mut wrong);
        let answer = operator.ask(wrong).await;
        assert_eq!((answer.is_accepted(), answer.reasons()), (false, reasons), "{name}");
    }
    let mut of_another = expected(&operator, 1);
    of_another.header = operator.other.header(DSO);
    let answer = crate::operator::ask_from(&operator.other, operator.dso.uftp(), of_another).await;
    assert_eq!(answer.reasons(), [R::InvalidCongestionPoint]);
    assert_eq!(operator.dso.records("prognosis", POINT).await.len(), 1);
    assert!(operator.ask(expected(&operator, 6)).await.is_accepted());
}

/// Of a day the latest 64 messages are looked at. What was rejected is not among them.
#[tokio::test]
async fn a_revision_is_remembered_however_many_were_rejected_since() {
    let operator = Operator::new().await;
    assert!(operator.ask(expected(&operator, 5)).await.is_accepted());
    for time in 0..66 {
        let answer = operator.ask(expected(&operator, 4)).await;
        assert_eq!(answer.reasons(), [R::SubordinateSequenceNumber], "{time}");
    }
    assert_eq!(operator.dso.records("prognosis", POINT).await.len(), 1);
}

fn statuses(agr: &Party, to: MessageId) -> Vec<FlexOrderStatus> {
    let answer = |payload: &Payload| match payload {
        Payload::DPrognosisResponse(answer) if answer.d_prognosis_message_id == to => {
            Some(answer.flex_order_statuses.clone())
        }
        _ => None,
    };
    agr.mailbox.payloads().iter().find_map(answer).unwrap()
}

#[tokio::test]
async fn a_prognosis_is_answered_with_the_orders_that_it_shows() {
    let operator = Operator::new().await;
    let first = expected(&operator, 1);
    assert!(operator.ask(first.clone()).await.is_accepted());
    assert_eq!(statuses(&operator.agr, first.header.message_id), []);
    let mut offer = operator.offer(&operator.request().await);
    offer.d_prognosis_message_id = Some(first.header.message_id);
    assert!(operator.ask(offer).await.is_accepted());
    let order = operator.order().await;
    assert_eq!(order.d_prognosis_message_id, Some(first.header.message_id));
    for (revision, shown) in [(2, false), (3, true)] {
        let mut later = expected(&operator, revision);
        if shown {
            // 10 kW less in ISP 45, 5 kW more in ISP 47.
            later.isps = vec![
                isp(1, 44, 10_000),
                isp(45, 1, 0),
                isp(46, 1, 10_000),
                isp(47, 1, 15_000),
                isp(48, 49, 10_000),
            ];
        }
        assert!(operator.ask(later.clone()).await.is_accepted());
        let order = FlexOrderStatus { flex_order_message_id: order.header.message_id, is_validated: shown };
        assert_eq!(statuses(&operator.agr, later.header.message_id), [order]);
    }
}

#[tokio::test]
async fn an_offer_counts_from_a_prognosis_without_orders_or_from_none() {
    let operator = Operator::new().await;
    let request = operator.request().await;
    let unknown = R::UnknownReference("D-PrognosisMessageID".parse().unwrap());
    let mut offer = operator.offer(&request);
    offer.d_prognosis_message_id = Some(operator.agr.message_id());
    assert_eq!(operator.ask(offer).await.reasons(), [unknown]);

    let mut tomorrow = expected(&operator, 1);
    tomorrow.flex.period = "2026-06-11".parse().unwrap();
    assert!(operator.ask(tomorrow.clone()).await.is_accepted());
    let mut offer = operator.offer(&request);
    offer.d_prognosis_message_id = Some(tomorrow.header.message_id);
    assert_eq!(operator.ask(offer).await.reasons(), [R::ReferencePeriodMismatch]);

    assert!(operator.ask(operator.offer(&request)).await.is_accepted());
    let order = operator.order().await;
    let mut header = operator.agr.header(DSO);
    header.conversation_id = order.header.conversation_id;
    let accepted = FlexOrderResponse {
        header,
        response: Response::ACCEPTED,
        flex_order_message_id: order.header.message_id,
    };
    operator.agr.post(operator.dso.uftp(), accepted).await;
    let late = expected(&operator, 1);
    assert!(operator.ask(late.clone()).await.is_accepted());
    let mut offer = operator.offer(&request);
    offer.d_prognosis_message_id = Some(late.header.message_id);
    assert_eq!(operator.ask(offer).await.reasons(), [R::NoBaseline]);
}
