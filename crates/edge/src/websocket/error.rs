//! How a connection fails.

use std::io;

use super::CloseCode;

/// Why a connection failed. It cannot be used any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network failed.
    #[error("the connection broke")]
    Io(#[source] io::Error),
    /// The peer sent a message larger than [`Config::max_message_size`](super::Config::max_message_size), or one
    /// that would have become larger by decompression.
    #[error("a message is larger than {limit} bytes")]
    TooBig {
        /// The configured limit, in bytes.
        limit: usize,
    },
    /// The peer sent text that is not UTF-8.
    #[error("a text message is not UTF-8")]
    NotUtf8,
    /// The peer broke a rule of RFC 6455 or RFC 7692.
    #[error("the peer broke the WebSocket protocol: {0}")]
    Protocol(String),
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

impl Error {
    /// The close code that tells the peer, unless the network is to blame.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Io(_) | Self::Closed => None,
            Self::TooBig { .. } => Some(CloseCode::TOO_BIG),
            Self::NotUtf8 => Some(CloseCode::INVALID_DATA),
            Self::Protocol(_) => Some(CloseCode::PROTOCOL_ERROR),
        }
    }

    /// Whether a new connection may fare better: yes if the network failed or the connection is closed, no if the
    /// peer misbehaved.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Closed)
    }

    pub(super) fn from_library(error: yawc::WebSocketError, limit: usize) -> Self {
        use yawc::WebSocketError as Library;
        match error {
            Library::FrameTooLarge => Self::TooBig { limit },
            Library::InvalidUTF8 => Self::NotUtf8,
            Library::ConnectionClosed => Self::Closed,
            // The library reports a stream that cannot be inflated this way; no socket does.
            Library::IoError(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Self::Protocol(error.to_string())
            }
            Library::IoError(error) => Self::Io(error),
            other => Self::Protocol(other.to_string()),
        }
    }
}
