//! Reconnecting, and what the registry tells of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::poll;
use serde_json::json;
use tieline_ocpp::{EndReason, Registry, SessionEvent, Version, v16};
use tieline_types::ManualClock;
use tokio::time::timeout;

use crate::support::{PATIENCE, RawPeer, connected, eventually, open_csms, serve, yes};

#[tokio::test]
async fn the_newest_session_wins_and_the_older_one_is_closed() {
    let csms = open_csms(yes()).build();
    let address = serve(csms.clone()).await;
    let mut events = csms.registry().events();
    let mut old = RawPeer::station(address, "CS001", "ocpp1.6").await;
    let old_peer = connected(&csms, "CS001").await;
    let mut new = RawPeer::station(address, "CS001", "ocpp2.0.1").await;
    assert_eq!(old.next().await, None);
    eventually(|| (!old_peer.is_connected()).then_some(())).await;
    let new_peer = connected(&csms, "CS001").await;
    assert!(new_peer.generation() > old_peer.generation());
    assert_eq!(new_peer.version(), Version::V2_0_1);
    assert_eq!(new.exchange(r#"[2,"1","Heartbeat",{}]"#).await, json!([3, "1", {}]));

    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(match timeout(PATIENCE, events.next()).await.unwrap().unwrap() {
            SessionEvent::Connected(info) => ("connected", info.generation, String::new()),
            SessionEvent::Disconnected(info, EndReason::Superseded) => {
                ("superseded", info.generation, String::new())
            }
            other => ("other", 0, format!("{other:?}")),
        });
    }
    let (old, new) = (old_peer.generation(), new_peer.generation());
    assert_eq!(
        told,
        [
            ("connected", old, String::new()),
            ("connected", new, String::new()),
            ("superseded", old, String::new()),
        ]
    );
}

#[tokio::test]
async fn a_virtual_clock_stands_still_until_a_connection_was_dealt_with() {
    let clock = ManualClock::new("2026-06-10T08:00:00Z".parse().unwrap());
    let csms = open_csms(yes()).clock(Arc::new(clock.clone())).build();
    let address = serve(csms.clone()).await;
    let mut events = csms.registry().events();
    for _ in 0..20 {
        let station = RawPeer::station(address, "CS001", "ocpp1.6").await;
        // The station knows that it is connected, and nobody here may have heard of it.
        assert!(!clock.is_idle());
        let event = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        assert!(matches!(event, SessionEvent::Connected(_)), "{event:?}");
        assert!(!clock.is_idle());
        let mut next = Box::pin(events.next());
        assert!(poll!(&mut next).is_pending());
        eventually(|| clock.is_idle().then_some(())).await;

        drop(station);
        let event = timeout(PATIENCE, next).await.unwrap().unwrap();
        assert!(matches!(event, SessionEvent::Disconnected(..)), "{event:?}");
        assert!(!clock.is_idle());
        assert!(poll!(Box::pin(events.next())).is_pending());
        assert!(clock.is_idle());
    }
}

/// The race that four projects lose: the end of the old session removes the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_station_that_reconnects_all_the_time_stays_reachable() {
    let csms = open_csms(yes()).build();
    let address = serve(csms.clone()).await;
    let mut last_generation = 0;
    for round in 0..200 {
        // Sometimes the old connection is gone, sometimes it lingers, sometimes it is just going.
        let old = RawPeer::station(address, "CS001", "ocpp1.6").await;
        match round % 3 {
            0 => drop(old),
            1 => drop(tokio::spawn(async move { drop(old) })),
            _ => drop(tokio::spawn(async move {
                let mut old = old;
                old.next().await
            })),
        }
        let mut new = RawPeer::station(address, "CS001", "ocpp1.6").await;
        assert_eq!(new.exchange(r#"[2,"1","Heartbeat",{}]"#).await, json!([3, "1", {}]));
        let peer = csms.registry().get("CS001").expect("the new session is registered");
        assert!(peer.generation() > last_generation);
        last_generation = peer.generation();
        let call = tokio::spawn(async move { peer.call(v16::ClearCacheRequest::new()).await });
        let frame = new.next_json().await;
        new.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, frame[1])).await;
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_listener_that_is_too_slow_is_told_how_much_it_missed() {
    let registry = Registry::with_event_capacity(2);
    let csms = open_csms(yes()).registry(registry.clone()).build();
    let address = serve(csms).await;
    let mut events = registry.events();
    let mut stations = Vec::new();
    for number in 0..5 {
        stations.push(RawPeer::station(address, &format!("CS{number}"), "ocpp1.6").await);
    }
    eventually(|| (registry.len() == 5).then_some(())).await;
    assert!(matches!(events.next().await, Some(SessionEvent::Missed(3))));
    assert!(matches!(events.next().await, Some(SessionEvent::Connected(_))));
    assert_eq!(registry.connected().len(), 5);
}

#[tokio::test]
async fn shutting_down_closes_all_sessions_and_accepts_no_more() {
    let csms = open_csms(yes()).build();
    let address = serve(csms.clone()).await;
    let mut stations = Vec::new();
    for number in 0..10 {
        stations.push(RawPeer::station(address, &format!("CS{number}"), "ocpp1.6").await);
    }
    eventually(|| (csms.registry().len() == 10).then_some(())).await;
    let shut_down = tokio::spawn({
        let csms = csms.clone();
        async move { csms.shut_down().await }
    });
    for station in &mut stations {
        assert_eq!(station.next().await, None);
    }
    drop(stations);
    timeout(PATIENCE, shut_down).await.unwrap().unwrap();
    assert!(csms.registry().is_empty());
    let address = format!("ws://{address}/ocpp/CS1").parse().unwrap();
    let refused = tieline_edge::websocket::connect(
        &tieline_edge::websocket::Connector::default(),
        &address,
        &["ocpp1.6"],
        http::HeaderMap::new(),
    )
    .await
    .unwrap_err();
    assert!(refused.is_retryable(), "{refused}");
}

#[tokio::test]
async fn a_peer_can_be_closed_with_a_reason() {
    let csms = open_csms(yes()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp2.1").await;
    let mut events = csms.registry().events();
    connected(&csms, "CS001").await.close("maintenance");
    let closed = timeout(Duration::from_secs(20), station.socket.next()).await.unwrap().unwrap().unwrap();
    let tieline_edge::websocket::Message::Close(Some(close)) = closed else { panic!("{closed:?}") };
    assert_eq!((close.code.0, close.reason.as_str()), (1000, "maintenance"));
    let ended = loop {
        if let SessionEvent::Disconnected(info, reason) = events.next().await.unwrap() {
            break (info.identity.to_string(), reason.to_string());
        }
    };
    assert_eq!(ended, ("CS001".to_owned(), "closed: maintenance".to_owned()));
}
