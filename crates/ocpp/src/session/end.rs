//! Why a session ends.

use std::fmt;
use std::sync::Arc;

use tieline_edge::websocket::{self, CloseCode, CloseFrame};

/// Why a session ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EndReason {
    /// The peer closed it.
    ClosedByPeer(Option<CloseFrame>),
    /// The connection broke, or was cut without a close frame (`None`).
    Lost(Option<Arc<websocket::Error>>),
    /// The peer broke the WebSocket protocol or a limit, such as the message size.
    Misbehaved(Arc<websocket::Error>),
    /// The peer gave no sign of life.
    Unresponsive,
    /// The peer did not accept what was written.
    WriteTimedOut,
    /// The peer sent no OCPP message for too long.
    Idle,
    /// The same charging station has connected anew.
    Superseded,
    /// We closed it; the text went to the peer.
    Closed(String),
    /// We are shutting down.
    ShuttingDown,
    /// The CSMS behind a [proxy](crate::proxy) ended its connection, for this reason.
    #[cfg(all(feature = "client", feature = "server"))]
    Csms(Box<Self>),
    /// The task of the session was dropped.
    Dropped,
}

impl EndReason {
    /// What the peer is told, if it can still hear it.
    pub(crate) fn close_frame(&self) -> Option<(CloseCode, &str)> {
        Some(match self {
            Self::ClosedByPeer(_) | Self::Lost(_) | Self::WriteTimedOut | Self::Dropped => return None,
            Self::Misbehaved(error) => (error.close_code()?, "the protocol was broken"),
            Self::Unresponsive => (CloseCode::POLICY_VIOLATION, "no sign of life"),
            Self::Idle => (CloseCode::POLICY_VIOLATION, "no messages"),
            Self::Superseded => (CloseCode::POLICY_VIOLATION, "connected anew"),
            Self::Closed(reason) => (CloseCode::NORMAL, reason),
            Self::ShuttingDown => (CloseCode::GOING_AWAY, "shutting down"),
            #[cfg(all(feature = "client", feature = "server"))]
            Self::Csms(reason) => return reason.passed_on(),
        })
    }

    /// What the other side of a proxy is told, if it is told anything: a connection that was cut is cut there too.
    #[cfg(all(feature = "client", feature = "server"))]
    pub(crate) fn passed_on(&self) -> Option<(CloseCode, &str)> {
        match self {
            Self::ClosedByPeer(None) => Some((CloseCode::NORMAL, "")),
            // These two say that there was none.
            Self::ClosedByPeer(Some(close)) if matches!(close.code.0, 1005 | 1006) => {
                Some((CloseCode::NORMAL, ""))
            }
            Self::ClosedByPeer(Some(close)) => Some((close.code, &close.reason)),
            Self::Unresponsive | Self::WriteTimedOut | Self::Misbehaved(_) => {
                Some((CloseCode::GOING_AWAY, "the other side is gone"))
            }
            other => other.close_frame(),
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClosedByPeer(None) => f.write_str("closed by the peer"),
            Self::ClosedByPeer(Some(close)) if close.reason.is_empty() => {
                write!(f, "closed by the peer with code {}", close.code)
            }
            Self::ClosedByPeer(Some(close)) => {
                write!(f, "closed by the peer with code {}: {:?}", close.code, close.reason)
            }
            Self::Lost(None) => f.write_str("the connection was cut"),
            Self::Lost(Some(error)) | Self::Misbehaved(error) => fmt::Display::fmt(error, f),
            Self::Unresponsive => f.write_str("no sign of life"),
            Self::WriteTimedOut => f.write_str("the peer did not accept what was written"),
            Self::Idle => f.write_str("no OCPP message for too long"),
            Self::Superseded => f.write_str("superseded by a new connection"),
            Self::Closed(reason) => write!(f, "closed: {reason}"),
            Self::ShuttingDown => f.write_str("shutting down"),
            #[cfg(all(feature = "client", feature = "server"))]
            Self::Csms(reason) => write!(f, "the CSMS: {reason}"),
            Self::Dropped => f.write_str("the session was dropped"),
        }
    }
}
