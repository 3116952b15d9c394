//! What is answered to frames that are wrong, version by version.

use serde_json::{Value, json};
use tieline_edge::websocket::Message as Frame;
use tieline_ocpp::{Limits, MessageRate, Tolerance};

use crate::support::{RawPeer, open_csms, serve, yes};

const V1_6: &str = "ocpp1.6";
const V2_0_1: &str = "ocpp2.0.1";
const V2_1: &str = "ocpp2.1";

/// Id and code of a CALLERROR, or that nothing was answered.
async fn answer(station: &mut RawPeer, frame: Frame) -> Option<(String, String)> {
    station.socket.send(frame).await.unwrap();
    // The connection lives, and the first thing to come back is the answer to the wrong frame, if there is one.
    station.send(r#"[2,"alive","Heartbeat",{}]"#).await;
    let first = station.next_json().await;
    if first == json!([3, "alive", {}]) {
        return None;
    }
    assert_eq!(station.next_json().await, json!([3, "alive", {}]), "after {first}");
    let [
        Value::Number(kind),
        Value::String(id),
        Value::String(code),
        Value::String(description),
        Value::Object(_),
    ] = first.as_array().unwrap().as_slice()
    else {
        panic!("no CALLERROR: {first}")
    };
    assert!(kind.as_u64() == Some(4) || kind.as_u64() == Some(5), "{first}");
    assert!(description.chars().count() <= 255);
    Some((id.clone(), code.clone()))
}

async fn check(frame: Frame, expected: [Option<(&str, &str)>; 3]) {
    let csms = serve(open_csms(yes()).build()).await;
    for (version, expected) in [V1_6, V2_0_1, V2_1].into_iter().zip(expected) {
        let mut station = RawPeer::station(csms, "CS001", version).await;
        let got = answer(&mut station, frame.clone()).await;
        let got = got.as_ref().map(|(id, code)| (id.as_str(), code.as_str()));
        assert_eq!(got, expected, "{version}: {frame:?}");
    }
}

fn all<'a>(id: &'a str, code: &'a str) -> [Option<(&'a str, &'a str)>; 3] {
    [Some((id, code)); 3]
}

fn with_framework_error(id: &str) -> [Option<(&str, &str)>; 3] {
    [Some((id, "GenericError")), Some((id, "RpcFrameworkError")), Some((id, "RpcFrameworkError"))]
}

#[tokio::test]
async fn what_is_no_frame_is_answered_with_the_id_minus_one() {
    for text in ["", "not json", "{}", "[", "[2", "[]", "[\"2\",\"1\",\"Heartbeat\",{}]", "null", "[2]"] {
        check(Frame::text(text), with_framework_error("-1")).await;
    }
}

#[tokio::test]
async fn a_frame_that_is_too_short_or_has_no_readable_id_is_answered_with_the_id_minus_one() {
    for text in [
        r#"[2,"1","Heartbeat"]"#,
        r#"[2,17,"Heartbeat",{}]"#,
        r#"[2,"","Heartbeat",{}]"#,
        r#"[2,null,"Heartbeat",{}]"#,
    ] {
        check(Frame::text(text), with_framework_error("-1")).await;
    }
}

