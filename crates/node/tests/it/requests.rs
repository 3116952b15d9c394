//! What an aggregator says to requests that it can't take, and to messages that are none of its.

use jiff::SignedDuration;
use tieline_types::Power;
use tieline_uftp::message::{DPrognosis, FlexRequest, Isp};
use tieline_uftp::value::DateTime;
use tieline_uftp::{Delivery, Payload, RejectionReason as R, Version};

use crate::scene::{FULL, POINT, Scene, at, available, isp, range, wanted};

type Case = (&'static str, fn(&mut FlexRequest), &'static [R]);

const CASES: &[Case] = &[
    ("another ISP duration", |r| r.flex.isp_duration = "PT30M".parse().unwrap(), &[R::IspDurationRejected]),
    ("another offset", |r| r.flex.time_zone = "Europe/London".parse().unwrap(), &[R::TimeZoneRejected]),
    ("no such zone", |r| r.flex.time_zone = "Europe/Atlantis".parse().unwrap(), &[R::TimeZoneRejected]),
    (
        "ISP 93 of a day of 92",
        |r| {
            r.flex.period = "2027-03-28".parse().unwrap();
            r.isps = vec![wanted(90, 4, -5000, 0)];
        },
        &[R::IspsOutOfBounds],
    ),
    (
        "ISP 97 of a day of 96",
        |r| r.isps = vec![wanted(45, 4, -5000, 0), wanted(97, 1, -5000, 0)],
        &[R::IspsOutOfBounds],
    ),
    ("overlapping runs", |r| r.isps.push(wanted(48, 1, -5000, 0)), &[R::IspConflict]),
    (
        "an unknown point",
        |r| r.flex.congestion_point = "ean.871685900012349999".parse().unwrap(),
        &[R::InvalidCongestionPoint],
    ),
    ("nothing Requested", |r| r.isps = vec![available(45, 4, -5000, 0)], &[R::LackingRequestedDisposition]),
    ("no disposition", |r| r.isps[0].disposition = None, &[R::LackingRequestedDisposition]),
    ("no direction", |r| r.isps[0].max_power = Power::from_watts(1), &[R::RequestedPowerDiscrepancy]),
    (
        "a lower bound above the upper one",
        |r| r.isps[0].max_power = Power::from_watts(-10_001),
        &[R::PowerDiscrepancy],
    ),
    (
        "expired",
        |r| r.expiration_date_time = DateTime::utc(at("2026-06-10T08:00:00Z")),
        &[R::ExpirationDateTimeOutOfBounds],
    ),
    (
        "expires after the last ISP",
        |r| r.expiration_date_time = DateTime::utc(at("2026-06-10T10:00:01Z")),
        &[R::ExpirationDateTimeOutOfBounds],
    ),
    ("a day that is over", |r| r.flex.period = "2026-06-09".parse().unwrap(), &[R::PeriodOutOfBounds]),
    (
        "much at once",
        |r| {
            r.flex.congestion_point = "ean.871685900012349999".parse().unwrap();
            r.isps = vec![available(45, 4, 5000, 0), available(48, 1, -5000, 0)];
        },
        &[R::InvalidCongestionPoint, R::IspConflict, R::LackingRequestedDisposition, R::PowerDiscrepancy],
    ),
    (
        "for somebody else",
        |r| r.header.recipient_domain = "elsewhere.example.com".parse().unwrap(),
        &[R::UnknownRecipient],
    ),
    (
        "from somebody else than who signed",
        |r| r.header.sender_domain = "other.example.com".parse().unwrap(),
        &[R::InvalidSender],
    ),
    (
        "a version that is not spoken",
        |r| r.header.version = Version { major: 9, minor: 0, patch: 0 },
        &[R::UnsupportedVersion(Version { major: 9, minor: 0, patch: 0 })],
    ),
];

