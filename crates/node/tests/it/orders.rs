//! What an aggregator says to orders that are not what it offered.

use jiff::SignedDuration;
use tieline_types::Power;
use tieline_uftp::message::{FlexOffer, FlexOrder};
use tieline_uftp::value::ActivationFactor;
use tieline_uftp::{Delivery, RejectionReason as R};

use crate::scene::{POINT, Scene, isp, order_by, range};

type Case = (&'static str, fn(&mut FlexOrder), Vec<R>);

fn unknown(attribute: &str) -> R {
    R::UnknownReference(attribute.parse().unwrap())
}

fn cases() -> Vec<Case> {
    vec![
        (
            "another ISP duration",
            |o| o.flex.isp_duration = "PT60M".parse().unwrap(),
            vec![R::IspDurationRejected],
        ),
        (
            "another offset",
            |o| o.flex.time_zone = "Europe/Helsinki".parse().unwrap(),
            vec![R::TimeZoneRejected],
        ),
        ("ISPs that the day lacks", |o| o.isps[0].range = range(95, 4), vec![R::IspsOutOfBounds]),
        ("overlapping runs", |o| o.isps.push(o.isps[0]), vec![R::IspConflict]),
        (
            "an unknown offer",
            |o| o.flex_offer_message_id = Some(o.header.message_id),
            vec![unknown("FlexOfferMessageID")],
        ),
        (
            "no offer",
            |o| {
                o.flex_offer_message_id = None;
                o.unsolicited = Some(true);
            },
            vec![R::other("No FlexOrder without a FlexOffer is agreed")],
        ),
        (
            "another conversation",
            |o| o.header.conversation_id = uuid::Uuid::from(o.header.message_id).into(),
            vec![unknown("FlexOfferMessageID")],
        ),
        ("another day", |o| o.flex.period = "2026-06-11".parse().unwrap(), vec![R::ReferencePeriodMismatch]),
        (
            "another point",
            |o| o.flex.congestion_point = "ean.871685900012349999".parse().unwrap(),
            vec![R::InvalidCongestionPoint],
        ),
        (
            "an unknown option",
            |o| o.option_reference = Some("2".parse().unwrap()),
            vec![unknown("OptionReference")],
        ),
        (
            "half of what is all or nothing",
            |o| {
                o.activation_factor = ActivationFactor::from_hundredths(50).unwrap();
                o.isps[0].power = Power::from_watts(-5_000);
                o.price = "0.425".parse().unwrap();
            },
            vec![R::other("ActivationFactor is below MinActivationFactor")],
        ),
        ("other ISPs", |o| o.isps[0].range = range(46, 4), vec![R::IspMismatch]),
        ("fewer ISPs", |o| o.isps[0].range = range(45, 3), vec![R::IspMismatch]),
        ("other power", |o| o.isps[0].power = Power::from_watts(-9_999), vec![R::PowerMismatch]),
        ("the other direction", |o| o.isps[0].power = Power::from_watts(10_000), vec![R::PowerMismatch]),
        ("another price", |o| o.price = "0.8499".parse().unwrap(), vec![R::PriceMismatch]),
        ("another currency", |o| o.currency = "USD".parse().unwrap(), vec![R::PriceMismatch]),
        (
            "much at once",
            |o| {
                o.flex.period = "2026-06-11".parse().unwrap();
                o.isps[0].power = Power::from_watts(0);
                o.price = "2".parse().unwrap();
            },
            vec![R::ReferencePeriodMismatch, R::PowerMismatch, R::PriceMismatch],
        ),
    ]
}

async fn nothing_is_promised(scene: &Scene, offer: &FlexOffer, name: &str) {
    assert!(scene.agr.records("order", POINT).await.is_empty(), "{name}");
    assert!(scene.agr.records("promise", POINT).await.is_empty(), "{name}");
    let kept = scene.agr.message("offer", &scene.dso.domain, offer.header.message_id).await.unwrap();
    assert_eq!(kept["state"], "Sent", "{name}");
}

#[tokio::test]
async fn every_mistake_in_an_order_is_named_and_promises_nothing() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    for (name, spoil, reasons) in cases() {
        let mut order = scene.order(&offer);
        spoil(&mut order);
        let answer = scene.ask(order).await;
        assert!(!answer.is_accepted(), "{name}");
        assert_eq!(answer.reasons(), reasons, "{name}");
        nothing_is_promised(&scene, &offer, name).await;
    }
}

#[tokio::test]
async fn the_price_is_compared_as_a_number() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    assert_eq!(offer.options[0].price, "0.85".parse().unwrap());
    let mut order = scene.order(&offer);
    order.price = "0.8500".parse().unwrap();
    assert!(scene.ask(order).await.is_accepted());
}

#[tokio::test]
async fn the_same_power_in_other_runs_is_the_same() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    let mut order = scene.order(&offer);
    order.isps = vec![isp(47, 2, -10_000), isp(45, 1, -10_000), isp(46, 1, -10_000)];
    order.option_reference = None;
    assert!(scene.ask(order).await.is_accepted());
    assert_eq!(scene.agr.records("promise", POINT).await.len(), 4);
}

#[tokio::test]
async fn an_offer_is_ordered_once() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    let answer = scene.ask(scene.order(&offer)).await;
    assert_eq!(answer.reasons(), [R::other("The FlexOffer has been ordered already")]);
    assert_eq!(scene.agr.records("order", POINT).await.len(), 1);
    assert_eq!(scene.agr.records("promise", POINT).await.len(), 4);
}

#[tokio::test]
async fn an_offer_expires() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    assert_eq!(offer.expiration_date_time.instant(), scene.now() + SignedDuration::from_hours(1));
    scene.clock.set(offer.expiration_date_time.instant() + SignedDuration::from_secs(1));
    let answer = scene.ask(scene.order(&offer)).await;
    assert_eq!(answer.reasons(), [R::ReferenceMessageExpired]);
    nothing_is_promised(&scene, &offer, "expired").await;
}

#[tokio::test]
async fn an_order_that_came_in_time_is_taken_however_late_it_is_decided() {
    let mut scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    scene.agr.stop().await;
    let expires = offer.expiration_date_time.instant();
    let order = scene.order(&offer);
    let id = order.header.message_id;
    scene.dso.leave_in(&scene.agr.database(), order, expires).await;
    scene.clock.set(expires + SignedDuration::from_secs(1));
    scene.agr.resume().await;
    let answer = scene.dso.answer(id).await;
    assert!(answer.is_accepted(), "{answer:?}");
}

#[tokio::test]
async fn nobody_orders_what_was_offered_to_another() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let offer = scene.offer(scene.request()).await;
    let order = order_by(&scene.other, &offer);
    let id = order.header.message_id;
    assert_eq!(scene.other.post(scene.agr.uftp(), order).await, Delivery::Delivered);
    assert_eq!(scene.other.answer(id).await.reasons(), [unknown("FlexOfferMessageID")]);
    nothing_is_promised(&scene, &offer, "another grid operator").await;
}
