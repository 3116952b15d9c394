//! Where connections come from.
//!
//! [`Listener`] is the port: whatever accepts connections and can say who is at the other end.
//! [`TlsListener`] is the normal one. [`PlainListener`] is for a loopback, or for a terminating proxy in front.
//! `StaticRsaListener` (feature `static-rsa`) is for peers that know only old suites of TLS.

mod handshakes;
mod plain;
#[cfg(feature = "static-rsa")]
mod static_rsa;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

pub use handshakes::HandshakeLimits;
pub use plain::PlainListener;
#[cfg(feature = "static-rsa")]
pub use static_rsa::StaticRsaListener;
pub use tls::TlsListener;

use crate::{EdgeError, PeerIdentity};

/// How many connections the system keeps until they are accepted: many peers come back at once after a network failed.
const BACKLOG: u32 = 4096;
/// How long to wait after the system refused to accept a connection, mostly for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(500);

/// Accepts connections, ready to be spoken on.
pub trait Listener: Send + 'static {
    /// The byte stream of a connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and who is at its other end.
    ///
    /// Trouble with one connection, or a passing lack of resources, is the listener's to log and outlive.
    /// Cancel safe: a dropped future loses no connection.
    fn accept(&mut self) -> impl Future<Output = (Self::Io, PeerIdentity)> + Send;

    /// The address that is listened on, with the port that the system chose if 0 was asked for.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

fn bind(address: SocketAddr) -> Result<TcpListener, EdgeError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart must not wait for the connections of the last run to be forgotten. Windows means another thing by it.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| EdgeError::Bind { address, source })
}

/// The next TCP connection, whatever goes wrong in between.
async fn accept_tcp(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                // Small messages with an answer each: waiting to fill a segment only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(peer = %remote, %error, "TCP_NODELAY cannot be set");
                }
                return (stream, remote);
            }
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
