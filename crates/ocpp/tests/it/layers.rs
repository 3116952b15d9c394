//! Layers on the way in and on the way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tieline_ocpp::csms::Csms;
use tieline_ocpp::events::{Event, Observe, Observed};
use tieline_ocpp::{CallFailure, Caller, Ocpp, Outgoing, Peer, serial, v16, v201};
use tieline_service::{BoxError, Call, Router, State};
use tokio::sync::Semaphore;
use tower::ServiceBuilder;

use crate::support::{RawPeer, connected, open_csms, serve, yes};

async fn on_event(
    call: Call<v201::TransactionEventRequest>,
    State(gate): State<Arc<Semaphore>>,
) -> v201::TransactionEventResponse {
    if call.transaction_info.transaction_id == "A" && call.seq_no == 0 {
        gate.acquire().await.unwrap().forget();
    }
    v201::TransactionEventResponse::new()
}

async fn on_start(
    _: Call<v16::StartTransactionRequest>,
    State(gate): State<Arc<Semaphore>>,
) -> v16::StartTransactionResponse {
    gate.acquire().await.unwrap().forget();
    v16::StartTransactionResponse::new(v16::IdTagInfo::new(v16::AuthorizationStatus::Accepted), 7)
}

async fn on_values(_: Call<v16::MeterValuesRequest>) -> v16::MeterValuesResponse {
    v16::MeterValuesResponse::new()
}

async fn on_transfer(_: Call<v16::DataTransferRequest>) -> v16::DataTransferResponse {
    v16::DataTransferResponse::new(v16::DataTransferStatus::Accepted)
}

fn router() -> Router<Ocpp, Arc<Semaphore>> {
    Router::new().on(on_event).on(on_start).on(on_values).on(on_transfer)
}

fn event_frame(id: &str, transaction: &str, number: u32) -> String {
    format!(
        r#"[2,"{id}","TransactionEvent",{{"eventType":"Updated","timestamp":"2026-06-01T12:00:00Z","triggerReason":"Trigger","seqNo":{number},"transactionInfo":{{"transactionId":"{transaction}"}}}}]"#
    )
}

#[tokio::test]
async fn the_events_of_a_transaction_are_in_order_and_others_do_not_wait() {
    let gate = Arc::new(Semaphore::new(0));
    let csms = open_csms(router().layer(serial::per_transaction()).with_state(Arc::clone(&gate)));
    let mut station = RawPeer::station(serve(csms.build()).await, "CS001", "ocpp2.0.1").await;
    for (id, transaction, number) in [("a0", "A", 0), ("a1", "A", 1), ("b0", "B", 0), ("a2", "A", 2)] {
        station.send(&event_frame(id, transaction, number)).await;
    }
    assert_eq!(station.next_json().await[1], "b0");
    gate.add_permits(1);
    for id in ["a0", "a1", "a2"] {
        assert_eq!(station.next_json().await[1], id);
    }
}

