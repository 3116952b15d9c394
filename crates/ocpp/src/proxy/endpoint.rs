//! The HTTP service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use tieline_edge::websocket::{self, CloseCode, ConnectError, Connected, Connector, Handshake, Upgrade};
use tieline_edge::{PeerIdentity, SystemClock};
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::relay::Relay;
use super::{Builder, InvalidUpstream, ProxiedFrame, ProxiedFrames};
use crate::csms::path;
use crate::message_ids::MessageIds;
use crate::session::{Calls, EndReason, Session};
use crate::{Identity, Limits, Registry, Tolerance, Version};

/// A proxy between charging stations and their CSMS: see [the module](super).
///
/// A station is refused with
///
/// | status | when |
/// |---|---|
/// | that of the CSMS | the CSMS refuses it |
/// | 404 | the path names no identity |
/// | 405, 426, 400 | the request is no WebSocket handshake |
/// | 502, 504 | the CSMS can't be reached, or takes too long |
/// | 503 | too many sessions, or shutting down |
#[derive(Clone)]
pub struct Proxy(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) upstream: String,
    pub(super) prefix: String,
    pub(super) connector: Connector,
    pub(super) connect_timeout: Duration,
    pub(super) max_sessions: usize,
    pub(super) registry: Registry,
    pub(super) limits: Arc<Limits>,
    pub(super) tolerance: Arc<Tolerance>,
    pub(super) websocket: websocket::Config,
    pub(super) ids: Arc<dyn MessageIds>,
    pub(super) frames: broadcast::Sender<ProxiedFrame>,
    pub(super) sessions: TaskTracker,
}

/// A request that is a proper handshake.
struct Arrival {
    handshake: Handshake,
    identity: String,
    address: Uri,
    headers: HeaderMap,
    remote: Option<std::net::SocketAddr>,
}

impl Proxy {
    /// A proxy to the CSMS at this `ws` or `wss` address, to which the identity of each station is added.
    ///
    /// # Errors
    ///
    /// It is no such address.
    pub fn builder(upstream: &str) -> Result<Builder, InvalidUpstream> {
        Builder::new(upstream)
    }

    /// The charging stations that are connected, to call them.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The messages that pass from now on.
    pub fn frames(&self) -> ProxiedFrames {
        ProxiedFrames(self.0.frames.subscribe())
    }

    /// Accepts no further session, closes all and waits until they have ended, for at most [`Limits::close_timeout`].
    pub async fn shut_down(&self) {
        self.0.sessions.close();
        self.0.registry.close_all();
        self.0.sessions.wait().await;
    }

    fn read<B>(&self, mut request: Request<B>) -> Result<Arrival, StatusCode> {
        let full = request.uri().path().to_owned();
        let Some(identity) = path::identity(&full, &self.0.prefix) else { return Err(StatusCode::NOT_FOUND) };
        let handshake = Handshake::read(&mut request).map_err(|refusal| refusal.response().status())?;
        // The identity goes on as it was written.
        let segment = &full[self.0.prefix.len()..];
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let address =
            format!("{}{segment}{query}", self.0.upstream).parse().map_err(|_| StatusCode::NOT_FOUND)?;
        let remote = request.extensions().get::<PeerIdentity>().map(|peer| peer.remote);
        Ok(Arrival { handshake, identity, address, headers: passed_on(request.headers()), remote })
    }

