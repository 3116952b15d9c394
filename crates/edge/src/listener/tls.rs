use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::handshakes::{HandshakeLimits, Handshakes};
use super::{Listener, bind};
use crate::tls::ServerTls;
use crate::{EdgeError, PeerIdentity, TlsIdentity};

/// Listens for TLS connections.
///
/// Handshakes run beside each other, so a slow peer delays nobody. One that fails is logged with the peer's address.
#[derive(Debug)]
pub struct TlsListener {
    tls: ServerTls,
    handshakes: Handshakes<TlsStream<TcpStream>>,
}

impl TlsListener {
    /// Listens on this address; port 0 lets the system choose. Needs a tokio runtime around it.
    pub fn bind(address: SocketAddr, tls: ServerTls, limits: HandshakeLimits) -> Result<Self, EdgeError> {
        Ok(Self { tls, handshakes: Handshakes::on(bind(address)?, limits) })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;

    async fn accept(&mut self) -> (Self::Io, PeerIdentity) {
        let tls = &self.tls;
        let handshake = |stream, remote| {
            let handshake = TlsAcceptor::from(tls.current()).accept(stream);
            async move {
                let stream = handshake.await?;
                let identity = identify(&stream, remote);
                Ok((stream, identity))
            }
        };
        self.handshakes.next(handshake).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.handshakes.local_addr()
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
