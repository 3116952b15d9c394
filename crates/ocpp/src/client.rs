//! The charging station's side: connect to a CSMS.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ocpp_kit::engine::Role;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tieline_edge::websocket::{self, CloseCode, Connector};
use tieline_service::{Incoming, Reply};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::message_ids::{MessageIds, RandomMessageIds};
use crate::session::{Calls, Connection, EndReason, Observed, Session};
use crate::{CallObserver, Identity, IdentityError, Limits, Ocpp, Peer, Tolerance, Version};

/// What may stand in a path segment as it is (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A charging station that can connect to its CSMS.
///
/// ```no_run
/// use tieline_ocpp::client::ChargingStation;
/// use tieline_ocpp::{Ocpp, Version, v16};
/// use tieline_service::Router;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let station = ChargingStation::new("ws://localhost:9000/ocpp", "CS001", [Version::V1_6])?;
/// let session = station.connect(Router::<Ocpp, ()>::new().with_state(())).await?;
/// let csms = session.peer().clone();
/// tokio::spawn(session.run());
/// let boot = csms.call(v16::BootNotificationRequest::new("Takara", "Optimus")).await?;
/// println!("{:?}, next heartbeat in {} s", boot.status, boot.interval);
/// # Ok(()) }
/// ```
pub struct ChargingStation {
    address: Uri,
    identity: String,
    versions: Vec<Version>,
    password: Mutex<Option<Zeroizing<Vec<u8>>>>,
    connector: Connector,
    limits: Mutex<Arc<Limits>>,
    tolerance: Arc<Tolerance>,
    ids: Arc<dyn MessageIds>,
    observer: Option<Observed>,
    last_generation: Arc<AtomicU64>,
}

impl ChargingStation {
    /// A station with this identity, whose CSMS has this `ws` or `wss` address, to which the identity will be added.
    /// The versions are offered in this order of preference.
    pub fn new(
        csms: &str,
        identity: &str,
        versions: impl IntoIterator<Item = Version>,
    ) -> Result<Self, ConnectError> {
        let versions: Vec<Version> = versions.into_iter().collect();
        for version in &versions {
            Identity::parse(identity, *version)?;
        }
        Ok(Self {
            address: address(csms, identity)?,
            identity: identity.to_owned(),
            versions,
            password: Mutex::new(None),
            connector: Connector::default(),
            limits: Mutex::default(),
            tolerance: Arc::default(),
            ids: Arc::new(RandomMessageIds),
            observer: None,
            last_generation: Arc::default(),
        })
    }

    /// Authenticates with this password (security profiles 1 and 2): in 1.6 the octets of `AuthorizationKey`, in 2.x
    /// the text of `BasicAuthPassword`.
    pub fn with_password(self, password: impl Into<Vec<u8>>) -> Self {
        self.set_password(password);
        self
    }

    /// Authenticates with this password from the next connection on.
    pub fn set_password(&self, password: impl Into<Vec<u8>>) {
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = Some(Zeroizing::new(password.into()));
    }

    /// Sends pings after so much silence, from the next connection on; `None` sends none.
    pub fn set_ping_interval(&self, interval: Option<Duration>) {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        *limits = Arc::new(Limits { ping_interval: interval, ..(**limits).clone() });
    }

    fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Connects in this way, with TLS for example.
    pub fn with_connector(mut self, connector: Connector) -> Self {
        self.connector = connector;
        self
    }

