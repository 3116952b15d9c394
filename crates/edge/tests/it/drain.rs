//! How a server ends: requests under way are answered, idle connections closed, stuck ones cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use hyper_util::rt::TokioIo;
use tieline_edge::listener::{Listener, PlainListener};
use tieline_edge::{Drained, ServeConfig, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    entered: Arc<Notify>,
    go_on: Arc<Notify>,
    task: JoinHandle<Drained>,
}

fn start(grace: Duration) -> Server {
    let listener = PlainListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (entered, go_on) = (Arc::clone(&entered), Arc::clone(&go_on));
        move || async move {
            entered.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let router = Router::new().route("/wait", get(wait)).route("/upgrade", get(upgrade));
    let shutdown = CancellationToken::new();
    let config = ServeConfig::default().with_grace(grace);
    let task = tokio::spawn(serve(listener, router, config, shutdown.clone()));
    Server { address, shutdown, entered, go_on, task }
}

/// Switches to a protocol that repeats what it hears.
async fn upgrade(request: Request) -> Response {
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    });
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .body(axum::body::Body::empty())
        .unwrap()
}

async fn open(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn open_upgraded(address: SocketAddr) -> TcpStream {
    let mut stream = open(address, "/upgrade").await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream.write_all(b"hello").await.unwrap();
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"hello");
    stream
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_request_under_way_is_answered() {
    let server = start(Duration::from_secs(30));
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = open(server.address, "/wait").await;
    server.entered.notified().await;

    server.shutdown.cancel();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing more is accepted");
    server.go_on.notify_one();
    let answer = read_to_end(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
    assert!(server.task.await.unwrap().is_complete());
}

#[tokio::test]
async fn a_request_that_outlives_the_grace_period_is_cut() {
    let server = start(Duration::from_millis(100));
    let mut busy = open(server.address, "/wait").await;
    server.entered.notified().await;
    server.shutdown.cancel();
    let drained = server.task.await.unwrap();
    assert_eq!((drained.cut, drained.left_open), (1, 0));
    assert_eq!(read_to_end(&mut busy).await, "");
}

#[tokio::test]
async fn an_upgraded_connection_is_waited_for() {
    let server = start(Duration::from_secs(30));
    let upgraded = open_upgraded(server.address).await;
    server.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!server.task.is_finished());
    drop(upgraded);
    assert!(server.task.await.unwrap().is_complete());
}

#[tokio::test]
async fn an_upgraded_connection_that_stays_is_reported() {
    let server = start(Duration::from_millis(100));
    let _upgraded = open_upgraded(server.address).await;
    server.shutdown.cancel();
    let drained = server.task.await.unwrap();
    assert_eq!((drained.cut, drained.left_open), (0, 1));
}
