//! What else may connect to a time server.

use std::time::Duration;

use tieline_edge::virtual_clock::{VirtualClock, VirtualClockError};
use tieline_sim::{ParticipantState, TimeServer};
use tieline_types::Clock as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{MIDNIGHT, loopback};

/// What the server says to this until it ends the connection.
async fn answer_to(server: &TimeServer, said: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let mut answer = Vec::new();
    // The server may have ended the connection before all was written, or read.
    let _ = socket.write_all(said).await;
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn whoever_is_no_participant_is_told_so_and_harms_nobody() {
    let server = TimeServer::bind(loopback(), MIDNIGHT, ["agr"]).await.unwrap();
    let (_clock, busy) = VirtualClock::connect(server.address(), "agr").await.unwrap();
    drop(busy);

    let refused = answer_to(&server, b"{\"hello\":{\"version\":1,\"name\":\"dso\"}}\n").await;
    assert_eq!(refused, "{\"refused\":{\"cause\":\"nobody expects a participant `dso`\"}}\n");
    let refused = answer_to(&server, b"{\"hello\":{\"version\":2,\"name\":\"agr\"}}\n").await;
    assert_eq!(refused, "{\"refused\":{\"cause\":\"this is version 1, not 2\"}}\n");
    let refused = answer_to(&server, b"{\"report\":{\"round\":null,\"still\":null}}\n").await;
    assert_eq!(refused, "{\"refused\":{\"cause\":\"say hello first\"}}\n");
    let long = format!("{{\"hello\":{{\"version\":1,\"name\":\"{}\"}}}}\n", "a".repeat(129));
    assert!(answer_to(&server, long.as_bytes()).await.contains("longer than 128 bytes"));
    assert_eq!(answer_to(&server, b"GET / HTTP/1.1\r\n\r\n").await, "");
    assert_eq!(answer_to(&server, &[b'a'; 4096]).await, "");
    assert_eq!(answer_to(&server, b"\xff\xfe\n").await, "");

    server.run_until(MIDNIGHT).await;
    assert_eq!(server.status().participants["agr"], ParticipantState::Idle { next_wait: None });
}

#[tokio::test]
async fn a_name_that_nobody_expects_is_refused_to_the_client() {
    let server = TimeServer::bind(loopback(), MIDNIGHT, ["agr"]).await.unwrap();
    let error = VirtualClock::connect(server.address(), "ag").await.unwrap_err();
    assert!(matches!(error, VirtualClockError::Refused(_)), "{error:?}");
    assert!(!error.retry());
    server.expect("ag");
    let (clock, _busy) = VirtualClock::connect(server.address(), "ag").await.unwrap();
    assert_eq!(clock.now(), MIDNIGHT);
}

#[tokio::test]
async fn a_server_that_is_none_is_an_error() {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let wrong = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        socket
    });
    let error = VirtualClock::connect(address, "agr").await.unwrap_err();
    assert!(matches!(error, VirtualClockError::Wire(_)), "{error:?}");
    drop(wrong.await.unwrap());

    let error = VirtualClock::connect(address, "agr").await.unwrap_err();
    assert!(matches!(error, VirtualClockError::Unreachable { .. }) && error.retry(), "{error:?}");
}
