//! Calls to a station, and how they fail.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;
use tieline_ocpp::{CallFailure, CallOptions, ErrorCode, Limits, Version, v16, v21, v201};
use tokio::time::{Instant, timeout};

use crate::support::{PATIENCE, RawPeer, connected, eventually, json, open_csms, serve, yes};

fn limits() -> Limits {
    let mut limits = Limits::default();
    // So long that a test which needs the time-out does not end in time.
    limits.call_timeout = 10 * PATIENCE;
    limits.queue_timeout = 10 * PATIENCE;
    limits
}

#[tokio::test]
async fn one_call_at_a_time_is_outstanding_and_they_keep_their_order() {
    let csms = open_csms(yes()).limits(limits()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let calls: Vec<_> = (0..5)
        .map(|number| {
            let peer = peer.clone();
            async move {
                let mut request = v16::GetConfigurationRequest::new();
                request.key = Some(vec![number.to_string()]);
                peer.call(request).await.unwrap().unknown_key.unwrap()
            }
        })
        .collect();
    let answers = tokio::spawn(futures_util::future::join_all(calls));
    let mut ids = Vec::new();
    for number in 0..5 {
        let call = station.next_json().await;
        assert_eq!(call[3]["key"], json!([number.to_string()]));
        // The next call is not sent before this one is answered: what comes back first is the answer to the station.
        assert_eq!(station.exchange(r#"[2,"beat","Heartbeat",{}]"#).await[1], "beat");
        station.send(&format!(r#"[3,{},{{"unknownKey":["{number}"]}}]"#, call[1])).await;
        ids.push(call[1].as_str().unwrap().to_owned());
    }
    let answers = answers.await.unwrap();
    assert_eq!(answers, (0..5).map(|number| vec![number.to_string()]).collect::<Vec<_>>());
    assert!(ids.iter().all(|id| id.len() == 36));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn the_end_of_the_session_fails_all_calls_at_once() {
    let csms = open_csms(yes()).limits(limits()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp2.0.1").await;
    let peer = connected(&csms, "CS001").await;
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let peer = peer.clone();
            tokio::spawn(async move { peer.call(v201::ClearCacheRequest::new()).await })
        })
        .collect();
    station.next_json().await;
    drop(station);
    for call in calls {
        let failure = timeout(PATIENCE, call).await.expect("at once").unwrap().unwrap_err();
        assert_eq!(failure, CallFailure::Disconnected);
    }
    eventually(|| csms.registry().is_empty().then_some(())).await;
    assert!(!peer.is_connected());
    assert_eq!(peer.call(v201::ClearCacheRequest::new()).await, Err(CallFailure::Disconnected));
}

#[tokio::test]
async fn a_call_times_out_counted_from_its_writing_and_a_late_answer_is_ignored() {
    let csms = open_csms(yes()).limits(limits()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let options = CallOptions::default().with_timeout(Duration::from_millis(300));
    let call = |peer: tieline_ocpp::Peer| {
        tokio::spawn(async move {
            let begun = Instant::now();
            (peer.call_with(&v16::ClearCacheRequest::new(), options).await, begun.elapsed())
        })
    };
    let first = call(peer.clone());
    let first_frame = station.next_json().await;
    let second = call(peer.clone());
    let (answer, took) = timeout(PATIENCE, first).await.unwrap().unwrap();
    assert_eq!(answer, Err(CallFailure::TimedOut));
    assert!(took >= Duration::from_millis(300), "{took:?}");
    // The time that the second one waited for its turn does not count.
    let second_frame = station.next_json().await;
    let (answer, took) = timeout(PATIENCE, second).await.unwrap().unwrap();
    assert_eq!(answer, Err(CallFailure::TimedOut));
    assert!(took >= Duration::from_millis(500), "{took:?}");
    for frame in [first_frame, second_frame] {
        station.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, frame[1])).await;
    }
    let third = tokio::spawn(async move { peer.call(v16::ClearCacheRequest::new()).await });
    let frame = station.next_json().await;
    station.send(&format!(r#"[3,{},{{"status":"Rejected"}}]"#, frame[1])).await;
    assert_eq!(third.await.unwrap().unwrap().status, v16::ClearCacheStatus::Rejected);
}

#[tokio::test]
async fn a_call_that_waits_too_long_for_its_turn_is_never_sent() {
    let csms = open_csms(yes()).limits(limits()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let blocking = {
        let peer = peer.clone();
        tokio::spawn(async move { peer.call(v16::ClearCacheRequest::new()).await })
    };
    let blocking_frame = station.next_json().await;
    let options = CallOptions::default().with_queue_timeout(Duration::from_millis(50));
    let reset = v16::ResetRequest::new(v16::ResetType::Soft);
    let failure = timeout(PATIENCE, peer.call_with(&reset, options)).await.unwrap().unwrap_err();
    assert_eq!(failure, CallFailure::QueueTimedOut);
    assert!(failure.was_not_sent() && failure.is_retryable());
    // Nor is one whose caller has gone away.
    let gone =
        timeout(Duration::from_millis(50), peer.call(v16::ResetRequest::new(v16::ResetType::Hard))).await;
    assert!(gone.is_err());
    station.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, blocking_frame[1])).await;
    blocking.await.unwrap().unwrap();
    assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await[1], "1");
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let mut limits = limits();
    limits.max_queued = 2;
    let csms = open_csms(yes()).limits(limits).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let spawn = || {
        let peer = peer.clone();
        tokio::spawn(async move { peer.call(v16::ClearCacheRequest::new()).await })
    };
    let mut calls = vec![spawn()];
    station.next_json().await;
    calls.extend([spawn(), spawn()]);
    let failure =
        eventually(|| peer.call(v16::ClearCacheRequest::new()).now_or_never().map(Result::unwrap_err)).await;
    assert_eq!(failure, CallFailure::QueueFull);
    for call in calls {
        call.abort();
    }
}

#[tokio::test]
async fn refusals_and_unusable_results_are_told_apart() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let csms = open_csms(yes()).limits(limits()).build();
        let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", version.subprotocol()).await;
        let peer = connected(&csms, "CS001").await;
        let call = {
            let peer = peer.clone();
            move || {
                let peer = peer.clone();
                tokio::spawn(async move {
                    match peer.version() {
                        Version::V2_0_1 => peer.call(v201::ClearCacheRequest::new()).await.map(drop),
                        _ => peer.call(v21::ClearCacheRequest::new()).await.map(drop),
                    }
                })
            }
        };

        let refused = call();
        let frame = station.next_json().await;
        station.send(&format!(r#"[4,{},"OccurenceConstraintViolation","why",{{"a":1}}]"#, frame[1])).await;
        let Err(CallFailure::Refused(error)) = refused.await.unwrap() else { panic!("not refused") };
        assert_eq!(error.code, ErrorCode::OccurrenceConstraintViolation);
        assert_eq!((error.description.as_str(), &error.details), ("why", &json!({"a": 1})));

        let unusable = call();
        let frame = station.next_json().await;
        station.send(&format!(r#"[3,{},{{"status":"Perhaps"}}]"#, frame[1])).await;
        assert!(matches!(unusable.await.unwrap(), Err(CallFailure::UnusableResult(_))));
        if version == Version::V2_1 {
            let told = station.next_json().await;
            assert_eq!(
                (&told[0], &told[1], &told[2]),
                (&json!(5), &frame[1], &json!("PropertyConstraintViolation"))
            );
        }
        assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await[1], "1");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let csms = open_csms(yes()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let other_version = peer.call(v201::ClearCacheRequest::new()).await.unwrap_err();
    assert!(matches!(other_version, CallFailure::WrongVersion { .. }));
    let other_direction = peer.call(v16::HeartbeatRequest::new()).await.unwrap_err();
    assert_eq!(other_direction, CallFailure::WrongAction("Heartbeat".to_owned()));
    let unknown = peer.call_raw("MakeCoffee", json("{}"), CallOptions::default()).await.unwrap_err();
    assert_eq!(unknown, CallFailure::WrongAction("MakeCoffee".to_owned()));
    let mut invalid = v16::GetConfigurationRequest::new();
    invalid.key = Some(vec!["x".repeat(51)]);
    assert!(matches!(peer.call(invalid).await.unwrap_err(), CallFailure::InvalidRequest(_)));
    assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await[1], "1");
}

#[tokio::test]
async fn a_call_by_name_passes_payload_and_result_untouched() {
    let csms = open_csms(yes()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp2.0.1").await;
    let peer = connected(&csms, "CS001").await;
    let payload = r#"{ "vendorId" : "x", "data" : {"SCREAMING_CASE": 21.40} }"#;
    let call =
        tokio::spawn(
            async move { peer.call_raw("DataTransfer", json(payload), CallOptions::default()).await },
        );
    let text = station.next().await.unwrap();
    assert!(text.ends_with(&format!("{payload}]")), "{text}");
    let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
    station.send(&format!(r#"[3,{},{{ "status" : "Accepted" }}]"#, frame[1])).await;
    assert_eq!(call.await.unwrap().unwrap().get(), r#"{ "status" : "Accepted" }"#);
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_then_given_up() {
    let mut limits = limits();
    limits.ping_interval = Some(Duration::from_millis(100));
    limits.ping_timeout = Duration::from_millis(200);
    let csms = open_csms(yes()).limits(limits).build();
    let address = serve(csms.clone()).await;
    // One that answers pings, by reading, stays.
    let mut reading = RawPeer::station(address, "CS001", "ocpp1.6").await;
    let reading = tokio::spawn(async move { reading.next().await });
    // One that does not read does not.
    let _silent = RawPeer::station(address, "CS002", "ocpp1.6").await;
    let peer = connected(&csms, "CS002").await;
    eventually(|| (!peer.is_connected()).then_some(())).await;
    assert!(connected(&csms, "CS001").await.is_connected());
    reading.abort();
}

#[tokio::test]
async fn a_peer_without_messages_is_idle_whatever_its_pings() {
    let mut limits = limits();
    limits.ping_interval = Some(Duration::from_millis(50));
    limits.idle_timeout = Some(Duration::from_millis(300));
    let csms = open_csms(yes()).limits(limits).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await[1], "1");
    assert_eq!(station.next().await, None);
}