#[tokio::test]
async fn every_mistake_in_a_request_is_named_and_nothing_is_kept() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    for (name, spoil, reasons) in CASES {
        let mut request = scene.request();
        spoil(&mut request);
        let id = request.header.message_id;
        let answer = scene.ask(request).await;
        assert!(!answer.is_accepted(), "{name}");
        assert_eq!(answer.reasons(), *reasons, "{name}");
        assert_eq!(scene.agr.message("request", &scene.dso.domain, id).await, None, "{name}");
    }
    scene.agr.settle().await;
    assert!(scene.agr.records("request", POINT).await.is_empty());
    assert!(scene.agr.records("offer", POINT).await.is_empty());
    assert!(!scene.dso.mailbox.payloads().iter().any(|payload| matches!(payload, Payload::FlexOffer(_))));
}

#[tokio::test]
async fn a_zone_of_another_name_and_the_same_offset_will_do() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let mut request = scene.request();
    request.flex.time_zone = "Europe/Brussels".parse().unwrap();
    let offer = scene.offer(request).await;
    assert_eq!(offer.flex.time_zone.as_str(), "Europe/Amsterdam");
}

#[tokio::test]
async fn a_role_sends_its_own_messages_only() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    let mut offer = scene.offer(scene.request()).await;
    offer.header = scene.dso.header(crate::scene::AGR);
    let answer = scene.ask(offer).await;
    assert_eq!(answer.reasons(), [R::InvalidSender]);

    let prognosis = DPrognosis {
        header: scene.dso.header(crate::scene::AGR),
        flex: crate::scene::flex("2026-06-10".parse().unwrap()),
        revision: 1,
        isps: vec![Isp { range: range(1, 96), ..isp(1, 1, 1000) }],
    };
    let answer = scene.ask(prognosis).await;
    assert_eq!(answer.reasons(), [R::InvalidSender]);
}

#[tokio::test]
async fn a_sender_that_is_unknown_or_signs_with_another_key_is_not_heard() {
    let scene = Scene::new().await;
    let mut stranger =
        crate::market::Party::new(tieline_uftp::Role::Dso, "new.example.com", &scene.clock).await;
    let mut request = scene.request();
    request.header = stranger.header(crate::scene::AGR);
    let delivery = stranger.post(scene.agr.uftp(), request).await;
    assert!(
        matches!(&delivery, Delivery::Temporary { cause, .. } if cause.starts_with("419")),
        "{delivery:?}"
    );

    stranger.domain = "dso.example.com".to_owned();
    let mut request = scene.request();
    request.header = stranger.header(crate::scene::AGR);
    let delivery = stranger.post(scene.agr.uftp(), request).await;
    assert!(
        matches!(&delivery, Delivery::Permanent { status, .. } if status.as_u16() == 401),
        "{delivery:?}"
    );
    assert!(scene.agr.journal().await.is_empty());
}

#[tokio::test]
async fn whoever_requests_the_impossible_is_offered_the_possible() {
    let scene = Scene::new().await;
    let _car = scene.charging().await;
    for (min, expected) in [(-10_000, -10_000), (i64::MIN, 10_000 - FULL)] {
        let mut request = scene.request();
        request.isps = vec![wanted(45, 4, min, 0)];
        let offer = scene.offer(request).await;
        assert_eq!(offer.options[0].isps, [isp(45, 4, expected)]);
        assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    }
}

#[tokio::test]
async fn a_request_that_came_in_time_is_accepted_however_late_it_is_decided() {
    let mut scene = Scene::new().await;
    scene.agr.stop().await;
    let request = scene.request();
    let id = request.header.message_id;
    let expires = request.expiration_date_time.instant();
    scene.dso.leave_in(&scene.agr.database(), request, expires - SignedDuration::from_secs(1)).await;
    scene.clock.set(expires);
    scene.agr.resume().await;
    let answer = scene.dso.answer(id).await;
    assert!(answer.is_accepted(), "{answer:?}");
}
