//! The HTTP service.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use ocpp_kit::engine::Role;
use ocpp_kit::message::Confirmed;
use tieline_edge::websocket::{self, CloseCode, Handshake, Upgrade};
use tieline_edge::{PeerIdentity, SystemClock};
use tieline_service::{Incoming, Reply};
use tieline_types::{Busy, Clock};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{Admission, Attempt, Authenticate, Credentials, Verdict, path};
use crate::message_ids::{MessageIds, RandomMessageIds};
use crate::session::{Calls, Connection, EndReason, Session};
use crate::{Action, CallFailure, Identity, Limits, Ocpp, Peer, Registry, Tolerance, Version};

/// A CSMS: an HTTP service that upgrades the requests of charging stations to sessions, whose messages it gives to
/// the service `S`, most often a `tieline_service::Router<Ocpp, _>`.
///
/// A station connects to the prefix, `/ocpp` unless configured otherwise, followed by its identity. Before the upgrade
/// it is refused with
///
/// | status | when |
/// |---|---|
/// | 404 | the path names no identity, or [`Authenticate`] does not know it |
/// | 401 | its credentials are wrong |
/// | 405, 426, 400 | the request is no WebSocket handshake |
/// | 503 | too many sessions, shutting down, or authentication is unavailable or takes too long |
///
/// If no version is common to both, the handshake is completed without a sub-protocol and the connection closed
/// (2.0.1 Part 4 §3.1.2).
///
/// ```
/// use tieline_ocpp::csms::{Csms, Passwords};
/// use tieline_ocpp::{CallError, Ocpp, v16};
/// use tieline_service::{Call, Router};
///
/// async fn on_heartbeat(_: Call<v16::HeartbeatRequest>) -> Result<v16::HeartbeatResponse, CallError> {
///     # let now: tieline_ocpp::types::DateTime = "2026-11-21T12:00:00Z".parse().unwrap();
///     Ok(v16::HeartbeatResponse::new(now))
/// }
///
/// let router = Router::<Ocpp, ()>::new().on(on_heartbeat).with_state(());
/// let csms = Csms::builder(router)
///     .authenticate(Passwords::new().with("CS001", "open sesame 4711"))
///     .build();
/// # let _ = csms.registry();
/// ```
#[derive(Clone)]
pub struct Csms<S> {
    service: S,
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    versions: Vec<Version>,
    authenticate: Box<dyn Authenticate>,
    authentication_timeout: Duration,
    max_sessions: usize,
    registry: Registry,
    limits: Arc<Limits>,
    tolerance: Arc<Tolerance>,
    websocket: websocket::Config,
    ids: Arc<dyn MessageIds>,
    clock: Arc<dyn Clock>,
    sessions: TaskTracker,
}

impl<S> Csms<S> {
    /// A CSMS whose messages go to this service.
    pub fn builder(service: S) -> Builder<S> {
        Builder {
            service,
            shared: Shared {
                prefix: "/ocpp".to_owned(),
                versions: vec![Version::V1_6, Version::V2_0_1, Version::V2_1],
                authenticate: Box::new(|_: Attempt| ready(Verdict::Unknown)),
                authentication_timeout: Duration::from_secs(10),
                max_sessions: 100_000,
                registry: Registry::new(),
                limits: Arc::default(),
                tolerance: Arc::default(),
                websocket: websocket::Config::default(),
                ids: Arc::new(RandomMessageIds),
                clock: Arc::new(SystemClock),
                sessions: TaskTracker::new(),
            },
        }
    }

    /// The charging stations that are connected.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// The charging stations that are connected now, ordered by identity.
    pub fn connected(&self) -> Vec<Peer> {
        self.shared.registry.connected()
    }

    /// Calls a charging station and waits for its response.
    ///
    /// # Errors
    ///
    /// [`CallFailure::Disconnected`] if it is not connected, and those of [`Peer::call`].
    ///
    /// ```no_run
    /// # async fn example<S>(csms: tieline_ocpp::csms::Csms<S>) -> Result<(), tieline_ocpp::CallFailure> {
    /// use tieline_ocpp::v16;
    ///
    /// let cleared = csms.call("CS001", v16::ClearChargingProfileRequest::new()).await?;
    /// println!("{}", cleared.status);
    /// # Ok(()) }
    /// ```
    pub async fn call<R: Action + Confirmed>(
        &self,
        identity: &str,
        request: R,
    ) -> Result<R::Response, CallFailure> {
        let station = self.shared.registry.get(identity).ok_or(CallFailure::Disconnected)?;
        station.call(request).await
    }

