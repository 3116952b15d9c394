//! How a call fails.

use ocpp_kit::rpc::CallError;

use crate::protocol::InvalidMessage;
use crate::{DecodeError, Version};

/// Why a call to a peer did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// The peer answered with a CALLERROR.
    #[error("the peer refused: {0}")]
    Refused(CallError),
    /// The peer did not answer in time, counted from when the CALL was written. It may have acted on it.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// Other calls took so long that this one was never written.
    #[error("the call waited too long for its turn and was not sent")]
    QueueTimedOut,
    /// Too many calls wait for their turn already; this one was not queued.
    #[error("too many calls are waiting")]
    QueueFull,
    /// The session has ended. If the CALL was written, the peer may have acted on it.
    #[error("the session has ended")]
    Disconnected,
    /// The peer's result cannot be read. In OCPP 2.1 it has been told so with a CALLRESULTERROR.
    #[error("the peer's result cannot be read: {0}")]
    UnusableResult(DecodeError),
    /// Our request breaks its schema; it was not sent.
    #[error(transparent)]
    InvalidRequest(#[from] InvalidMessage),
    /// Our request is of another version than the session; it was not sent.
    #[error("the request is of OCPP {request}, the session of OCPP {session}")]
    WrongVersion {
        /// The version of the request.
        request: Version,
        /// The version of the session.
        session: Version,
    },
    /// Our side may not send this action, or the version does not define it; it was not sent.
    #[error("{0} cannot be sent")]
    WrongAction(String),
}

impl CallFailure {
    /// Whether the same call may succeed later. Only the sender of a request knows whether it may be repeated after
    /// [`TimedOut`](Self::TimedOut) and [`Disconnected`](Self::Disconnected).
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::TimedOut | Self::QueueTimedOut | Self::QueueFull | Self::Disconnected)
    }

    /// Whether the CALL certainly never reached the peer.
    pub fn was_not_sent(&self) -> bool {
        matches!(
            self,
            Self::QueueTimedOut
                | Self::QueueFull
                | Self::InvalidRequest(_)
                | Self::WrongVersion { .. }
                | Self::WrongAction(_)
        )
    }
}
