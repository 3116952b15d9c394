//! Handlers run beside the read loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tieline_edge::websocket::{Config, Message as Frame};
use tieline_ocpp::{Answer, CallFailure, EndReason, Limits, SessionEvent, types, v16};
use tieline_service::After;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use crate::support::{PATIENCE, RawPeer, connected, eventually, open_csms, result, seen, serve, service};

#[tokio::test]
async fn a_handler_can_call_the_station_back_and_wait() {
    let handler = service(|incoming| async move {
        if incoming.head.action() == "BootNotification" {
            let answer = incoming.head.peer().call(v16::GetConfigurationRequest::new()).await.unwrap();
            assert_eq!(answer.unknown_key, Some(vec!["asked while booting".to_owned()]));
            return result(r#"{"status":"Accepted","currentTime":"2026-11-21T12:00:00Z","interval":60}"#);
        }
        result("{}")
    });
    let csms = serve(open_csms(handler).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    for round in 0..3 {
        station.send(&format!(r#"[2,"boot{round}","BootNotification",{{}}]"#)).await;
        let call = station.next_json().await;
        assert_eq!((&call[0], &call[2]), (&json!(2), &json!("GetConfiguration")));
        // Crossing: the station may call while both are waiting.
        assert_eq!(station.exchange(r#"[2,"beat","Heartbeat",{}]"#).await[1], "beat");
        let id = call[1].as_str().unwrap();
        let boot = station.exchange(&format!(r#"[3,"{id}",{{"unknownKey":["asked while booting"]}}]"#)).await;
        assert_eq!(boot[1], format!("boot{round}"));
    }
}

#[tokio::test]
async fn a_panicking_handler_is_an_internal_error_and_the_connection_lives() {
    let handler = service(|incoming| async move {
        if incoming.head.action() == "Authorize" {
            tokio::task::yield_now().await;
            panic!("a bug in a handler, on purpose");
        }
        assert_ne!(incoming.head.action(), "DataTransfer", "another bug, before the handler waits");
        result("{}")
    });
    let csms = serve(open_csms(handler).build()).await;
    for version in ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] {
        let mut station = RawPeer::station(csms, "CS001", version).await;
        for action in ["Authorize", "DataTransfer"] {
            let error = station.exchange(&format!(r#"[2,"1","{action}",{{}}]"#)).await;
            assert_eq!((&error[0], &error[1], &error[2]), (&json!(4), &json!("1"), &json!("InternalError")));
            assert!(error[4]["cause"].is_string(), "{error}");
        }
        assert_eq!(station.exchange(r#"[2,"2","Heartbeat",{}]"#).await, json!([3, "2", {}]));
    }
}

#[tokio::test]
async fn answers_leave_as_handlers_finish() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let handler = service(move |incoming| {
        let gate = Arc::clone(&waiting);
        async move {
            if incoming.head.action() == "Authorize" {
                gate.acquire().await.unwrap().forget();
            }
            result("{}")
        }
    });
    let csms = serve(open_csms(handler).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    station.send(r#"[2,"slow","Authorize",{}]"#).await;
    assert_eq!(station.exchange(r#"[2,"fast","Heartbeat",{}]"#).await[1], "fast");
    gate.add_permits(1);
    assert_eq!(station.next_json().await[1], "slow");
}

#[tokio::test]
async fn handlers_are_bounded() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let handler = service(move |_| {
        let gate = Arc::clone(&waiting);
        async move {
            gate.acquire().await.unwrap().forget();
            result("{}")
        }
    });
    let mut limits = Limits::default();
    limits.max_handlers = 3;
    let csms = serve(open_csms(handler).limits(limits).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    for id in 0..3 {
        station.send(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).await;
    }
    let refused = station.exchange(r#"[2,"3","Heartbeat",{}]"#).await;
    assert_eq!((&refused[0], &refused[1], &refused[2]), (&json!(4), &json!("3"), &json!("ProtocolError")));
    gate.add_permits(3);
    for _ in 0..3 {
        assert_eq!(station.next_json().await[0], 3);
    }
    assert_eq!(station.exchange_after_permit(&gate).await[0], 3);
}

impl RawPeer {
    async fn exchange_after_permit(&mut self, gate: &Semaphore) -> serde_json::Value {
        gate.add_permits(1);
        self.exchange(r#"[2,"again","Heartbeat",{}]"#).await
    }
}

#[tokio::test]
async fn a_handler_finishes_although_its_session_ended() {
    let (finished, sees) = seen();
    let go_on = Arc::new(Notify::new());
    let gate = Arc::clone(&go_on);
    let handler = service(move |incoming| {
        let (finished, gate) = (Arc::clone(&finished), Arc::clone(&gate));
        async move {
            gate.notified().await;
            let failure = incoming.head.peer().call(v16::ClearCacheRequest::new()).await.unwrap_err();
            finished.lock().unwrap().push(failure);
            result("{}")
        }
    });
    let csms = open_csms(handler).build();
    let address = serve(csms.clone()).await;
    let mut station = RawPeer::station(address, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    station.send(r#"[2,"1","StopTransaction",{}]"#).await;
    // The message has arrived once the answer to the next, bad one is here.
    assert_eq!(station.exchange("[]").await[0], 4);
    drop(station);
    eventually(|| (!peer.is_connected()).then_some(())).await;
    go_on.notify_one();
    eventually(|| sees.lock().unwrap().pop()).await;
    timeout(PATIENCE, csms.shut_down()).await.unwrap();
}

#[tokio::test]
async fn a_send_is_handled_and_never_answered() {
    let (heard, sees) = seen();
    let handler = service(move |incoming| {
        let heard = Arc::clone(&heard);
        async move {
            if incoming.message.is_send() {
                heard.lock().unwrap().push(incoming.message.payload().get().to_owned());
                panic!("nobody is told");
            }
            result("{}")
        }
    });
    let csms = serve(open_csms(handler).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp2.1").await;
    station.send(r#"[6,"s","NotifyPeriodicEventStream",{"id":1}]"#).await;
    assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await, json!([3, "1", {}]));
    assert_eq!(sees.lock().unwrap().as_slice(), [r#"{"id":1}"#]);
}

#[tokio::test]
async fn work_after_an_answer_runs_after_it_is_cancelled_with_the_session_and_bounded() {
    let started = Arc::new(AtomicUsize::new(0));
    let dropped = Arc::new(AtomicUsize::new(0));
    let (starts, drops) = (Arc::clone(&started), Arc::clone(&dropped));
    let handler = service(move |_| {
        let (starts, guard) = (Arc::clone(&starts), CountsDrop(Arc::clone(&drops)));
        async move {
            let reply = result("{}");
            reply.with_after(After::new(async move {
                starts.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
                drop(guard);
            }))
        }
    });
    let mut limits = Limits::default();
    limits.max_after = 2;
    let csms = serve(open_csms(handler).limits(limits).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    for id in 0..2 {
        assert_eq!(station.exchange(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).await[0], 3);
    }
    let refused = station.exchange(r#"[2,"3","Heartbeat",{}]"#).await;
    assert_eq!((&refused[0], &refused[2]), (&json!(4), &json!("InternalError")));
    assert_eq!(started.load(Ordering::SeqCst), 2);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(station);
    eventually(|| (dropped.load(Ordering::SeqCst) == 2).then_some(())).await;
}

#[tokio::test]
async fn work_after_an_answer_may_panic_and_call() {
    let handler = service(|incoming| async move {
        let peer = incoming.head.peer().clone();
        let after = After::new(async { panic!("a bug after an answer, on purpose") }).and(async move {
            let request = v16::GetConfigurationRequest::new();
            let failure = peer.call(request).await.unwrap_err();
            assert!(matches!(failure, CallFailure::Refused(_)));
        });
        result("{}").with_after(after)
    });
    let csms = serve(open_csms(handler).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await, json!([3, "1", {}]));
    let call = station.next_json().await;
    assert_eq!(call[2], "GetConfiguration");
    station.send(&format!(r#"[4,{},"NotSupported"]"#, call[1])).await;
    assert_eq!(station.exchange(r#"[2,"2","Heartbeat",{}]"#).await[1], "2");
}

#[tokio::test]
async fn what_comes_after_an_answer_does_not_run_if_the_answer_cannot_be_written() {
    let answers = Arc::new(AtomicUsize::new(0));
    let followed = Arc::new(AtomicUsize::new(0));
    let (counted, follows) = (Arc::clone(&answers), Arc::clone(&followed));
    let large = format!(r#"{{"data":"{}"}}"#, "x".repeat(1024 * 1024));
    let handler = service(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let (follows, reply) = (Arc::clone(&follows), result(&large));
        async move {
            reply.with_after(After::new(async move {
                follows.fetch_add(1, Ordering::SeqCst);
            }))
        }
    });
    let mut limits = Limits::default();
    limits.write_timeout = Duration::from_millis(300);
    // Compressed, all answers would fit into the buffers of the system.
    let plain = Config::default().with_deflate(None);
    let csms = open_csms(handler).limits(limits).websocket(plain).build();
    let mut events = csms.registry().events();
    let mut station = RawPeer::station(serve(csms).await, "CS001", "ocpp1.6").await;
    // A station that sends and does not read.
    for id in 0..100 {
        let call = format!(r#"[2,"{id}","DataTransfer",{{}}]"#);
        if station.socket.send(Frame::text(call)).await.is_err() {
            break;
        }
    }
    let reason = loop {
        if let SessionEvent::Disconnected(_, reason) = events.next().await.unwrap() {
            break reason;
        }
    };
    assert!(matches!(reason, EndReason::WriteTimedOut), "{reason}");
    // All answers but the last one were written, and followed.
    assert_eq!(followed.load(Ordering::SeqCst) + 1, answers.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_invalid_response_of_a_handler_is_an_internal_error() {
    let handler = service(|_| async {
        let time: types::DateTime = "2026-11-21T12:00:00Z".parse().unwrap();
        let mut info = v16::IdTagInfo::new(v16::AuthorizationStatus::Accepted);
        info.parent_id_tag = Some("x".repeat(21));
        info.expiry_date = Some(time);
        tieline_service::Reply::new(Answer::of(&v16::AuthorizeResponse::new(info)))
    });
    let csms = serve(open_csms(handler).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    let error = station.exchange(r#"[2,"1","Authorize",{"idTag":"a"}]"#).await;
    assert_eq!((&error[0], &error[2]), (&json!(4), &json!("InternalError")));
}

struct CountsDrop(Arc<AtomicUsize>);
impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
