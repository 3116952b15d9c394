use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use super::{Listener, accept_tcp, bind};
use crate::{EdgeError, PeerIdentity};

/// Listens for TCP connections without TLS.
///
/// Anyone on the path can read and change what is said. Use it on a loopback address, or behind a proxy that
/// terminates TLS.
#[derive(Debug)]
pub struct PlainListener {
    tcp: TcpListener,
}

impl PlainListener {
    /// Listens on this address; port 0 lets the system choose. Needs a tokio runtime around it.
    pub fn bind(address: SocketAddr) -> Result<Self, EdgeError> {
        Ok(Self { tcp: bind(address)? })
    }
}

impl Listener for PlainListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> (TcpStream, PeerIdentity) {
        let (stream, remote) = accept_tcp(&self.tcp).await;
        (stream, PeerIdentity::new(remote))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
