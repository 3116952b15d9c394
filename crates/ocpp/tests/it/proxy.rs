//! In front of another CSMS.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tieline_edge::websocket::{self, CloseCode, CloseFrame, ConnectError, Connector, Message as Frame};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::csms::{Csms, Passwords};
use tieline_ocpp::proxy::{Origin, Proxy};
use tieline_ocpp::{CallFailure, ErrorCode, Limits, Peer, Version, v16, v21, v201};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{PATIENCE, RawPeer, eventually, raw_csms, serve, serve_http, yes};

/// A station, a proxy, and the CSMS behind it; both ends of raw frames.
struct Chain {
    proxy: Proxy,
    address: SocketAddr,
    station: RawPeer,
    csms: RawPeer,
    connections: mpsc::UnboundedReceiver<RawPeer>,
}

impl Chain {
    async fn new(protocol: &str) -> Self {
        Self::with(protocol, Limits::default()).await
    }

    async fn with(protocol: &str, limits: Limits) -> Self {
        let (csms, mut connections) = raw_csms().await;
        let proxy = Proxy::builder(&format!("ws://{csms}/ocpp")).unwrap().limits(limits).build();
        let address = serve_http(proxy.clone()).await;
        let station = RawPeer::station(address, "CS001", protocol).await;
        let csms = connections.recv().await.unwrap();
        Self { proxy, address, station, csms, connections }
    }

    async fn peer(&self) -> Peer {
        eventually(|| self.proxy.registry().get("CS001")).await
    }

    /// What the station gets next is a call of ours: its id and its action.
    async fn call_of_ours(&mut self) -> (String, String) {
        let call = self.station.next_json().await;
        assert_eq!(call[0], 2);
        (call[1].as_str().unwrap().to_owned(), call[2].as_str().unwrap().to_owned())
    }

    /// The next that the CSMS gets is this, so nothing came before it.
    async fn csms_gets(&mut self, text: &str) {
        self.station.send(text).await;
        assert_eq!(self.csms.next().await.as_deref(), Some(text));
    }

    async fn station_gets(&mut self, text: &str) {
        self.csms.send(text).await;
        assert_eq!(self.station.next().await.as_deref(), Some(text));
    }
}

fn clear() -> v16::ClearChargingProfileRequest {
    v16::ClearChargingProfileRequest::new()
}

const HEARTBEAT: &str = r#"[2,"a","Heartbeat",{}]"#;

