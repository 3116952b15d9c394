use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::accept_tcp;
use crate::PeerIdentity;

/// Limits on handshakes, which peers start before they have proved anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeLimits {
    /// How long a handshake may take. Default: 10 seconds.
    pub timeout: Duration,
    /// How many may be under way; further connections wait in the system's backlog. At least 1. Default: 512.
    pub in_flight: usize,
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), in_flight: 512 }
    }
}

impl HandshakeLimits {
    /// The same limits with another [`timeout`](Self::timeout).
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same limits with another number [`in_flight`](Self::in_flight).
    pub fn with_in_flight(mut self, in_flight: usize) -> Self {
        self.in_flight = in_flight;
        self
    }
}

/// Handshakes that run beside each other, so that a slow peer delays nobody. One that fails is logged with the peer's
/// address.
#[derive(Debug)]
pub(super) struct Handshakes<Io> {
    tcp: TcpListener,
    limits: HandshakeLimits,
    under_way: JoinSet<Option<(Io, PeerIdentity)>>,
}

impl<Io: Send + 'static> Handshakes<Io> {
    pub(super) fn on(tcp: TcpListener, limits: HandshakeLimits) -> Self {
        Self { tcp, limits, under_way: JoinSet::new() }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next connection whose handshake is done. Cancel safe.
    pub(super) async fn next<H>(
        &mut self,
        handshake: impl Fn(TcpStream, SocketAddr) -> H,
    ) -> (Io, PeerIdentity)
    where
        H: Future<Output = io::Result<(Io, PeerIdentity)>> + Send + 'static,
    {
        loop {
            let may_start = self.under_way.len() < self.limits.in_flight.max(1);
            tokio::select! {
                biased;
                Some(done) = self.under_way.join_next() => match done {
                    Ok(Some(accepted)) => return accepted,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "a TLS handshake panicked"),
                },
                (stream, remote) = accept_tcp(&self.tcp), if may_start => {
                    self.under_way.spawn(bounded(handshake(stream, remote), remote, self.limits.timeout));
                }
            }
        }
    }
}

async fn bounded<Io>(
    handshake: impl Future<Output = io::Result<(Io, PeerIdentity)>>,
    remote: SocketAddr,
    timeout: Duration,
) -> Option<(Io, PeerIdentity)> {
    match tokio::time::timeout(timeout, handshake).await {
        Ok(Ok(accepted)) => Some(accepted),
        Ok(Err(error)) => {
            tracing::info!(peer = %remote, %error, "TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::info!(peer = %remote, ?timeout, "TLS handshake took too long");
            None
        }
    }
}