    /// Accepts no further session, closes all and waits until their handlers have finished, for at most
    /// [`Limits::close_timeout`] and [`Limits::finish_timeout`] together.
    pub async fn shut_down(&self) {
        self.shared.sessions.close();
        // A session that was being upgraded meanwhile closes itself when it finds the tracker closed.
        self.shared.registry.close_all();
        self.shared.sessions.wait().await;
    }
}

impl Shared {
    async fn verdict(&self, attempt: Attempt) -> Result<Admission, (StatusCode, &'static str)> {
        let unavailable = |cause| Err((StatusCode::SERVICE_UNAVAILABLE, cause));
        if self.sessions.is_closed() {
            return unavailable("shutting down");
        }
        // A station that connects anew takes no further place.
        if self.registry.len() >= self.max_sessions && self.registry.get(attempt.identity.as_str()).is_none()
        {
            return unavailable("too many sessions");
        }
        match timeout(self.authentication_timeout, self.authenticate.authenticate(attempt)).await {
            Ok(Verdict::Accepted(admission)) => Ok(admission),
            Ok(Verdict::Unknown) => Err((StatusCode::NOT_FOUND, "unknown charging station")),
            Ok(Verdict::Rejected) => Err((StatusCode::UNAUTHORIZED, "wrong credentials")),
            Ok(Verdict::Unavailable) => unavailable("authentication is unavailable"),
            Err(_) => unavailable("authentication took too long"),
        }
    }
}

