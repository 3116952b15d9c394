use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use openssl::ssl::Ssl;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::handshakes::{HandshakeLimits, Handshakes};
use super::{Listener, bind};
use crate::tls::StaticRsaTls;
use crate::{EdgeError, PeerIdentity, TlsIdentity};

/// Listens for TLS connections of peers that may know no suites but those of static RSA.
///
/// As [`TlsListener`](super::TlsListener), but by OpenSSL. Serve such peers on a port of their own, so that it is closed
/// when the last of them is gone.
#[derive(Debug)]
pub struct StaticRsaListener {
    tls: StaticRsaTls,
    handshakes: Handshakes<SslStream<TcpStream>>,
}

impl StaticRsaListener {
    /// Listens on this address; port 0 lets the system choose. Needs a tokio runtime around it.
    pub fn bind(address: SocketAddr, tls: StaticRsaTls, limits: HandshakeLimits) -> Result<Self, EdgeError> {
        Ok(Self { tls, handshakes: Handshakes::on(bind(address)?, limits) })
    }
}

impl Listener for StaticRsaListener {
    type Io = SslStream<TcpStream>;

    async fn accept(&mut self) -> (Self::Io, PeerIdentity) {
        let tls = &self.tls;
        self.handshakes.next(|stream, remote| shake_hands(tls.connection(), stream, remote)).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.handshakes.local_addr()
    }
}

async fn shake_hands(
    connection: Result<Ssl, openssl::error::ErrorStack>,
    stream: TcpStream,
    remote: SocketAddr,
) -> io::Result<(SslStream<TcpStream>, PeerIdentity)> {
    let mut stream = SslStream::new(connection?, stream)?;
    Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
    let peer = PeerIdentity::new(remote);
    // A certificate that is not verified has ended the handshake.
    let peer = match stream.ssl().peer_certificate() {
        Some(leaf) => peer.with_tls(TlsIdentity::new(CertificateDer::from(leaf.to_der()?))),
        None => peer,
    };
    Ok((stream, peer))
}
