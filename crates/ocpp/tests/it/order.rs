//! What comes after an answer comes after it on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::{Limits, Version, v16};
use tieline_service::After;

use crate::support::{raw_csms, result, service};

const EXCHANGES: usize = 20_000;

/// 1.6 §5.17 and 2.x F06.FR.04: first the response of TriggerMessage, then the message that was asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_answer_to_a_trigger_is_always_on_the_wire_before_the_message_it_triggers() {
    let (address, mut connections) = raw_csms().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let confirmed = Arc::clone(&sent);
    let on_trigger = service(move |incoming| {
        let (peer, confirmed) = (incoming.head.peer().clone(), Arc::clone(&confirmed));
        async move {
            result(r#"{"status":"Accepted"}"#).with_after(After::new(async move {
                peer.call(v16::HeartbeatRequest::new()).await.unwrap();
                confirmed.fetch_add(1, Ordering::SeqCst);
            }))
        }
    });
    let mut limits = Limits::default();
    limits.boot_gate = false;
    let station = ChargingStation::new(&format!("ws://{address}/ocpp"), "CS001", [Version::V1_6])
        .unwrap()
        .with_limits(limits);
    let session = station.connect(on_trigger).await.unwrap();
    let running = tokio::spawn(session.run());
    let mut csms = connections.recv().await.unwrap();
    let mut wrong = 0;
    for number in 0..EXCHANGES {
        csms.send(&format!(r#"[2,"t{number}","TriggerMessage",{{"requestedMessage":"Heartbeat"}}]"#)).await;
        let first = csms.next_json().await;
        let second = csms.next_json().await;
        if first[0] != 3 || first[1] != format!("t{number}") || second[0] != 2 {
            wrong += 1;
        }
        let call = if second[0] == 2 { &second } else { &first };
        csms.send(&format!(r#"[3,{},{{"currentTime":"2026-11-21T12:00:00Z"}}]"#, call[1])).await;
    }
    assert_eq!(wrong, 0);
    drop(csms);
    running.await.unwrap();
    // The last one may have been cut off with the connection.
    assert!(sent.load(Ordering::SeqCst) >= EXCHANGES - 1);
}
