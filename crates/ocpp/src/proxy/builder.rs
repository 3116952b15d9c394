//! Settings of a proxy to be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tieline_edge::websocket::{self, Connector};
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use super::Proxy;
use super::endpoint::Shared;
use crate::message_ids::{MessageIds, RandomMessageIds};
use crate::{Limits, Registry, Tolerance};

/// The address is no `ws` or `wss` address of a CSMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the CSMS is no ws or wss address")]
pub struct InvalidUpstream;

/// Settings of a [`Proxy`] to be.
pub struct Builder {
    shared: Shared,
    kept: usize,
}

impl Builder {
    pub(super) fn new(upstream: &str) -> Result<Self, InvalidUpstream> {
        let address: Uri = upstream.trim_end_matches('/').parse().map_err(|_| InvalidUpstream)?;
        if !matches!(address.scheme_str(), Some("ws" | "wss")) || address.query().is_some() {
            return Err(InvalidUpstream);
        }
        Ok(Self {
            kept: 1024,
            shared: Shared {
                upstream: upstream.trim_end_matches('/').to_owned(),
                prefix: "/ocpp".to_owned(),
                connector: Connector::default(),
                connect_timeout: Duration::from_secs(10),
                max_sessions: 100_000,
                registry: Registry::new(),
                limits: Arc::default(),
                tolerance: Arc::default(),
                websocket: websocket::Config::default(),
                ids: Arc::new(RandomMessageIds),
                frames: broadcast::Sender::new(1),
                sessions: TaskTracker::new(),
            },
        })
    }

    /// What stands before the identity in the path, without a slash at its end. Default: `/ocpp`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.shared.prefix = prefix.into();
        self
    }

    /// How the CSMS is reached, with TLS for example.
    pub fn connector(mut self, connector: Connector) -> Self {
        self.shared.connector = connector;
        self
    }

    /// How long the CSMS may take to accept a station. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.shared.connect_timeout = timeout;
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

    /// Limits and times: of the connections, and of calls of our own. The boot gate and the limits on handlers mean nothing here.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.shared.limits = Arc::new(limits);
        self
    }

    /// How the answers of the stations to calls of our own are read.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Self {
        self.shared.tolerance = Arc::new(tolerance);
        self
    }

    /// Message size, buffers and compression of the stations' connections. Those of the CSMS's are the connector's.
    pub fn websocket(mut self, config: websocket::Config) -> Self {
        self.shared.websocket = config;
        self
    }

    /// Where the ids of our own messages come from. Default: random UUIDs.
    pub fn message_ids(mut self, ids: impl MessageIds) -> Self {
        self.shared.ids = Arc::new(ids);
        self
    }

    /// How many messages are kept for those who look on too slowly. Default: 1024.
    pub fn kept_frames(mut self, frames: usize) -> Self {
        self.kept = frames.max(1);
        self
    }

    /// The proxy.
    pub fn build(mut self) -> Proxy {
        self.shared.frames = broadcast::Sender::new(self.kept);
        Proxy(Arc::new(self.shared))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("upstream", &self.shared.upstream).finish_non_exhaustive()
    }
}