    /// Limits and times of the sessions.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = Mutex::new(Arc::new(limits));
        self
    }

    /// What is forgiven to the CSMS.
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = Arc::new(tolerance);
        self
    }

    /// Where the ids of our own messages come from. Default: random UUIDs.
    pub fn with_message_ids(mut self, ids: impl MessageIds) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Lets somebody see our own calls.
    pub fn with_observer(mut self, observer: impl CallObserver) -> Self {
        self.observer = Some(Observed(Arc::new(observer)));
        self
    }

    /// The same station on its way to another CSMS, or to the same in another way. It sends its password unless it has another
    /// one there or proves itself by a certificate.
    #[cfg(feature = "charge-point")]
    pub(crate) fn elsewhere(
        &self,
        csms: &str,
        connector: Connector,
        profile: &crate::charge_point::NetworkProfile,
    ) -> Result<Self, ConnectError> {
        let identity = profile.identity.as_deref().unwrap_or(&self.identity);
        for version in &self.versions {
            Identity::parse(identity, *version)?;
        }
        let password = match &profile.password {
            _ if profile.security_profile >= 3 => None,
            Some(password) => Some(Zeroizing::new(password.clone().into_bytes())),
            None => self.password.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let mut limits = (*self.limits()).clone();
        if let Some(seconds) = u64::try_from(profile.message_timeout).ok().filter(|seconds| *seconds > 0) {
            limits.call_timeout = Duration::from_secs(seconds);
        }
        Ok(Self {
            address: address(csms, identity)?,
            identity: identity.to_owned(),
            versions: self.versions.clone(),
            password: Mutex::new(password),
            connector,
            limits: Mutex::new(Arc::new(limits)),
            tolerance: Arc::clone(&self.tolerance),
            ids: Arc::clone(&self.ids),
            observer: self.observer.clone(),
            last_generation: Arc::clone(&self.last_generation),
        })
    }

    /// The CSMS's address without the identity.
    #[cfg(feature = "charge-point")]
    pub(crate) fn csms(&self) -> String {
        let address = self.address.to_string();
        // What stands for an identity has no slash in it.
        address.rsplit_once('/').map_or_else(String::new, |(csms, _)| csms.to_owned())
    }

    #[cfg(feature = "charge-point")]
    pub(crate) fn has_password(&self) -> bool {
        self.password.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What its address and password say of its security profile; 0: none.
    #[cfg(feature = "charge-point")]
    pub(crate) fn security_profile(&self) -> i32 {
        if self.address.scheme_str() == Some("wss") { 2 } else { i32::from(self.has_password()) }
    }

    /// The version that it prefers.
    #[cfg(feature = "charge-point")]
    pub(crate) fn first_version(&self) -> Version {
        self.versions.first().copied().unwrap_or(Version::V1_6)
    }

    /// Connects once. The messages of the CSMS go to this service, while the session [runs](ClientSession::run).
    pub async fn connect<S>(&self, service: S) -> Result<ClientSession<S>, ConnectError>
    where
        S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        self.connect_with(service, self.limits()).await
    }

    /// [`connect`](Self::connect) for a station that the CSMS has accepted on an earlier connection, so that nothing
    /// waits for a BootNotification (2.x B01.FR.09).
    #[cfg(feature = "charge-point")]
    pub(crate) async fn connect_accepted<S>(&self, service: S) -> Result<ClientSession<S>, ConnectError>
    where
        S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let limits = Limits { boot_gate: false, ..(*self.limits()).clone() };
        self.connect_with(service, Arc::new(limits)).await
    }

    async fn connect_with<S>(&self, service: S, limits: Arc<Limits>) -> Result<ClientSession<S>, ConnectError>
    where
        S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let offer: Vec<&str> = self.versions.iter().map(|version| version.subprotocol()).collect();
        let connected =
            websocket::connect(&self.connector, &self.address, &offer, self.authorization()).await?;
        let mut socket = connected.socket;
        let Some(version) = connected.protocol.as_deref().and_then(Version::from_subprotocol) else {
            let closing = socket.close(CloseCode::PROTOCOL_ERROR, "no OCPP version in common");
            let _ = timeout(limits.close_timeout, closing).await;
            return Err(ConnectError::NoCommonVersion);
        };
        let peer = Peer(Arc::new(Session {
            identity: Identity::parse(&self.identity, version)?,
            version,
            generation: self.last_generation.fetch_add(1, Ordering::Relaxed) + 1,
            remote: None,
            tolerance: Arc::clone(&self.tolerance),
            extensions: self.observer.clone().map_or_else(http::Extensions::new, |observed| {
                let mut extensions = http::Extensions::new();
                extensions.insert(observed);
                extensions
            }),
            calls: Calls::new(limits.max_queued),
            limits,
        }));
        let ids = Arc::clone(&self.ids);
        let connection = Connection::new(socket, Role::ChargingStation, peer.clone(), service, ids);
        Ok(ClientSession { peer, connection })
    }

    fn authorization(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(password) = &*self.password.lock().unwrap_or_else(PoisonError::into_inner) {
            let mut credentials = Zeroizing::new(format!("{}:", self.identity).into_bytes());
            credentials.extend_from_slice(password);
            let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(&*credentials)))
                .expect("Base64 is a header value");
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }
}

fn address(csms: &str, identity: &str) -> Result<Uri, ConnectError> {
    let segment = utf8_percent_encode(identity, ESCAPED);
    format!("{}/{segment}", csms.trim_end_matches('/')).parse().map_err(|_| ConnectError::Address)
}

impl fmt::Debug for ChargingStation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChargingStation")
            .field("address", &self.address)
            .field("identity", &self.identity)
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}

/// An open session with a CSMS. Nothing moves unless it [runs](Self::run).
pub struct ClientSession<S> {
    peer: Peer,
    connection: Box<Connection<S, TokioIo<Upgraded>>>,
}

impl<S> ClientSession<S>
where
    S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    /// The handle on the CSMS.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Runs the session until it ends and its last handler has finished, and tells why it ended. Dropping the future
    /// cuts the connection.
    pub async fn run(self) -> EndReason {
        let mut reason = EndReason::Dropped;
        self.connection.run(|ended| reason = ended).await;
        reason
    }
}

impl<S> fmt::Debug for ClientSession<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Why a charging station has no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address of the CSMS is no address.
    #[error("the address of the CSMS cannot be used")]
    Address,
    /// The identity breaks the rules of a version that is offered.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The connection could not be made.
    #[error(transparent)]
    WebSocket(#[from] websocket::ConnectError),
    /// The CSMS supports none of the versions that were offered.
    #[error("no OCPP version in common")]
    NoCommonVersion,
}

impl ConnectError {
    /// Whether to try again later. An unknown charging station (404) is to try again too, since it may be registered
    /// meanwhile (1.6-J errata).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::WebSocket(websocket::ConnectError::Refused(StatusCode::NOT_FOUND)) => true,
            Self::WebSocket(error) => error.is_retryable(),
            Self::Address | Self::Identity(_) | Self::NoCommonVersion => false,
        }
    }
}