#[tokio::test]
async fn an_action_that_is_no_text_is_answered_with_its_id() {
    check(Frame::text(r#"[2,"1",["Heartbeat"],{}]"#), with_framework_error("1")).await;
}

#[tokio::test]
async fn a_binary_message_is_no_frame() {
    check(Frame::Binary(br#"[2,"1","Heartbeat",{}]"#.as_slice().into()), with_framework_error("-1")).await;
}

#[tokio::test]
async fn an_unknown_message_type_is_ignored_except_in_2_0_1() {
    for text in [r#"[7,"1",{}]"#, "[0]", r#"[300,"1","Heartbeat",{}]"#] {
        check(Frame::text(text), [None, Some(("-1", "MessageTypeNotSupported")), None]).await;
    }
}

#[tokio::test]
async fn a_send_exists_only_in_2_1() {
    let text = r#"[6,"1","NotifyPeriodicEventStream",{}]"#;
    check(Frame::text(text), [None, Some(("-1", "MessageTypeNotSupported")), None]).await;
}

#[tokio::test]
async fn answers_to_nothing_are_ignored() {
    for text in [r#"[3,"1",{}]"#, r#"[4,"1","GenericError","",{}]"#, r#"[4,"1","GenericError"]"#] {
        check(Frame::text(text), [None; 3]).await;
    }
}

#[tokio::test]
async fn an_unreadable_result_is_rejected_in_2_1_only() {
    check(Frame::text(r#"[3,"1"]"#), [None, None, Some(("-1", "RpcFrameworkError"))]).await;
}

#[tokio::test]
async fn an_unknown_action_is_not_implemented() {
    check(Frame::text(r#"[2,"1","MakeCoffee",{}]"#), all("1", "NotImplemented")).await;
}

#[tokio::test]
async fn an_action_of_the_other_direction_is_not_supported() {
    check(Frame::text(r#"[2,"1","Reset",{"type":"Soft"}]"#), all("1", "NotSupported")).await;
}

#[tokio::test]
async fn an_id_of_200_characters_is_refused() {
    let id = "x".repeat(200);
    check(Frame::text(format!(r#"[2,"{id}","Heartbeat",{{}}]"#)), with_framework_error(&id)).await;
}

#[tokio::test]
async fn an_id_of_200_characters_is_accepted_where_that_is_tolerated() {
    let id = "x".repeat(200);
    let csms = serve(open_csms(yes()).tolerance(Tolerance::lenient()).build()).await;
    for version in [V1_6, V2_0_1, V2_1] {
        let mut station = RawPeer::station(csms, "CS001", version).await;
        assert_eq!(station.exchange(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).await, json!([3, id, {}]));
    }
}

#[tokio::test]
async fn an_id_of_36_characters_of_two_bytes_is_accepted() {
    let id = "é".repeat(36);
    let csms = serve(open_csms(yes()).build()).await;
    let mut station = RawPeer::station(csms, "CS001", V2_1).await;
    assert_eq!(station.exchange(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).await, json!([3, id, {}]));
}

#[tokio::test]
async fn a_station_that_is_not_accepted_is_gated_except_for_its_boot_notification() {
    let service = crate::support::service(|incoming| async move {
        assert_eq!(incoming.head.action(), "BootNotification");
        crate::support::result(r#"{"status":"Pending","currentTime":"2026-11-21T12:00:00Z","interval":5}"#)
    });
    let csms = serve(open_csms(service).build()).await;
    for version in [V1_6, V2_0_1, V2_1] {
        let mut station = RawPeer::station(csms, "CS001", version).await;
        let boot = station.exchange(r#"[2,"1","BootNotification",{}]"#).await;
        assert_eq!(boot[2]["status"], "Pending");
        let gated = station.exchange(r#"[2,"2","Heartbeat",{}]"#).await;
        assert_eq!((&gated[0], &gated[1], &gated[2]), (&json!(4), &json!("2"), &json!("SecurityError")));
    }
    let mut limits = Limits::default();
    limits.boot_gate = false;
    let service = crate::support::service(|_| async { crate::support::result(r#"{"status":"Rejected"}"#) });
    let csms = serve(open_csms(service).limits(limits).build()).await;
    let mut station = RawPeer::station(csms, "CS001", V2_1).await;
    station.exchange(r#"[2,"1","BootNotification",{}]"#).await;
    assert_eq!(station.exchange(r#"[2,"2","Heartbeat",{}]"#).await[0], 3);
}

#[tokio::test]
async fn who_sends_too_much_is_read_more_slowly_and_loses_nothing() {
    let mut limits = Limits::default();
    limits.message_rate = Some(MessageRate { per_second: 100, burst: 5 });
    let csms = serve(open_csms(yes()).limits(limits).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    let began = tokio::time::Instant::now();
    for number in 0..35 {
        station.socket.feed(Frame::text(format!(r#"[2,"{number}","Heartbeat",{{}}]"#))).await.unwrap();
    }
    station.socket.flush().await.unwrap();
    let mut answered = Vec::new();
    for _ in 0..35 {
        answered.push(station.next_json().await[1].as_str().unwrap().to_owned());
    }
    answered.sort_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!(answered, (0..35).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(began.elapsed() >= std::time::Duration::from_millis(290), "{:?}", began.elapsed());
}
