//! The rules of the RPC framework that have no other place: payloads and their codes, identifiers, answers as stations
//! really write them, and what versions have in common, all on raw frames.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tieline_edge::websocket::{self, Connector};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{CallFailure, CallOptions, ErrorCode, Limits, Ocpp, Version, v16, v21, v201};
use tieline_service::{Call, Router};

use crate::support::{
    RawPeer, connected, eventually, json, open_csms, raw_csms, result, seen, serve, service, yes,
};

const VERSIONS: [&str; 3] = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"];

/// A payload and what it is answered with: a code, or `None` for a result.
type Case<'c> = (&'c str, &'c str, Option<&'c str>);

async fn cases(router: Router<Ocpp>, protocol: &str, cases: &[Case<'_>]) {
    let csms = serve(open_csms(router.with_state(())).build()).await;
    let mut station = RawPeer::station(csms, "CS001", protocol).await;
    for (action, payload, expected) in cases {
        let answer = station.exchange(&format!(r#"[2,"1","{action}",{payload}]"#)).await;
        let code = (answer[0] == 4).then(|| answer[2].as_str().unwrap().to_owned());
        assert_eq!(code.as_deref(), *expected, "{protocol} {action} {payload}: {answer}");
    }
}

fn noon() -> DateTime {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

async fn heartbeat_16(_: Call<v16::HeartbeatRequest>) -> v16::HeartbeatResponse {
    v16::HeartbeatResponse::new(noon())
}

async fn boot_16(_: Call<v16::BootNotificationRequest>) -> v16::BootNotificationResponse {
    v16::BootNotificationResponse::new(v16::RegistrationStatus::Accepted, noon(), 300)
}

async fn values_16(_: Call<v16::MeterValuesRequest>) -> v16::MeterValuesResponse {
    v16::MeterValuesResponse::new()
}

async fn status_16(_: Call<v16::StatusNotificationRequest>) -> v16::StatusNotificationResponse {
    v16::StatusNotificationResponse::new()
}

async fn transfer_16(_: Call<v16::DataTransferRequest>) -> v16::DataTransferResponse {
    v16::DataTransferResponse::new(v16::DataTransferStatus::Accepted)
}

/// Each kind of fault in 1.6, with the spellings of its errata (1.6-J §4.2.3, J errata §5.2).
#[tokio::test]
async fn faults_of_1_6_have_its_codes() {
    let router = Router::new().on(heartbeat_16).on(boot_16).on(values_16).on(status_16);
    let boot = |more: &str| format!(r#"{{"chargePointVendor":"V","chargePointModel":"M"{more}}}"#);
    let status = |code: &str, time: &str| {
        format!(r#"{{"connectorId":1,"errorCode":"{code}","status":"Available","timestamp":"{time}"}}"#)
    };
    let noon = "2026-06-01T12:00:00Z";
    cases(
        router,
        "ocpp1.6",
        &[
            ("MakeCoffee", "{}", Some("NotImplemented")),
            ("Authorize", r#"{"idTag":"1"}"#, Some("NotSupported")),
            // An empty payload may be null.
            ("Heartbeat", "null", None),
            ("Heartbeat", "{}", None),
            ("Heartbeat", "[]", Some("FormationViolation")),
            ("Heartbeat", "\"\"", Some("FormationViolation")),
            ("BootNotification", "null", Some("ProtocolError")),
            ("BootNotification", &boot(""), None),
            ("BootNotification", &boot(r#","colour":"red""#), Some("FormationViolation")),
            (
                "BootNotification",
                &boot(r#","iccid":"123456789012345678901""#),
                Some("PropertyConstraintViolation"),
            ),
            ("BootNotification", &boot(r#","iccid":12345"#), Some("TypeConstraintViolation")),
            ("BootNotification", r#"{"chargePointVendor":"V"}"#, Some("ProtocolError")),
            ("MeterValues", r#"{"connectorId":1,"meterValue":[]}"#, Some("OccurenceConstraintViolation")),
            ("StatusNotification", &status("NoError", noon), None),
            ("StatusNotification", &status("Error", noon), Some("PropertyConstraintViolation")),
            ("StatusNotification", &status("NoError", "yesterday"), Some("PropertyConstraintViolation")),
            // Fractions and offsets must be understood (errata 4.0 §3.10).
            ("StatusNotification", &status("NoError", "2026-06-01T14:00:00.123456+02:00"), None),
        ],
    )
    .await;
}

macro_rules! faults_of_2 {
    ($name:ident, $module:ident, $protocol:literal) => {
        #[tokio::test]
        async fn $name() {
            async fn heartbeat(_: Call<$module::HeartbeatRequest>) -> $module::HeartbeatResponse {
                $module::HeartbeatResponse::new(noon())
            }
            async fn boot(_: Call<$module::BootNotificationRequest>) -> $module::BootNotificationResponse {
                $module::BootNotificationResponse::new(noon(), 300, $module::RegistrationStatus::Accepted)
            }
            async fn values(_: Call<$module::MeterValuesRequest>) -> $module::MeterValuesResponse {
                $module::MeterValuesResponse::new()
            }
            let router = Router::new().on(heartbeat).on(boot).on(values);
            let boot = |reason: &str, more: &str| {
                format!(
                    r#"{{"reason":"{reason}","chargingStation":{{"model":"M","vendorName":"V"{more}}}}}"#
                )
            };
            cases(
                router,
                $protocol,
                &[
                    ("MakeCoffee", "{}", Some("NotImplemented")),
                    ("ClearCache", "{}", Some("NotSupported")),
                    ("Heartbeat", "{}", None),
                    // Nothing stands for an absent payload or member (Part 4 §4.2.1).
                    ("Heartbeat", "null", Some("FormatViolation")),
                    ("Heartbeat", "[]", Some("FormatViolation")),
                    ("BootNotification", &boot("PowerUp", ""), None),
                    (
                        "BootNotification",
                        &boot("PowerUp", r#","serialNumber":null"#),
                        Some("TypeConstraintViolation"),
                    ),
                    ("BootNotification", &boot("PowerUp", r#","modem":[]"#), Some("TypeConstraintViolation")),
                    ("BootNotification", &boot("Whim", ""), Some("PropertyConstraintViolation")),
                    ("BootNotification", &boot("PowerUp", r#","colour":"red""#), Some("FormatViolation")),
                    (
                        "BootNotification",
                        &boot("PowerUp", r#","serialNumber":"12345678901234567890123456""#),
                        Some("PropertyConstraintViolation"),
                    ),
                    ("BootNotification", r#"{"reason":"PowerUp"}"#, Some("OccurrenceConstraintViolation")),
                    ("MeterValues", r#"{"evseId":1,"meterValue":[]}"#, Some("OccurrenceConstraintViolation")),
                    (
                        "MeterValues",
                        r#"{"evseId":1,"meterValue":[{"timestamp":"noon","sampledValue":[{"value":1}]}]}"#,
                        Some("PropertyConstraintViolation"),
                    ),
                    (
                        "MeterValues",
                        r#"{"evseId":1,"meterValue":[{"timestamp":"2026-06-01T14:00:00.5+02:00","sampledValue":[{"value":-1.25}]}]}"#,
                        None,
                    ),
                ],
            )
            .await;
        }
    };
}

faults_of_2!(faults_of_2_0_1_have_its_codes, v201, "ocpp2.0.1");
faults_of_2!(faults_of_2_1_have_its_codes, v21, "ocpp2.1");

/// A corrupt message must not be echoed raw.
#[tokio::test]
async fn a_wrong_payload_is_not_sent_back() {
    let csms = serve(open_csms(Router::new().on(boot_16).with_state(())).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    let long = "secret ".repeat(10_000);
    for payload in [
        format!(r#"{{"chargePointVendor":"{long}","chargePointModel":"M"}}"#),
        format!(r#"{{"chargePointVendor":["{long}"],"chargePointModel":"M"}}"#),
        format!(r#"{{"{long}":1,"chargePointVendor":"V","chargePointModel":"M"}}"#),
        format!(r#""{long}""#),
    ] {
        let answer = station.exchange(&format!(r#"[2,"1","BootNotification",{payload}]"#)).await;
        assert_eq!(answer[0], 4);
        assert!(answer.to_string().len() < 1000, "{answer}");
    }
    let garbage = station.exchange(&format!(r#"[2,"1","Boot{long}"#)).await;
    assert!(garbage.to_string().len() < 1000 && !garbage.to_string().contains("secret"), "{garbage}");
}

/// Whatever a station leaves out of a CALLERROR, and however it spells the code, the call that waits is told at once.
#[tokio::test]
async fn short_and_misspelt_callerrors_are_understood_in_every_version() {
    for protocol in VERSIONS {
        let csms = open_csms(yes()).build();
        let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", protocol).await;
        let peer = connected(&csms, "CS001").await;
        for (rest, code) in [
            (r#""FormationViolation","""#, ErrorCode::FormatViolation),
            (r#""FormatViolation""#, ErrorCode::FormatViolation),
            (r#""OccurenceConstraintViolation","",{}"#, ErrorCode::OccurrenceConstraintViolation),
            (r#""OccurrenceConstraintViolation","",null"#, ErrorCode::OccurrenceConstraintViolation),
            (r#""NotSupported",null,{}"#, ErrorCode::NotSupported),
            (r#""GenericError","""#, ErrorCode::GenericError),
        ] {
            let call = tokio::spawn({
                let peer = peer.clone();
                async move { peer.call_raw("ClearCache", json("{}"), CallOptions::default()).await }
            });
            let id = station.next_json().await[1].clone();
            station.send(&format!("[4,{id},{rest}]")).await;
            let Err(CallFailure::Refused(error)) = call.await.unwrap() else { panic!("{protocol} {rest}") };
            assert_eq!(error.code, code, "{protocol} {rest}");
        }
    }
}

/// Unused on any connection of the station's identity (errata 2023-12 to 2.0.1 Part 4), and at most 36 characters.
#[tokio::test]
async fn ids_do_not_repeat_over_the_connections_of_a_station() {
    let csms = open_csms(yes()).build();
    let address = serve(csms.clone()).await;
    let mut ids = BTreeSet::new();
    for _ in 0..10 {
        let generation = csms.registry().get("CS001").map(|peer| peer.generation());
        let mut station = RawPeer::station(address, "CS001", "ocpp2.0.1").await;
        let newer = || csms.registry().get("CS001").filter(|peer| Some(peer.generation()) != generation);
        let peer = eventually(newer).await;
        for _ in 0..10 {
            let peer = peer.clone();
            let call = tokio::spawn(async move { peer.call(v201::ClearCacheRequest::new()).await });
            let frame = station.next_json().await;
            let id = frame[1].as_str().unwrap().to_owned();
            station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#)).await;
            call.await.unwrap().unwrap();
            assert!(id.chars().count() <= 36, "{id}");
            assert!(ids.insert(id.clone()), "{id} comes again");
        }
    }
    assert_eq!(ids.len(), 100);
}

/// A retry may have the id of the first attempt (2.1 Part 4 §4.1.4): it is a message like any other.
#[tokio::test]
async fn an_id_that_comes_again_is_answered_again() {
    for protocol in VERSIONS {
        let mut station = RawPeer::station(serve(open_csms(yes()).build()).await, "CS001", protocol).await;
        for _ in 0..2 {
            assert_eq!(station.exchange(r#"[2,"retry","Heartbeat",{}]"#).await, json!([3, "retry", {}]));
        }
    }
}

/// While a call of ours waits, the other side may call: both sides' identifiers are their own, even if they are the same.
#[tokio::test]
async fn calls_of_both_sides_may_cross_with_the_same_id() {
    for protocol in VERSIONS {
        let csms = open_csms(yes()).build();
        let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", protocol).await;
        let peer = connected(&csms, "CS001").await;
        let call =
            tokio::spawn(
                async move { peer.call_raw("ClearCache", json("{}"), CallOptions::default()).await },
            );
        let id = station.next_json().await[1].clone();
        assert_eq!(station.exchange(&format!(r#"[2,{id},"Heartbeat",{{}}]"#)).await, json!([3, id, {}]));
        station.send(&format!(r#"[3,{id},{{"status":"Accepted"}}]"#)).await;
        assert_eq!(call.await.unwrap().unwrap().get(), r#"{"status":"Accepted"}"#);
    }
}

/// A SEND may leave while a CALL waits for its answer (2.1 Part 4 §4.2.4).
#[tokio::test]
async fn a_send_does_not_wait_for_the_answer_to_a_call() {
    let (address, mut connections) = raw_csms().await;
    let mut limits = Limits::default();
    limits.boot_gate = false;
    let station = ChargingStation::new(&format!("ws://{address}/ocpp"), "CS001", [Version::V2_1]);
    let session = station.unwrap().with_limits(limits).connect(yes()).await.unwrap();
    let peer = session.peer().clone();
    tokio::spawn(session.run());
    let mut csms = connections.recv().await.unwrap();
    let call = tokio::spawn({
        let peer = peer.clone();
        async move { peer.call(v21::HeartbeatRequest::new()).await }
    });
    let asked = csms.next_json().await;
    assert_eq!(asked[0], 2);
    let values = vec![v21::StreamDataElement::new(0, "1")];
    peer.send(&v21::NotifyPeriodicEventStreamRequest::new(values, 1, 0, noon())).unwrap();
    let sent = csms.next_json().await;
    assert_eq!((&sent[0], &sent[2]), (&json!(6), &json!("NotifyPeriodicEventStream")));
    csms.send(&format!(r#"[3,{},{{"currentTime":"2026-06-01T12:00:00Z"}}]"#, asked[1])).await;
    assert!(call.await.unwrap().is_ok());
}

/// The version is that of the sub-protocol, whatever the address says (2.1 Part 4 §3.1).
#[tokio::test]
async fn the_version_in_the_address_decides_nothing() {
    let csms = open_csms(yes()).prefix("/ocpp/1.6").build();
    let address = serve(csms.clone()).await;
    let uri = format!("ws://{address}/ocpp/1.6/CS001").parse().unwrap();
    let opened = websocket::connect(&Connector::default(), &uri, &["ocpp2.0.1"], http::HeaderMap::new())
        .await
        .unwrap();
    assert_eq!(opened.protocol.as_deref(), Some("ocpp2.0.1"));
    assert_eq!(connected(&csms, "CS001").await.version(), Version::V2_0_1);
}

/// A station that lost the answer to its StartTransaction says -1 (1.6 errata 4.0 §3.18).
#[tokio::test]
async fn a_transaction_of_an_unknown_number_is_taken() {
    async fn stop(call: Call<v16::StopTransactionRequest>) -> v16::StopTransactionResponse {
        assert_eq!(call.transaction_id, -1);
        v16::StopTransactionResponse::new()
    }
    let stop_it = r#"{"transactionId":-1,"meterStop":4711,"timestamp":"2026-06-01T12:00:00Z"}"#;
    let values = r#"{"connectorId":1,"transactionId":-1,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z","sampledValue":[{"value":"1","unit":"Celcius"}]}]}"#;
    let router = Router::new().on(stop).on(values_16);
    cases(router, "ocpp1.6", &[("StopTransaction", stop_it, None), ("MeterValues", values, None)]).await;
}

/// Members that vendors define keep their names, and numbers their digits.
#[tokio::test]
async fn what_vendors_send_stays_as_it_is() {
    let data = r#"{"SCREAMING_CASE_KEY":[1.10,12345678901234567890,null],"camelCase":{"snake_case":"é"}}"#;
    for protocol in ["ocpp2.0.1", "ocpp2.1"] {
        let (write, read) = seen();
        let handler = service(move |incoming| {
            write.lock().unwrap().push(incoming.message.payload().get().to_owned());
            let payload =
                incoming.message.payload().get().replace("\"vendorId\":\"V\"", "\"status\":\"Accepted\"");
            async move { result(&payload) }
        });
        let mut station = RawPeer::station(serve(open_csms(handler).build()).await, "CS001", protocol).await;
        let payload = format!(r#"{{"vendorId":"V","data":{data}}}"#);
        station.send(&format!(r#"[2,"1","DataTransfer",{payload}]"#)).await;
        let answer = station.next().await.unwrap();
        assert_eq!(answer, format!(r#"[3,"1",{{"status":"Accepted","data":{data}}}]"#));
        assert_eq!(read.lock().unwrap().as_slice(), [payload]);
    }
    // In 1.6 the data is a text.
    let object = format!(r#"{{"vendorId":"V","data":{data}}}"#);
    let text = format!(r#"{{"vendorId":"V","data":{}}}"#, Value::from(data));
    let expected = Some("TypeConstraintViolation");
    let router = Router::new().on(transfer_16);
    cases(router, "ocpp1.6", &[("DataTransfer", &object, expected), ("DataTransfer", &text, None)]).await;
}