#[tokio::test]
async fn the_transactions_of_a_1_6_station_are_in_order_and_the_rest_does_not_wait() {
    let gate = Arc::new(Semaphore::new(0));
    let csms = open_csms(router().layer(serial::per_transaction()).with_state(Arc::clone(&gate)));
    let mut station = RawPeer::station(serve(csms.build()).await, "CS001", "ocpp1.6").await;
    let start = r#"{"connectorId":1,"idTag":"t","meterStart":0,"timestamp":"2026-06-01T12:00:00Z"}"#;
    station.send(&format!(r#"[2,"start","StartTransaction",{start}]"#)).await;
    let values = r#"{"connectorId":1,"meterValue":[{"timestamp":"2026-06-01T12:00:00Z","sampledValue":[{"value":"1"}]}]}"#;
    station.send(&format!(r#"[2,"values","MeterValues",{values}]"#)).await;
    station.send(r#"[2,"other","DataTransfer",{"vendorId":"v"}]"#).await;
    assert_eq!(station.next_json().await[1], "other");
    gate.add_permits(1);
    assert_eq!(station.next_json().await[1], "start");
    assert_eq!(station.next_json().await[1], "values");
}

#[tokio::test]
async fn a_connection_can_be_served_one_message_at_a_time() {
    let gate = Arc::new(Semaphore::new(0));
    let csms = open_csms(router().layer(serial::per_connection()).with_state(Arc::clone(&gate)));
    let address = serve(csms.build()).await;
    let mut one = RawPeer::station(address, "CS001", "ocpp2.0.1").await;
    let mut other = RawPeer::station(address, "CS002", "ocpp2.0.1").await;
    one.send(&event_frame("a0", "A", 0)).await;
    one.send(&event_frame("b0", "B", 0)).await;
    other.send(&event_frame("c0", "C", 0)).await;
    assert_eq!(other.next_json().await[1], "c0");
    gate.add_permits(1);
    assert_eq!(one.next_json().await[1], "a0");
    assert_eq!(one.next_json().await[1], "b0");
}

#[tokio::test]
async fn what_stations_tell_has_one_form() {
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let observe = Observe::new(move |station: &Peer, observed: Observed| {
        told.send((station.to_string(), observed.event)).unwrap();
    });
    let gate = Arc::new(Semaphore::new(1));
    let csms = open_csms(router().layer(observe).with_state(gate));
    let address = serve(csms.build()).await;
    let mut old = RawPeer::station(address, "CS16", "ocpp1.6").await;
    let start = r#"{"connectorId":1,"idTag":"t","meterStart":5,"timestamp":"2026-06-01T12:00:00Z"}"#;
    old.exchange(&format!(r#"[2,"start","StartTransaction",{start}]"#)).await;
    let (station, event) = tells.recv().await.unwrap();
    let Event::TransactionStarted { transaction_id, connector_id, meter_start, .. } = event else { panic!() };
    assert_eq!((&*station, transaction_id.as_deref(), connector_id), ("CS16", Some("7"), Some(1)));
    assert_eq!(meter_start.unwrap().wh.to_string(), "5");
    let mut new = RawPeer::station(address, "CS201", "ocpp2.0.1").await;
    new.exchange(&event_frame("a1", "A", 1)).await;
    let (station, event) = tells.recv().await.unwrap();
    assert!(matches!(event, Event::TransactionUpdated { transaction_id, .. } if transaction_id == "A"));
    assert_eq!(station, "CS201");
    // What was refused was not told.
    assert_eq!(old.exchange(r#"[2,"x","StartTransaction",{}]"#).await[0], 4);
    old.exchange(r#"[2,"other","DataTransfer",{"vendorId":"v"}]"#).await;
    let (_, event) = tells.recv().await.unwrap();
    assert!(matches!(event, Event::Other { action } if action == "DataTransfer"));
}

#[tokio::test]
async fn calls_of_our_own_go_through_layers_too() {
    let csms = open_csms(yes()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let through = ServiceBuilder::new()
        .map_request(move |outgoing: Outgoing| {
            counted.fetch_add(1, Ordering::SeqCst);
            outgoing
        })
        .timeout(Duration::from_millis(300))
        .service(peer);
    let caller = Caller::new(through);
    let calling = tokio::spawn({
        let caller = caller.clone();
        async move { caller.call(&v16::ClearCacheRequest::new()).await }
    });
    let call = station.next_json().await;
    assert_eq!(call[2], "ClearCache");
    station.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, call[1])).await;
    assert_eq!(calling.await.unwrap().unwrap().status, v16::ClearCacheStatus::Accepted);
    // The layer's own end of patience, and a result that can't be read.
    let late: BoxError = caller.call(&v16::ClearCacheRequest::new()).await.unwrap_err();
    assert!(late.is::<tower::timeout::error::Elapsed>(), "{late}");
    let first = station.next_json().await;
    station.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, first[1])).await;
    let calling = tokio::spawn(async move { caller.call(&v16::ClearCacheRequest::new()).await });
    let call = station.next_json().await;
    station.send(&format!(r#"[3,{},{{"status":"Perhaps"}}]"#, call[1])).await;
    let unusable: BoxError = calling.await.unwrap().unwrap_err();
    assert!(matches!(unusable.downcast_ref(), Some(CallFailure::UnusableResult(_))), "{unusable}");
    assert_eq!(sent.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_csms_calls_a_station_by_its_identity() {
    let csms: Csms<_> = open_csms(yes()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp1.6").await;
    connected(&csms, "CS001").await;
    let identities: Vec<_> = csms.connected().iter().map(ToString::to_string).collect();
    assert_eq!(identities, ["CS001"]);
    let calling = tokio::spawn({
        let csms = csms.clone();
        async move { csms.call("CS001", v16::ClearCacheRequest::new()).await }
    });
    let call = station.next_json().await;
    station.send(&format!(r#"[3,{},{{"status":"Rejected"}}]"#, call[1])).await;
    assert_eq!(calling.await.unwrap().unwrap().status, v16::ClearCacheStatus::Rejected);
    let nobody = csms.call("CS002", v16::ClearCacheRequest::new()).await;
    assert!(matches!(nobody, Err(CallFailure::Disconnected)));
}
