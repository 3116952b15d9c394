use std::io;
use std::net::SocketAddr;

use jiff::Timestamp;

use super::wire::WireError;

/// Why there is no virtual time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VirtualClockError {
    /// The time server can't be reached.
    #[error("the time server at {server} can't be reached")]
    Unreachable {
        /// Its address.
        server: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The time server said nothing for too long.
    #[error("the time server at {server} does not answer")]
    Silent {
        /// Its address.
        server: SocketAddr,
    },
    /// The time server does not want this participant.
    #[error("the time server refused: {0}")]
    Refused(String),
    /// The connection broke, or something else than a time server is at its other end.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The time server ended the connection.
    #[error("the time server ended the connection")]
    Ended,
    /// The time server is not where this clock is: it is another one, or was started anew.
    #[error("the time server says {told}, and here it is {now} already")]
    OutOfStep {
        /// What the server says.
        told: Timestamp,
        /// What this clock shows.
        now: Timestamp,
    },
}

impl VirtualClockError {
    /// Whether trying again later may help without anybody mending anything.
    pub fn retry(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Ended => true,
            Self::Wire(error) => error.retry(),
            Self::Refused(_) | Self::OutOfStep { .. } => false,
        }
    }
}
