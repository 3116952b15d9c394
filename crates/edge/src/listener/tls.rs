use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Listener, accept_tcp, bind};
use crate::tls::ServerTls;
use crate::{EdgeError, PeerIdentity, TlsIdentity};

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

/// Listens for TLS connections.
///
/// Handshakes run beside each other, so a slow peer delays nobody. One that fails is logged with the peer's address.
#[derive(Debug)]
pub struct TlsListener {
    tcp: TcpListener,
    tls: ServerTls,
    limits: HandshakeLimits,
    handshakes: JoinSet<Option<Accepted>>,
}

type Accepted = (TlsStream<TcpStream>, PeerIdentity);

impl TlsListener {
    /// Listens on this address; port 0 lets the system choose. Needs a tokio runtime around it.
    pub fn bind(address: SocketAddr, tls: ServerTls, limits: HandshakeLimits) -> Result<Self, EdgeError> {
        Ok(Self { tcp: bind(address)?, tls, limits, handshakes: JoinSet::new() })
    }

    fn start(&mut self, stream: TcpStream, remote: SocketAddr) {
        let acceptor = TlsAcceptor::from(self.tls.current());
        let timeout = self.limits.timeout;
        self.handshakes.spawn(async move {
            match tokio::time::timeout(timeout, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let identity = identify(&stream, remote);
                    Some((stream, identity))
                }
                Ok(Err(error)) => {
                    tracing::info!(peer = %remote, %error, "TLS handshake failed");
                    None
                }
                Err(_) => {
                    tracing::info!(peer = %remote, ?timeout, "TLS handshake took too long");
                    None
                }
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;

    async fn accept(&mut self) -> Accepted {
        loop {
            let may_start = self.handshakes.len() < self.limits.in_flight.max(1);
            tokio::select! {
                biased;
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Some(accepted)) => return accepted,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "a TLS handshake panicked"),
                },
                (stream, remote) = accept_tcp(&self.tcp), if may_start => self.start(stream, remote),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

fn identify(stream: &TlsStream<TcpStream>, remote: SocketAddr) -> PeerIdentity {
    let peer = PeerIdentity::new(remote);
    // rustls gives the chain only once it is verified, the end-entity certificate first.
    match stream.get_ref().1.peer_certificates().and_then(<[_]>::first) {
        Some(leaf) => peer.with_tls(TlsIdentity::new(leaf.clone().into_owned())),
        None => peer,
    }
}