impl<S> fmt::Debug for Csms<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csms")
            .field("prefix", &self.shared.prefix)
            .field("versions", &self.shared.versions)
            .field("sessions", &self.shared.registry.len())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Csms`] to be.
pub struct Builder<S> {
    service: S,
    shared: Shared,
}

impl<S> Builder<S> {
    /// Who may connect. Without it, nobody is known.
    pub fn authenticate(mut self, authenticate: impl Authenticate) -> Self {
        self.shared.authenticate = Box::new(authenticate);
        self
    }

    /// How long [`Authenticate`] may take. Default: 10 s.
    pub fn authentication_timeout(mut self, timeout: Duration) -> Self {
        self.shared.authentication_timeout = timeout;
        self
    }

    /// What stands before the identity in the path, without a slash at its end. Default: `/ocpp`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.shared.prefix = prefix.into();
        self
    }

    /// The versions that are accepted. The station's order of preference decides among them. Default: all.
    pub fn versions(mut self, versions: impl IntoIterator<Item = Version>) -> Self {
        self.shared.versions = versions.into_iter().collect();
        self
    }

    /// How many stations may be connected. Default: 100,000.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.shared.max_sessions = sessions;
        self
    }

    /// Where the sessions are registered. Default: a registry of its own.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.shared.registry = registry;
        self
    }

    /// Limits and times of the sessions.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.shared.limits = Arc::new(limits);
        self
    }

    /// What is forgiven to stations for which [`Authenticate`] says nothing else.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Self {
        self.shared.tolerance = Arc::new(tolerance);
        self
    }

    /// Message size, buffers and compression of the connections.
    pub fn websocket(mut self, config: websocket::Config) -> Self {
        self.shared.websocket = config;
        self
    }

    /// Where the ids of our own messages come from. Default: random UUIDs.
    pub fn message_ids(mut self, ids: impl MessageIds) -> Self {
        self.shared.ids = Arc::new(ids);
        self
    }

    /// The clock that stands still, if it is a virtual one, from when a station's request to connect is taken until its session is
    /// registered and all [listeners](Registry::events) have dealt with it. What its messages cause is the service's to hold:
    /// see `tieline_service::HoldTime`. Nothing here is timed by it. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.shared.clock = clock;
        self
    }

    /// The CSMS.
    pub fn build(self) -> Csms<S> {
        Csms { service: self.service, shared: Arc::new(self.shared) }
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("prefix", &self.shared.prefix).finish_non_exhaustive()
    }
}

impl<S, B> tower_service::Service<Request<B>> for Csms<S>
where
    S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let csms = self.clone();
        match csms.read(request) {
            Ok(arrival) => async move { Ok(csms.admit(arrival).await.map(|()| Empty::new())) }.boxed(),
            Err(refusal) => ready(Ok(refusal.map(|()| Empty::new()))).boxed(),
        }
    }
}

/// A request that is a proper handshake.
struct Arrival {
    handshake: Handshake,
    attempt: Attempt,
}

/// A station that may connect.
struct Admitted {
    identity: Identity,
    version: Version,
    generation: u64,
    remote: Option<SocketAddr>,
    admission: Admission,
}

impl<S> Csms<S>
where
    S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    fn read<B>(&self, mut request: Request<B>) -> Result<Arrival, Response<()>> {
        let remote_address = request.extensions().get::<PeerIdentity>().map(|peer| peer.remote);
        let Some(identity) = path::identity(request.uri().path(), &self.shared.prefix) else {
            let cause = "the path names no charging station";
            return Err(refused(request.uri().path(), remote_address, status(StatusCode::NOT_FOUND), &cause));
        };
        let handshake = Handshake::read(&mut request)
            .map_err(|refusal| refused(request.uri().path(), remote_address, refusal.response(), &refusal))?;
        let version = handshake
            .protocols()
            .filter_map(Version::from_subprotocol)
            .find(|version| self.shared.versions.contains(version));
        let identity = Identity::parse(&identity, version.unwrap_or(Version::V1_6)).map_err(|error| {
            refused(request.uri().path(), remote_address, status(StatusCode::NOT_FOUND), &error)
        })?;
        let credentials = Credentials::read(request.headers(), identity.as_str());
        let extensions = request.into_parts().0.extensions;
        let attempt = Attempt { identity, version, credentials, remote_address, extensions };
        Ok(Arrival { handshake, attempt })
    }

    async fn admit(self, arrival: Arrival) -> Response<()> {
        let Arrival { handshake, attempt } = arrival;
        let Attempt { identity, version, remote_address, .. } = attempt.clone();
        let admission = match self.shared.verdict(attempt).await {
            Ok(admission) => admission,
            Err((code, cause)) => return refused(&identity, remote_address, status(code), &cause),
        };
        let shared = Arc::clone(&self.shared);
        // Before the station hears that it is connected: its next connection is then surely the newer one.
        let generation = shared.registry.next_generation();
        let busy = shared.clock.busy();
        let (response, upgrade) = handshake.accept(version.map(Version::subprotocol), &shared.websocket);
        shared.sessions.spawn(async move {
            match version {
                Some(version) => {
                    let arrival =
                        Admitted { identity, version, generation, remote: remote_address, admission };
                    self.open(upgrade, arrival, busy).await;
                }
                None => turn_away(upgrade, &identity, self.shared.limits.close_timeout).await,
            }
        });
        response
    }

    /// Opens a session. It runs in a task of its own, which is as small as a session can be.
    async fn open(self, upgrade: Upgrade, admitted: Admitted, busy: Busy) {
        let Self { service, shared } = self;
        let Admitted { identity, version, generation, remote, admission } = admitted;
        let socket = match upgrade.finish().await {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(protocol = "ocpp", peer = %identity, cause = %error, "the upgrade failed");
                return;
            }
        };
        let session = Session {
            identity,
            version,
            generation,
            remote,
            tolerance: admission.tolerance.map_or_else(|| Arc::clone(&shared.tolerance), Arc::new),
            limits: Arc::clone(&shared.limits),
            extensions: admission.extensions,
            calls: Calls::new(shared.limits.max_queued),
        };
        let registration = shared.registry.register(session, Arc::clone(&shared.clock));
        drop(busy);
        let peer = registration.peer().clone();
        tracing::info!(
            protocol = "ocpp", peer = %peer, %version, generation = peer.generation(), remote = ?remote,
            compressed = socket.is_compressed(), "session started"
        );
        if shared.sessions.is_closed() {
            peer.0.calls.close(EndReason::ShuttingDown);
        }
        let connection = Connection::new(socket, Role::Csms, peer, service, Arc::clone(&shared.ids));
        shared.sessions.spawn(connection.run(|reason| registration.end(reason)));
    }
}

/// Closes the connection of a station with which no version is in common.
async fn turn_away(upgrade: Upgrade, identity: &Identity, limit: Duration) {
    tracing::warn!(protocol = "ocpp", peer = %identity, cause = "no version in common", "a connection was closed");
    let _ = timeout(limit, async {
        upgrade.finish().await?.close(CloseCode::PROTOCOL_ERROR, "no OCPP version in common").await
    })
    .await;
}

fn status(status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    match status {
        StatusCode::UNAUTHORIZED => {
            let challenge = HeaderValue::from_static("Basic realm=\"OCPP\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        _ => {}
    }
    response
}

/// Logs who is refused and why.
fn refused(
    who: &(impl fmt::Display + ?Sized),
    remote: Option<SocketAddr>,
    response: Response<()>,
    cause: &dyn fmt::Display,
) -> Response<()> {
    tracing::warn!(
        protocol = "ocpp", peer = %who, ?remote, status = response.status().as_u16(), %cause,
        "a connection was refused"
    );
    response
}
