//! What a peer may take of a server.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tieline_edge::listener::{Listener, PlainListener};
use tieline_edge::{ServeConfig, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn start(config: ServeConfig) -> (std::net::SocketAddr, DropGuard) {
    let listener = PlainListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let router = Router::new()
        .route("/", get(|| async { "served" }))
        .route("/large", get(|| async { "x".repeat(64 * 1024 * 1024) }));
    tokio::spawn(serve(listener, router, config, shutdown.clone()));
    (address, shutdown.drop_guard())
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"served") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{answer:?}");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn headers_that_trickle_in_end_the_connection() {
    let (address, _server) = start(ServeConfig::default().with_header_timeout(Duration::from_millis(400)));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let (mut read, mut write) = stream.split();
    let trickle = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if write.write_all(b"X-Slow: 1\r\n").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let closed = async {
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        answer
    };
    tokio::select! {
        () = trickle => unreachable!("it never ends"),
        answer = closed => assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}"),
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let (address, _server) = start(ServeConfig::default().with_header_timeout(Duration::from_millis(300)));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn too_many_headers_and_too_large_ones_are_answered_431() {
    let (address, _server) = start(ServeConfig::default().with_max_headers(10));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let many = "X-Many: 1\r\n".repeat(20);
    stream.write_all(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 431"));

    let mut stream = TcpStream::connect(address).await.unwrap();
    let large = "x".repeat(17 * 1024);
    stream.write_all(format!("GET / HTTP/1.1\r\nX-Large: {large}\r\n\r\n").as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_connection_beyond_the_bound_waits_until_one_ends() {
    let (address, _server) = start(ServeConfig::default().with_max_connections(1));
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(REQUEST).await.unwrap();
    read_answer(&mut first).await;

    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(REQUEST).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(200), read_answer(&mut second)).await;
    assert!(waiting.is_err());
    drop(first);
    assert!(read_answer(&mut second).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn an_address_in_use_is_an_error_worth_a_retry() {
    let listener = PlainListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let error = PlainListener::bind(listener.local_addr().unwrap()).unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_let_go() {
    let config =
        ServeConfig::default().with_max_connections(1).with_write_timeout(Duration::from_millis(300));
    let (address, _server) = start(config);
    let mut stuck = TcpStream::connect(address).await.unwrap();
    stuck.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();

    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(REQUEST).await.unwrap();
    assert!(read_answer(&mut second).await.starts_with("HTTP/1.1 200 OK"));
    assert!(read_to_end(&mut stuck).await.len() < 64 * 1024 * 1024);
}
