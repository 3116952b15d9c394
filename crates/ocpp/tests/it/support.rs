//! A CSMS on a real port, and peers made of raw frames.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::value::RawValue;
use tieline_edge::websocket::{self, Config, Connector, Handshake, Message as Frame, WebSocket};
use tieline_ocpp::csms::{Anyone, Builder, Csms};
use tieline_ocpp::{Answer, Ocpp, Peer};
use tieline_service::{Incoming, Reply};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Long enough for a busy machine, short enough for a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A service made of one async function.
pub(crate) fn service<F, Answering>(
    answer: F,
) -> impl tower::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    F: Fn(Incoming<Ocpp>) -> Answering + Clone + Send + Sync + 'static,
    Answering: Future<Output = Reply<Ocpp>> + Send + 'static,
{
    tower::service_fn(move |incoming| {
        let answering = answer(incoming);
        async move { Ok(answering.await) }
    })
}

/// A service that answers everything with an empty object.
pub(crate) fn yes()
-> impl tower::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service(|_| async { result("{}") })
}

/// A CALLRESULT.
pub(crate) fn result(payload: &str) -> Reply<Ocpp> {
    Reply::new(Answer::Result(json(payload)))
}

pub(crate) fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// Serves a CSMS on a port of its own, for as long as the test lasts.
pub(crate) async fn serve<S>(csms: Csms<S>) -> SocketAddr
where
    S: tower::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    serve_http(csms).await
}

/// Serves an HTTP service on a port of its own, for as long as the test lasts.
pub(crate) async fn serve_http<H>(http: H) -> SocketAddr
where
    H: tower::Service<
            http::Request<hyper::body::Incoming>,
            Response = http::Response<Empty<Bytes>>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let service = TowerToHyperService::new(http.clone());
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                let _ = connection.await;
            });
        }
    });
    address
}

/// A CSMS that knows anyone.
pub(crate) fn open_csms<S>(service: S) -> Builder<S> {
    Csms::builder(service).authenticate(Anyone)
}

/// A charging station of raw frames.
pub(crate) struct RawPeer {
    pub(crate) socket: WebSocket,
}

impl RawPeer {
    pub(crate) async fn station(csms: SocketAddr, identity: &str, protocol: &str) -> Self {
        let address = format!("ws://{csms}/ocpp/{identity}").parse().unwrap();
        let mut connector = Connector::default();
        connector.config = Config::default().with_max_message_size(64 * 1024 * 1024);
        let connected =
            websocket::connect(&connector, &address, &[protocol], HeaderMap::new()).await.unwrap();
        assert_eq!(connected.protocol.as_deref(), Some(protocol));
        Self { socket: connected.socket }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Frame::text(text)).await.unwrap();
    }

    /// The next text; pings and pongs are passed over.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Frame::Text(text))) => return Some(text.as_str().to_owned()),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return None,
            }
        }
    }

    pub(crate) async fn next_json(&mut self) -> serde_json::Value {
        let text = self.next().await.expect("the connection is open");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Sends a message and returns what comes back.
    pub(crate) async fn exchange(&mut self, text: &str) -> serde_json::Value {
        self.send(text).await;
        self.next_json().await
    }
}

/// A CSMS of raw frames: the connections it gets, each with its sub-protocol as the station asked for it first.
pub(crate) async fn raw_csms() -> (SocketAddr, mpsc::UnboundedReceiver<RawPeer>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connected, connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let connected = connected.clone();
            let accept =
                hyper::service::service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
                    let handshake = Handshake::read(&mut request).unwrap();
                    let first = match handshake.protocols().next() {
                        Some("ocpp1.6") => "ocpp1.6",
                        Some("ocpp2.0.1") => "ocpp2.0.1",
                        _ => "ocpp2.1",
                    };
                    let (response, upgrade) = handshake.accept(Some(first), &Config::default());
                    let connected = connected.clone();
                    tokio::spawn(async move {
                        connected.send(RawPeer { socket: upgrade.finish().await.unwrap() })
                    });
                    async move { Ok::<_, Infallible>(response.map(|()| Empty::<Bytes>::new())) }
                });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), accept)
                    .with_upgrades(),
            );
        }
    });
    (address, connections)
}

/// The handle on a station, as soon as it is connected.
pub(crate) async fn connected<S>(csms: &Csms<S>, identity: &str) -> Peer {
    eventually(|| csms.registry().get(identity)).await
}

/// Waits until something is there.
pub(crate) async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    timeout(PATIENCE, async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it happens in time")
}

/// What handlers saw.
pub(crate) type Seen<T> = Arc<Mutex<Vec<T>>>;

/// A place for what handlers see: one handle to write, one to read.
pub(crate) fn seen<T>() -> (Seen<T>, Seen<T>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    (Arc::clone(&seen), seen)
}
