//! Who is let in, and how the connection is opened.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};
use serde_json::json;
use tieline_edge::websocket::{self, CloseCode, Config, ConnectError, Connector, Message as Frame};
use tieline_ocpp::csms::{Admission, Attempt, Csms, Passwords, Verdict};
use tieline_ocpp::{Identity, Version, client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{RawPeer, connected, eventually, open_csms, result, seen, serve, service, yes};

fn basic(user: &str, password: &[u8]) -> HeaderMap {
    let mut credentials = format!("{user}:").into_bytes();
    credentials.extend_from_slice(password);
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials))).unwrap();
    headers.insert(AUTHORIZATION, value);
    headers
}

async fn status(csms: std::net::SocketAddr, path: &str, headers: HeaderMap) -> u16 {
    let address = format!("ws://{csms}{path}").parse().unwrap();
    match websocket::connect(&Connector::default(), &address, &["ocpp1.6"], headers).await {
        Ok(_) => 101,
        Err(ConnectError::Refused(status)) => status.as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_unknown_are_not_found_and_wrong_passwords_unauthorized() {
    let key = [0, 1, 2, 0xFF, b':', 0x80];
    let csms = Csms::builder(yes()).authenticate(Passwords::new().with("CS001", key)).build();
    let csms = serve(csms).await;
    for (path, headers, expected) in [
        ("/ocpp/CS001", basic("CS001", &key), 101),
        ("/ocpp/CS%30%301", basic("CS001", &key), 101),
        ("/ocpp/CS001", basic("CS001", &key[1..]), 401),
        ("/ocpp/CS001", basic("CS001", b""), 401),
        ("/ocpp/CS001", basic("CS002", &key), 401),
        ("/ocpp/CS001", HeaderMap::new(), 401),
        ("/ocpp/CS002", basic("CS002", &key), 404),
        ("/ocpp/", HeaderMap::new(), 404),
        ("/", HeaderMap::new(), 404),
        ("/ocpp/CS001/more", basic("CS001", &key), 404),
        ("/ocpp/%00", HeaderMap::new(), 404),
        ("/ocpp/%FF", HeaderMap::new(), 404),
    ] {
        assert_eq!(status(csms, path, headers.clone()).await, expected, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn nobody_is_known_without_authentication() {
    let csms = serve(Csms::builder(yes()).build()).await;
    assert_eq!(status(csms, "/ocpp/CS001", HeaderMap::new()).await, 404);
}

#[tokio::test]
async fn authentication_may_fail_or_take_too_long() {
    async fn decide(attempt: Attempt) -> Verdict {
        match attempt.identity.as_str() {
            "slow" => std::future::pending().await,
            "down" => Verdict::Unavailable,
            _ => Verdict::accepted(),
        }
    }
    let csms = Csms::builder(yes())
        .authenticate(decide)
        .authentication_timeout(std::time::Duration::from_millis(50))
        .max_sessions(1)
        .build();
    let address = serve(csms.clone()).await;
    assert_eq!(status(address, "/ocpp/slow", HeaderMap::new()).await, 503);
    assert_eq!(status(address, "/ocpp/down", HeaderMap::new()).await, 503);
    let _first = RawPeer::station(address, "CS001", "ocpp1.6").await;
    connected(&csms, "CS001").await;
    assert_eq!(status(address, "/ocpp/CS002", HeaderMap::new()).await, 503);
    // It takes its own place anew.
    let _again = RawPeer::station(address, "CS001", "ocpp1.6").await;
}

#[tokio::test]
async fn what_the_authentication_attaches_reaches_handlers() {
    #[derive(Clone, Debug, PartialEq)]
    struct Row(u64);
    let (rows, sees) = seen();
    let handler = service(move |incoming| {
        rows.lock().unwrap().push(incoming.head.extensions.get::<Row>().cloned());
        assert_eq!(incoming.head.peer().extensions().get::<Row>(), Some(&Row(7)));
        async { result("{}") }
    });
    let decide = |_: Attempt| async { Verdict::Accepted(Admission::default().with_extension(Row(7))) };
    let csms = serve(Csms::builder(handler).authenticate(decide).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await[0], 3);
    assert_eq!(sees.lock().unwrap().as_slice(), [Some(Row(7))]);
}

#[tokio::test]
async fn the_station_s_order_of_preference_decides_the_version() {
    let csms = open_csms(yes()).versions([Version::V1_6, Version::V2_0_1]).build();
    let address = serve(csms.clone()).await;
    let uri = format!("ws://{address}/ocpp/CS001").parse().unwrap();
    for (offer, chosen) in [
        (&["ocpp2.1", "ocpp2.0.1", "ocpp1.6"][..], Some("ocpp2.0.1")),
        (&["ocpp1.6", "ocpp2.0.1"], Some("ocpp1.6")),
        (&["ocpp2.0", "ocpp1.6"], Some("ocpp1.6")),
        (&["ocpp2.1"], None),
        (&[], None),
    ] {
        let mut connected =
            websocket::connect(&Connector::default(), &uri, offer, HeaderMap::new()).await.unwrap();
        assert_eq!(connected.protocol.as_deref(), chosen, "{offer:?}");
        if chosen.is_none() {
            // Part 4 §3.1.2: the handshake is completed without a sub-protocol, then the connection is closed.
            let Some(Ok(Frame::Close(Some(close)))) = connected.socket.next().await else {
                panic!("not closed")
            };
            assert_eq!(close.code, CloseCode::PROTOCOL_ERROR);
            assert!(csms.registry().is_empty() || csms.registry().get("CS001").is_some());
        }
    }
    let station =
        client::ChargingStation::new(&format!("ws://{address}/ocpp"), "CS001", [Version::V2_1]).unwrap();
    let error = station.connect(yes()).await.unwrap_err();
    assert!(matches!(error, client::ConnectError::NoCommonVersion));
}

#[tokio::test]
async fn the_identity_keeps_the_rules_of_its_version() {
    let csms = open_csms(yes()).build();
    let address = serve(csms.clone()).await;
    let long = "x".repeat(49);
    for (identity, protocol, expected) in [
        ("a%3Ab", "ocpp1.6", true),
        ("a%3Ab", "ocpp2.0.1", false),
        (long.as_str(), "ocpp1.6", true),
        (long.as_str(), "ocpp2.1", false),
        ("%C3%A9%2F%20", "ocpp2.1", true),
    ] {
        let uri = format!("ws://{address}/ocpp/{identity}").parse().unwrap();
        let opened = websocket::connect(&Connector::default(), &uri, &[protocol], HeaderMap::new()).await;
        assert_eq!(opened.is_ok(), expected, "{identity} {protocol}");
    }
    eventually(|| csms.registry().get("é/ ")).await;
    assert!(Identity::parse("é/ ", Version::V2_1).is_ok());
}

/// The answer to a request as it stands on the wire, until the connection has nothing more.
async fn raw(csms: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(csms).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).to_ascii_lowercase()
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_by_its_status() {
    let csms = serve(open_csms(yes()).build()).await;
    let plain = raw(csms, "GET /ocpp/CS001 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(plain.starts_with("http/1.1 426 ") && plain.contains("upgrade: websocket"), "{plain}");
    let post = raw(csms, "POST /ocpp/CS001 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(post.starts_with("http/1.1 405 ") && post.contains("allow: get"), "{post}");
    let old = raw(
        csms,
        "GET /ocpp/CS001 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await;
    assert!(old.starts_with("http/1.1 426 ") && old.contains("sec-websocket-version: 13"), "{old}");
}

#[tokio::test]
async fn the_first_message_may_arrive_together_with_the_handshake() {
    let csms = serve(open_csms(yes()).build()).await;
    let mut stream = TcpStream::connect(csms).await.unwrap();
    let mut bytes = b"GET /ocpp/CS001 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
        .to_vec();
    let message = br#"[2,"1","Heartbeat",{}]"#;
    bytes.extend_from_slice(&[0x81, 0x80 | u8::try_from(message.len()).unwrap(), 0, 0, 0, 0]);
    bytes.extend_from_slice(message);
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(br#"[3,"1",{}]"#) {
        let mut chunk = [0; 1024];
        let length = stream.read(&mut chunk).await.unwrap();
        assert_ne!(length, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&chunk[..length]);
    }
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
    assert!(!answer.contains(SEC_WEBSOCKET_EXTENSIONS.as_str()), "{answer}");
    assert!(answer.contains(&format!("{SEC_WEBSOCKET_PROTOCOL}: ocpp1.6")), "{answer}");
}

#[tokio::test]
async fn permessage_deflate_is_agreed_unless_one_side_refuses() {
    for (server, station) in [(true, true), (true, false), (false, true)] {
        let config = if server { Config::default() } else { Config::default().with_deflate(None) };
        let csms = serve(open_csms(yes()).websocket(config).build()).await;
        let mut connector = Connector::default();
        connector.config = if station { Config::default() } else { Config::default().with_deflate(None) };
        let uri = format!("ws://{csms}/ocpp/CS001").parse().unwrap();
        let opened = websocket::connect(&connector, &uri, &["ocpp2.1"], HeaderMap::new()).await.unwrap();
        assert_eq!(opened.socket.is_compressed(), server && station);
        let mut station = RawPeer { socket: opened.socket };
        for round in 0..3 {
            let data = "compressible ".repeat(1000);
            let call = format!(r#"[2,"{round}","DataTransfer",{{"vendorId":"x","data":"{data}"}}]"#);
            assert_eq!(station.exchange(&call).await, json!([3, round.to_string(), {}]));
        }
    }
}

#[tokio::test]
async fn a_message_of_16_megabytes_ends_the_connection() {
    let csms = open_csms(yes()).build();
    let mut station = RawPeer::station(serve(csms.clone()).await, "CS001", "ocpp2.0.1").await;
    let mut events = csms.registry().events();
    let data: String = (0..16 * 1024 * 1024)
        .map(|n: u32| char::from(b'!' + (n.wrapping_mul(2_654_435_761) >> 26) as u8))
        .collect();
    let data = data.replace(['"', '\\'], "x");
    let message = format!(r#"[2,"1","DataTransfer",{{"vendorId":"x","data":"{data}"}}]"#);
    // The connection may break while this is being sent.
    let _ = station.socket.send(Frame::text(message)).await;
    let reason = loop {
        if let tieline_ocpp::SessionEvent::Disconnected(_, reason) = events.next().await.unwrap() {
            break reason;
        }
    };
    assert_eq!(reason.to_string(), "a message is larger than 1048576 bytes");
    assert!(csms.registry().is_empty());
}
