//! Why a posted message is not taken.

use std::time::Duration;

use http::StatusCode;

use crate::xml::ParseError;
use crate::{Participant, SignatureError};

/// Why a post is refused, whose fault that is and which status says so (3.x, appendix on transport).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Messages are posted; nothing else is done here.
    #[error("only POST is allowed here")]
    Method,
    /// There is no usable `Content-Length`.
    #[error("Content-Length is required")]
    LengthRequired,
    /// The `Content-Type` is not `text/xml` in UTF-8.
    #[error("Content-Type must be text/xml; charset=utf-8")]
    ContentType,
    /// The body is longer than we take; the limit in bytes.
    #[error("the message is longer than {0} bytes")]
    TooLarge(usize),
    /// The body came too slowly.
    #[error("the message did not arrive in time")]
    TooSlow,
    /// The body did not arrive whole.
    #[error("the message did not arrive whole")]
    Incomplete,
    /// The envelope is not valid.
    #[error("invalid SignedMessage: {0}")]
    Envelope(#[source] ParseError),
    /// The sender is in no address book. It may be soon.
    #[error("unknown sender {} {}", .0.role, .0.domain)]
    UnknownSender(Participant),
    /// The address book cannot tell who the sender is.
    #[error("the keys of {} {} cannot be looked up now", sender.role, sender.domain)]
    KeysUnavailable {
        /// Whose keys.
        sender: Participant,
        /// What is wrong with the address book; not told to the peer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The message is not signed by the one who says to have sent it.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// The payload is not valid.
    #[error("invalid message: {0}")]
    Payload(#[source] ParseError),
    /// The sender posts too much.
    #[error("too many messages")]
    Throttled {
        /// When to come back.
        retry_after: Duration,
    },
    /// We have too much to do.
    #[error("busy")]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// The message could not be stored.
    #[error("the message could not be stored")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// The sender's: the message is wrong.
    Sender,
    /// Ours: the same message may be taken later.
    Recipient,
    /// Nobody's, or not yet known: keys and addresses may not have reached everybody.
    Setup,
}

impl Refusal {
    /// The status that tells the sender. 419 has no name.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::ContentType | Self::Incomplete | Self::Envelope(_) | Self::Payload(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::UnknownSender(_) | Self::KeysUnavailable { .. } => {
                StatusCode::from_u16(419).unwrap_or(StatusCode::UNAUTHORIZED)
            }
            Self::Signature(_) => StatusCode::UNAUTHORIZED,
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When the sender should come back, if we say so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whose fault it is.
    pub fn culprit(&self) -> Culprit {
        match self {
            Self::Busy { .. } | Self::Storage(_) => Culprit::Recipient,
            Self::UnknownSender(_) | Self::KeysUnavailable { .. } => Culprit::Setup,
            _ => Culprit::Sender,
        }
    }

    /// Whether the same message may be taken later.
    pub fn is_retryable(&self) -> bool {
        self.culprit() != Culprit::Sender
            || matches!(self, Self::Throttled { .. } | Self::TooSlow | Self::Incomplete)
    }
}