    async fn admit(self, arrival: Arrival) -> Result<Response<()>, (StatusCode, HeaderMap)> {
        let shared = &self.0;
        if shared.sessions.is_closed() || shared.registry.len() >= shared.max_sessions {
            return Err((StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new()));
        }
        let Arrival { handshake, identity, address, headers, remote } = arrival;
        let offered: Vec<String> = handshake.protocols().map(str::to_owned).collect();
        let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
        let connecting = websocket::connect(&shared.connector, &address, &offered, headers);
        let connected = match timeout(shared.connect_timeout, connecting).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => {
                let status = match &error {
                    ConnectError::Refused(status) => *status,
                    _ => StatusCode::BAD_GATEWAY,
                };
                tracing::warn!(protocol = "ocpp", peer = identity, ?remote, %error, "the CSMS takes no connection");
                let mut headers = HeaderMap::new();
                if status == StatusCode::UNAUTHORIZED {
                    headers.insert(WWW_AUTHENTICATE, http::HeaderValue::from_static("Basic realm=\"OCPP\""));
                }
                return Err((status, headers));
            }
            Err(_) => return Err((StatusCode::GATEWAY_TIMEOUT, HeaderMap::new())),
        };
        let version = connected.protocol.as_deref().and_then(Version::from_subprotocol);
        let generation = shared.registry.next_generation();
        let (response, upgrade) = handshake.accept(version.map(Version::subprotocol), &shared.websocket);
        let session = version.and_then(|version| {
            let identity = Identity::parse(&identity, version).ok()?;
            Some(Session {
                identity,
                version,
                generation,
                remote,
                tolerance: Arc::clone(&shared.tolerance),
                limits: Arc::clone(&shared.limits),
                extensions: http::Extensions::new(),
                calls: Calls::new(shared.limits.max_queued),
            })
        });
        let tracker = shared.sessions.clone();
        tracker.spawn(async move {
            match session {
                Some(session) => self.relay(upgrade, connected, session).await,
                None => turn_away(upgrade, connected, self.0.limits.close_timeout).await,
            }
        });
        Ok(response)
    }

    async fn relay(self, upgrade: Upgrade, connected: Connected, session: Session) {
        let station = match upgrade.finish().await {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(protocol = "ocpp", peer = %session.identity, cause = %error, "the upgrade failed");
                return;
            }
        };
        let registration = self.0.registry.register(session, Arc::new(SystemClock));
        let peer = registration.peer().clone();
        tracing::info!(
            protocol = "ocpp", peer = %peer, version = %peer.version(), generation = peer.generation(),
            remote = ?peer.remote_address(), "proxied session started"
        );
        if self.0.sessions.is_closed() {
            peer.0.calls.close(EndReason::ShuttingDown);
        }
        let (ids, frames) = (Arc::clone(&self.0.ids), self.0.frames.clone());
        Relay::new(station, connected.socket, peer, ids, frames).run(|reason| registration.end(reason)).await;
    }
}

/// Headers for the CSMS: all but those of this connection alone (RFC 9110 §7.6.1, RFC 6455 §4.1).
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let is_ours = |name: &HeaderName| {
        [HOST, CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
            || name.as_str().starts_with("sec-websocket-")
            || matches!(
                name.as_str(),
                "keep-alive" | "te" | "trailer" | "proxy-authorization" | "proxy-connection"
            )
    };
    let passed = headers.iter().filter(|(name, _)| !is_ours(name));
    passed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The CSMS has no version in common with the station: it closes, and so do we.
async fn turn_away(upgrade: Upgrade, mut connected: Connected, limit: Duration) {
    let why = "no OCPP version in common";
    let _ = timeout(limit, async {
        let mut station = upgrade.finish().await?;
        let _ = tokio::join!(
            station.close(CloseCode::PROTOCOL_ERROR, why),
            connected.socket.close(CloseCode::PROTOCOL_ERROR, why)
        );
        Ok::<_, websocket::Error>(())
    })
    .await;
}

fn refused(status: StatusCode, headers: HeaderMap) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("upstream", &self.0.upstream)
            .field("sessions", &self.0.registry.len())
            .finish_non_exhaustive()
    }
}

impl<B> tower_service::Service<Request<B>> for Proxy {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let proxy = self.clone();
        match proxy.read(request) {
            Ok(arrival) => async move {
                Ok(match proxy.admit(arrival).await {
                    Ok(response) => response.map(|()| Empty::new()),
                    Err((status, headers)) => refused(status, headers),
                })
            }
            .boxed(),
            Err(status) => ready(Ok(refused(status, HeaderMap::new()))).boxed(),
        }
    }
}
