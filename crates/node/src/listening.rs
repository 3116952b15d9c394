//! The node's listeners: bound before anything else begins, served once all is put together.

use std::net::SocketAddr;

#[cfg(feature = "static-rsa")]
use tieline_edge::listener::StaticRsaListener;
use tieline_edge::listener::{Listener as _, PlainListener, TlsListener};
use tieline_edge::{Drained, serve};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::NodeError;
#[cfg(feature = "static-rsa")]
use crate::config::TlsConfig;
use crate::config::{ListenerLimits, Transport};

/// A listener whose address is taken, and that nobody serves yet: connections wait in the system's backlog.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: Either,
    limits: ListenerLimits,
    address: SocketAddr,
}

#[derive(Debug)]
enum Either {
    Plain(PlainListener),
    Tls(TlsListener),
    #[cfg(feature = "static-rsa")]
    StaticRsa(StaticRsaListener),
}

impl Bound {
    pub(crate) fn to(
        address: SocketAddr,
        transport: &Transport,
        limits: ListenerLimits,
    ) -> Result<Self, NodeError> {
        let listener = match transport {
            Transport::Plaintext => Either::Plain(PlainListener::bind(address)?),
            #[cfg(feature = "static-rsa")]
            Transport::Tls(tls @ TlsConfig { static_rsa: Some(config), .. }) => {
                let tls = tls.openssl(config)?;
                Either::StaticRsa(StaticRsaListener::bind(address, tls, limits.handshakes())?)
            }
            Transport::Tls(tls) => {
                Either::Tls(TlsListener::bind(address, tls.server()?, limits.handshakes())?)
            }
        };
        let address = match &listener {
            Either::Plain(listener) => listener.local_addr(),
            Either::Tls(listener) => listener.local_addr(),
            #[cfg(feature = "static-rsa")]
            Either::StaticRsa(listener) => listener.local_addr(),
        };
        let address = address.map_err(|cause| NodeError::Unusable(cause.to_string()))?;
        Ok(Self { listener, limits, address })
    }

    /// The address, with the port that the system chose if 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, and lets what is under way end.
    pub(crate) async fn serve(self, service: axum::Router, stop: CancellationToken) {
        let limits = self.limits.serve();
        let drained: Drained = match self.listener {
            Either::Plain(listener) => serve(listener, service, limits, stop).await,
            Either::Tls(listener) => serve(listener, service, limits, stop).await,
            #[cfg(feature = "static-rsa")]
            Either::StaticRsa(listener) => serve(listener, service, limits, stop).await,
        };
        if !drained.is_complete() {
            warn!(%drained, "stopped before all requests had ended");
        }
    }
}
