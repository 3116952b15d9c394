//! The two ends of a session: one of ours, with a typed route for every action, and one made of raw frames.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderMap;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::value::RawValue;
use tieline_edge::websocket::{self, Config, Connector, Handshake, Message as Frame, WebSocket};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::{Limits, Peer, Version};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::actions::router;
use crate::book::Book;

/// Long enough for a busy machine, short enough for a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Which end is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Csms,
    Station,
}

/// An open session.
pub(crate) struct Link {
    pub(crate) raw: RawPeer,
    /// Our handle on the raw end.
    pub(crate) peer: Peer,
    pub(crate) book: Book,
}

/// A frame as it was read: its type, its id, and what follows.
pub(crate) struct Parts(pub(crate) Vec<Box<RawValue>>);

/// An end of a connection that says what it is told to.
pub(crate) struct RawPeer(WebSocket);

impl Link {
    pub(crate) async fn open(ours: Ours, version: Version) -> Self {
        let book = Book::default();
        match ours {
            Ours::Csms => {
                let (address, csms) = csms(&book, version).await;
                let raw = RawPeer::station(address, version.subprotocol()).await;
                Self { raw, peer: connected(csms.as_ref()).await, book }
            }
            Ours::Station => {
                let (address, raw) = raw_csms(version.subprotocol()).await;
                let peer = station(&format!("ws://{address}/ocpp"), version, &book).await;
                Self { raw: raw.await.expect("it connects"), peer, book }
            }
        }
    }
}

/// A registry's look-up, whatever the service.
pub(crate) type Lookup = Box<dyn Fn() -> Option<Peer> + Send + Sync>;

/// A CSMS of ours that knows anyone, and the way to the station that is connected.
pub(crate) async fn csms(book: &Book, version: Version) -> (SocketAddr, Lookup) {
    let service = router(version).with_state(book.clone());
    let csms = Csms::builder(service).authenticate(Anyone).limits(limits()).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let registry = csms.registry().clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket has the option");
            let service = TowerToHyperService::new(csms.clone());
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                let _ = connection.await;
            });
        }
    });
    (address, Box::new(move || registry.connected().into_iter().next()))
}

/// The station that is connected, as soon as it is.
pub(crate) async fn connected(lookup: &(dyn Fn() -> Option<Peer> + Send + Sync)) -> Peer {
    let connected = timeout(PATIENCE, async {
        loop {
            if let Some(peer) = lookup() {
                return peer;
            }
            sleep(Duration::from_millis(5)).await;
        }
    });
    connected.await.expect("a station connects in time")
}

/// A charging station of ours, connected: the handle on its CSMS.
pub(crate) async fn station(csms: &str, version: Version, book: &Book) -> Peer {
    let station = ChargingStation::new(csms, "CS001", [version]).expect("an address").with_limits(limits());
    let session = station.connect(router(version).with_state(book.clone())).await.expect("a CSMS");
    let peer = session.peer().clone();
    tokio::spawn(session.run());
    peer
}

/// What messages say is made by chance, the status of a BootNotification too: so it opens and closes no gate.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.boot_gate = false;
    limits.call_timeout = PATIENCE;
    limits
}

/// The address of a CSMS of raw frames, and the first connection that it gets.
async fn raw_csms(protocol: &'static str) -> (SocketAddr, oneshot::Receiver<RawPeer>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let (connected, connection) = oneshot::channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket has the option");
        let (completed, mut handshakes) = mpsc::channel(1);
        let accept = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
            let handshake = Handshake::read(&mut request).expect("a handshake");
            let (response, upgrade) = handshake.accept(Some(protocol), &Config::default());
            completed.try_send(upgrade).expect("one handshake");
            async move { Ok::<_, Infallible>(response.map(|()| Empty::<Bytes>::new())) }
        });
        let serving = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), accept)
            .with_upgrades();
        tokio::spawn(serving);
        let upgrade = handshakes.recv().await.expect("a handshake");
        let _ = connected.send(RawPeer(upgrade.finish().await.expect("an upgrade")));
    });
    (address, connection)
}

impl RawPeer {
    async fn station(csms: SocketAddr, protocol: &str) -> Self {
        let address = format!("ws://{csms}/ocpp/CS001").parse().expect("an address");
        let connector = Connector::default();
        let connected = websocket::connect(&connector, &address, &[protocol], HeaderMap::new()).await;
        Self(connected.expect("a CSMS").socket)
    }

    pub(crate) async fn send(&mut self, frame: &str) {
        self.0.send(Frame::text(frame.to_owned())).await.expect("the connection is open");
    }

    /// The next frame; pings and pongs are passed over.
    pub(crate) async fn next(&mut self) -> Parts {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message in time") {
                Some(Ok(Frame::Text(text))) => {
                    let parts = serde_json::from_str(text.as_str());
                    return Parts(parts.unwrap_or_else(|error| panic!("{error}: {}", text.as_str())));
                }
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                other => panic!("the connection ended: {other:?}"),
            }
        }
    }

    /// Sends a message and returns what comes back.
    pub(crate) async fn exchange(&mut self, frame: &str) -> Parts {
        self.send(frame).await;
        self.next().await
    }
}

impl Parts {
    /// The type of the message, `2` of a CALL.
    pub(crate) fn kind(&self) -> &str {
        self.0[0].get()
    }

    /// The id of the message, as JSON.
    pub(crate) fn id(&self) -> &str {
        self.0[1].get()
    }

    /// A text among the parts.
    pub(crate) fn text(&self, index: usize) -> String {
        serde_json::from_str(self.0[index].get()).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<&str> = self.0.iter().map(|part| part.get()).collect();
        let text = parts.join(",");
        write!(f, "[{}]", text.chars().take(400).collect::<String>())
    }
}