#[tokio::test]
async fn all_passes_byte_for_byte() {
    let mut chain = Chain::new("ocpp2.1").await;
    let long = format!(r#"[2,"long","DataTransfer",{{"vendorId":"{}"}}]"#, "é".repeat(200_000));
    let texts = [
        HEARTBEAT,
        "[ 2 ,\t\"b\" , \"BootNotification\", { \"reason\" : \"Power\\u0055p\", \"n\": 1.50 } ]  ",
        r#"[3,"nobody asked",{"status":"Accepted"}]"#,
        r#"[4,"x","FormationViolation",""]"#,
        r#"[5,"x","FormatViolation","",{}]"#,
        r#"[6,"s","NotifyPeriodicEventStream",{}]"#,
        r#"[9,"?",{}]"#,
        "no JSON at all",
        "",
        &long,
    ];
    for text in texts {
        chain.csms_gets(text).await;
        chain.station_gets(text).await;
    }
    let bytes = Frame::Binary(Bytes::from_static(b"\x00\xff"));
    chain.station.socket.send(bytes.clone()).await.unwrap();
    assert_eq!(chain.csms.socket.next().await.unwrap().unwrap(), bytes);
    chain.csms.socket.send(bytes.clone()).await.unwrap();
    assert_eq!(chain.station.socket.next().await.unwrap().unwrap(), bytes);
}

#[tokio::test]
async fn a_call_of_ours_is_answered_to_us_alone() {
    let mut chain = Chain::new("ocpp1.6").await;
    let peer = chain.peer().await;
    assert_eq!((peer.version(), peer.identity().as_str()), (Version::V1_6, "CS001"));
    let calling = tokio::spawn({
        let peer = peer.clone();
        async move { peer.call(clear()).await }
    });
    let (id, action) = chain.call_of_ours().await;
    assert_eq!(action, "ClearChargingProfile");
    assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 4);
    // Meanwhile the station's own messages pass.
    chain.csms_gets(HEARTBEAT).await;
    chain.station_gets(r#"[3,"a",{"currentTime":"2026-06-01T12:00:00Z"}]"#).await;
    chain.station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#)).await;
    assert_eq!(calling.await.unwrap().unwrap().status, v16::ClearChargingProfileStatus::Accepted);
    chain.csms_gets(HEARTBEAT).await;

    let calling = tokio::spawn(async move { peer.call(clear()).await });
    let (id, _) = chain.call_of_ours().await;
    chain.station.send(&format!(r#"[4,"{id}","NotSupported"]"#)).await;
    let refused = calling.await.unwrap();
    assert!(
        matches!(&refused, Err(CallFailure::Refused(error)) if error.code == ErrorCode::NotSupported),
        "{refused:?}"
    );
    chain.csms_gets(HEARTBEAT).await;
}

#[tokio::test]
async fn the_station_has_one_call_to_answer_at_a_time() {
    let mut chain = Chain::new("ocpp1.6").await;
    let peer = chain.peer().await;
    // The CSMS calls first: ours waits.
    let theirs = r#"[2,"theirs","ClearCache",{}]"#;
    chain.station_gets(theirs).await;
    let first = tokio::spawn({
        let peer = peer.clone();
        async move { peer.call(clear()).await }
    });
    let nothing = timeout(Duration::from_millis(200), chain.station.socket.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    chain.csms_gets(r#"[3,"theirs",{"status":"Accepted"}]"#).await;
    let (id, _) = chain.call_of_ours().await;
    // Ours is unanswered: the CSMS's call waits, its answers do not.
    chain.csms.send(theirs).await;
    chain.station_gets(r#"[3,"a",{}]"#).await;
    // A second of ours waits behind it.
    let second = tokio::spawn(async move { peer.call(clear()).await });
    chain.station.send(&format!(r#"[3,"{id}",{{"status":"Unknown"}}]"#)).await;
    assert!(first.await.unwrap().is_ok());
    assert_eq!(chain.station.next().await.as_deref(), Some(theirs));
    chain.csms_gets(r#"[3,"theirs",{"status":"Accepted"}]"#).await;
    let (id, _) = chain.call_of_ours().await;
    chain.station.send(&format!(r#"[3,"{id}",{{"status":"Unknown"}}]"#)).await;
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test]
async fn an_answer_that_comes_too_late_stays_here() {
    let mut limits = Limits::default();
    limits.call_timeout = Duration::from_millis(300);
    let mut chain = Chain::with("ocpp1.6", limits).await;
    let peer = chain.peer().await;
    let calling = tokio::spawn(async move { peer.call(clear()).await });
    let (id, _) = chain.call_of_ours().await;
    let theirs = r#"[2,"theirs","ClearCache",{}]"#;
    chain.csms.send(theirs).await;
    assert!(matches!(calling.await.unwrap(), Err(CallFailure::TimedOut)));
    assert_eq!(chain.station.next().await.as_deref(), Some(theirs), "it waits no longer");
    chain.station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#)).await;
    chain.csms_gets(r#"[3,"theirs",{"status":"Accepted"}]"#).await;
    // A station that never answers the CSMS can be called all the same, later.
    chain.station_gets(r#"[2,"never","ClearCache",{}]"#).await;
    let peer = chain.peer().await;
    let calling = tokio::spawn(async move { peer.call(clear()).await });
    let (id, _) = chain.call_of_ours().await;
    chain.station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#)).await;
    assert!(calling.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_close_passes_with_its_code_and_a_cut_is_a_cut() {
    let close = |code, reason: &str| {
        Frame::Close(Some(CloseFrame { code: CloseCode(code), reason: reason.to_owned() }))
    };
    let mut chain = Chain::new("ocpp2.0.1").await;
    chain.station.socket.send(close(4001, "firmware update")).await.unwrap();
    assert_eq!(chain.csms.socket.next().await.unwrap().unwrap(), close(4001, "firmware update"));
    eventually(|| chain.proxy.registry().is_empty().then_some(())).await;

    let mut chain = Chain::new("ocpp2.0.1").await;
    let calling = tokio::spawn({
        let peer = chain.peer().await;
        async move { peer.call(v201::ClearCacheRequest::new()).await }
    });
    chain.call_of_ours().await;
    chain.csms.socket.send(close(1012, "restart")).await.unwrap();
    assert_eq!(chain.station.socket.next().await.unwrap().unwrap(), close(1012, "restart"));
    assert!(matches!(calling.await.unwrap(), Err(CallFailure::Disconnected)));

    let Chain { station, mut csms, .. } = Chain::new("ocpp2.0.1").await;
    drop(station);
    let end = timeout(PATIENCE, csms.socket.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(Frame::Close(_)))), "{end:?}");
}

#[tokio::test]
async fn who_connects_anew_takes_his_own_place() {
    let mut chain = Chain::new("ocpp1.6").await;
    let before = chain.peer().await;
    let mut anew = RawPeer::station(chain.address, "CS001", "ocpp1.6").await;
    let mut csms = chain.connections.recv().await.unwrap();
    assert_eq!(chain.station.next().await, None);
    assert_eq!(chain.csms.next().await, None);
    eventually(|| (!before.is_connected()).then_some(())).await;
    anew.send(HEARTBEAT).await;
    assert_eq!(csms.next().await.as_deref(), Some(HEARTBEAT));
    assert!(chain.peer().await.generation() > before.generation());
    chain.proxy.shut_down().await;
    assert_eq!((anew.next().await, csms.next().await), (None, None));
}

async fn status(proxy: SocketAddr, identity: &str, password: Option<&str>) -> u16 {
    let mut headers = HeaderMap::new();
    if let Some(password) = password {
        let value = format!("Basic {}", STANDARD.encode(format!("{identity}:{password}")));
        headers.insert(AUTHORIZATION, HeaderValue::try_from(value).unwrap());
    }
    let address = format!("ws://{proxy}/ocpp/{identity}").parse().unwrap();
    match websocket::connect(&Connector::default(), &address, &["ocpp1.6"], headers).await {
        Ok(_) => 101,
        Err(ConnectError::Refused(status)) => status.as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn credentials_and_refusals_pass() {
    let csms = Csms::builder(yes()).authenticate(Passwords::new().with("CS 001", "open sesame")).build();
    let upstream = serve(csms).await;
    let proxy = Proxy::builder(&format!("ws://{upstream}/ocpp/")).unwrap().build();
    let address = serve_http(proxy).await;
    assert_eq!(status(address, "CS%20001", None).await, 401);
    assert_eq!(status(address, "CS002", Some("open sesame")).await, 404);
    assert_eq!(status(address, "", None).await, 404);
    let station = |password: &str| {
        ChargingStation::new(&format!("ws://{address}/ocpp"), "CS 001", [Version::V2_1, Version::V1_6])
            .unwrap()
            .with_password(password)
    };
    let session = station("open sesame").connect(yes()).await.unwrap();
    assert_eq!(session.peer().version(), Version::V2_1);
    let csms = session.peer().clone();
    tokio::spawn(session.run());
    let boot =
        v21::BootNotificationRequest::new(v21::ChargingStation::new("m", "v"), v21::BootReason::PowerUp);
    // The CSMS behind answers everything with nothing, so this shows that the answer is its own.
    let answered = csms.call(boot).await;
    assert!(matches!(answered, Err(CallFailure::UnusableResult(_))), "{answered:?}");

    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unreachable = nobody.local_addr().unwrap();
    drop(nobody);
    let proxy = serve_http(Proxy::builder(&format!("ws://{unreachable}")).unwrap().build()).await;
    assert_eq!(status(proxy, "CS001", None).await, 502);
    for address in ["http://csms.example.com", "csms.example.com", "ws://csms.example.com/?a=b"] {
        assert!(Proxy::builder(address).is_err(), "{address}");
    }
}

#[tokio::test]
async fn nobody_waits_for_who_looks_on() {
    let mut chain = Chain::new("ocpp1.6").await;
    let mut watching = chain.proxy.frames();
    let peer = chain.peer().await;
    chain.csms_gets(HEARTBEAT).await;
    chain.station_gets(r#"[3,"a",{"currentTime":"2026-06-01T12:00:00Z"}]"#).await;
    let calling = tokio::spawn(async move { peer.call(clear()).await });
    let (id, _) = chain.call_of_ours().await;
    chain.station.send(&format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#)).await;
    calling.await.unwrap().unwrap();
    let first = watching.next().await.unwrap().unwrap();
    assert_eq!(
        (first.from, first.text.as_str(), first.peer.identity().as_str()),
        (Origin::ChargingStation, HEARTBEAT, "CS001")
    );
    let second = watching.next().await.unwrap().unwrap();
    assert_eq!(second.from, Origin::Csms);
    for _ in 0..1_500 {
        chain.csms_gets(HEARTBEAT).await;
    }
    assert_eq!(watching.next().await.unwrap().unwrap_err(), 1_500 - 1_024);
    let next: Value = serde_json::from_str(watching.next().await.unwrap().unwrap().text.as_str()).unwrap();
    assert_eq!(next, json!([2, "a", "Heartbeat", {}]));
}
