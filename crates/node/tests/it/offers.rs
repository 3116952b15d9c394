//! What a grid operator asks for, what it says to offers, and what it orders.

use jiff::SignedDuration;
use tieline_types::Power;
use tieline_uftp::message::{FlexOffer, FlexRequestResponse, Response};
use tieline_uftp::value::DateTime;
use tieline_uftp::{Payload, RejectionReason as R};

use crate::operator::{Operator, ask_from, offer_by, order_to, orders, request_to};
use crate::scene::{POINT, at, available, isp, range, wanted};

type Case = (&'static str, fn(&mut FlexOffer), Vec<R>);

fn unknown_request() -> R {
    R::UnknownReference("FlexRequestMessageID".parse().unwrap())
}

fn cases() -> Vec<Case> {
    vec![
        (
            "another ISP duration",
            |o| o.flex.isp_duration = "PT5M".parse().unwrap(),
            vec![R::IspDurationRejected],
        ),
        (
            "another offset",
            |o| o.flex.time_zone = "Europe/London".parse().unwrap(),
            vec![R::TimeZoneRejected],
        ),
        (
            "the same mistake in two options",
            |o| {
                o.flex.time_zone = "Europe/London".parse().unwrap();
                o.options.push(o.options[0].clone());
            },
            vec![R::TimeZoneRejected, R::other("An OptionReference is there twice")],
        ),
        ("ISPs that the day lacks", |o| o.options[0].isps[2].range = range(96, 2), vec![R::IspsOutOfBounds]),
        ("overlapping runs", |o| o.options[0].isps[1].range = range(45, 2), vec![R::IspConflict]),
        (
            "an unknown request",
            |o| o.flex_request_message_id = Some(o.header.message_id),
            vec![unknown_request()],
        ),
        (
            "no request",
            |o| {
                o.flex_request_message_id = None;
                o.unsolicited = Some(true);
            },
            vec![R::other("No FlexOffer without a FlexRequest is agreed")],
        ),
        (
            "another conversation",
            |o| o.header.conversation_id = uuid::Uuid::from(o.header.message_id).into(),
            vec![unknown_request()],
        ),
        (
            "another point",
            |o| o.flex.congestion_point = "ean.871685900012349999".parse().unwrap(),
            vec![R::InvalidCongestionPoint],
        ),
        ("another day", |o| o.flex.period = "2026-06-11".parse().unwrap(), vec![R::ReferencePeriodMismatch]),
        (
            "expired",
            |o| o.expiration_date_time = DateTime::utc(at("2026-06-10T08:00:00Z")),
            vec![R::ExpirationDateTimeOutOfBounds],
        ),
        (
            "expires after its last ISP",
            |o| o.expiration_date_time = DateTime::utc(at("2026-06-10T09:45:01Z")),
            vec![R::ExpirationDateTimeOutOfBounds],
        ),
        (
            "serves no Requested ISP",
            |o| o.options[0].isps = vec![isp(48, 1, -1000)],
            vec![R::RequestMismatch],
        ),
        ("changes nothing", |o| o.options[0].isps = vec![isp(45, 3, 0)], vec![R::RequestMismatch]),
        (
            "below the lower bound",
            |o| o.options[0].isps[0].power = Power::from_watts(-10_001),
            vec![R::PowerValueRejection],
        ),
        (
            "above the upper bound",
            |o| o.options[0].isps[2].power = Power::from_watts(5001),
            vec![R::PowerValueRejection],
        ),
        (
            "an ISP that was not asked for",
            |o| o.options[0].isps.push(isp(49, 1, -1)),
            vec![R::PowerValueRejection],
        ),
        (
            "much at once, in each of two options",
            |o| {
                o.flex.period = "2026-06-11".parse().unwrap();
                o.options[0].isps = vec![isp(48, 1, -9000)];
                o.options.push(o.options[0].clone());
            },
            vec![R::ReferencePeriodMismatch, R::other("An OptionReference is there twice")],
        ),
    ]
}

#[tokio::test]
async fn every_mistake_in_an_offer_is_named_and_nothing_is_kept() {
    let operator = Operator::new().await;
    let request = operator.request().await;
    for (name, spoil, reasons) in cases() {
        let mut offer = operator.offer(&request);
        spoil(&mut offer);
        let answer = operator.ask(offer).await;
        assert!(!answer.is_accepted(), "{name}");
        assert_eq!(answer.reasons(), reasons, "{name}");
        assert!(operator.dso.records("offer", POINT).await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_need_is_requested_once_with_both_bounds_of_every_run() {
    let mut operator = Operator::new().await;
    let request = operator.request().await;
    assert_eq!(
        request.isps,
        [wanted(45, 2, -10_000, 0), wanted(47, 1, 0, 5000), available(48, 1, -3000, 3000)]
    );
    assert_eq!(request.flex.congestion_point.as_str(), POINT);
    assert_eq!(request.expiration_date_time.instant(), at("2026-06-10T09:00:00Z"));
    operator.dso.settle().await;
    operator.dso.restart().await;
    operator.dso.settle().await;
    assert_eq!(operator.agr.mailbox.envelopes().len(), 1);
    assert!(operator.other.mailbox.envelopes().is_empty());
}

#[tokio::test]
async fn what_was_offered_is_ordered_up_down_and_zero() {
    let operator = Operator::new().await;
    let request = operator.request().await;
    let offer = operator.offer(&request);
    assert!(operator.ask(offer.clone()).await.is_accepted());
    let order = operator.order().await;
    assert_eq!(order.flex_offer_message_id, Some(offer.header.message_id));
    assert_eq!(order.header.conversation_id, request.header.conversation_id);
    assert_eq!(order.isps, [isp(45, 1, -10_000), isp(46, 1, 0), isp(47, 1, 5000)]);
    assert_eq!(order.price, "4.5".parse().unwrap());
    assert_eq!(order.option_reference.as_ref().unwrap(), "all");

    // A second offer comes too late to be ordered, and is not wrong for that.
    let late = operator.offer(&request);
    assert!(operator.ask(late).await.is_accepted());
    operator.dso.settle().await;
    operator.clock.advance(SignedDuration::from_hours(2));
    operator.dso.settle().await;
    assert_eq!(orders(&operator.agr).len(), 1);
}

#[tokio::test]
async fn a_request_expires() {
    let operator = Operator::new().await;
    let request = operator.request().await;
    operator.clock.set(at("2026-06-10T09:00:01Z"));
    let answer = operator.ask(operator.offer(&request)).await;
    assert_eq!(answer.reasons(), [R::ReferenceMessageExpired]);
}

#[tokio::test]
async fn nobody_offers_on_what_another_was_asked() {
    let operator = Operator::new().await;
    let request = operator.request().await;
    let offer = offer_by(&operator.other, &request);
    let answer = ask_from(&operator.other, operator.dso.uftp(), offer).await;
    assert_eq!(answer.reasons(), [unknown_request()]);
}

#[tokio::test]
async fn who_rejected_a_request_has_nothing_to_offer_on() {
    let operator = Operator::new().await;
    let request = operator.request().await;
    let rejection = FlexRequestResponse {
        header: operator.offer(&request).header,
        response: Response::rejected(&[R::InvalidCongestionPoint]),
        flex_request_message_id: request.header.message_id,
    };
    operator.agr.post(operator.dso.uftp(), rejection).await;
    operator.dso.settle().await;
    let answer = operator.ask(operator.offer(&request)).await;
    assert_eq!(answer.reasons(), [unknown_request()]);
}

#[tokio::test]
async fn the_cheapest_offer_that_serves_is_ordered_when_the_time_is_up() {
    let operator = Operator::asking("\"agr.example.com\", \"agr2.example.com\"").await;
    let (one, two) = (operator.request().await, request_to(&operator.other).await);
    assert_ne!(one.header.conversation_id, two.header.conversation_id);
    let mut dear = operator.offer(&one);
    dear.options[0].price = "10.01".parse().unwrap();
    assert!(operator.ask(dear).await.is_accepted());
    let mut foreign = operator.offer(&one);
    foreign.currency = "SEK".parse().unwrap();
    assert!(operator.ask(foreign).await.is_accepted());
    let mut cheap = operator.offer(&one);
    cheap.options[0].price = "4.00".parse().unwrap();
    assert!(operator.ask(cheap.clone()).await.is_accepted());
    operator.dso.settle().await;
    assert!(orders(&operator.agr).is_empty(), "the other aggregator has not offered yet");

    operator.clock.advance(SignedDuration::from_hours(1));
    let order = order_to(&operator.agr).await;
    assert_eq!(order.flex_offer_message_id, Some(cheap.header.message_id));
    operator.dso.settle().await;
    assert_eq!(orders(&operator.agr).len(), 1);
    let is_order = |payload: &Payload| matches!(payload, Payload::FlexOrder(_));
    assert!(!operator.other.mailbox.payloads().iter().any(is_order));
}

#[tokio::test]
async fn once_all_have_offered_nothing_is_waited_for() {
    let operator = Operator::asking("\"agr.example.com\", \"agr2.example.com\"").await;
    let (one, two) = (operator.request().await, request_to(&operator.other).await);
    let mut first = operator.offer(&one);
    first.options[0].price = "5.00".parse().unwrap();
    assert!(operator.ask(first).await.is_accepted());
    let second = offer_by(&operator.other, &two);
    let second_id = second.header.message_id;
    assert!(ask_from(&operator.other, operator.dso.uftp(), second).await.is_accepted());
    let order = order_to(&operator.other).await;
    assert_eq!(order.flex_offer_message_id, Some(second_id));
    operator.dso.settle().await;
    assert!(orders(&operator.agr).is_empty(), "what is left, no other offer serves");
}

#[tokio::test]
async fn an_offer_that_came_in_time_is_accepted_however_late_it_is_decided() {
    let mut scene = Operator::new().await;
    let request = scene.request().await;
    let offer = scene.offer(&request);
    let id = offer.header.message_id;
    scene.dso.stop().await;
    let expires = request.expiration_date_time.instant();
    scene.agr.leave_in(&scene.dso.database(), offer, expires).await;
    scene.clock.set(expires + SignedDuration::from_secs(1));
    scene.dso.resume().await;
    let answer = scene.agr.answer(id).await;
    assert!(answer.is_accepted(), "{answer:?}");
}
