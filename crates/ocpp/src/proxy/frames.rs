//! What passes, for those who look on.

use tieline_edge::websocket::Text;
use tokio::sync::broadcast;

use crate::Peer;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The charging station.
    ChargingStation,
    /// The CSMS behind the proxy.
    Csms,
}

/// A message that was passed on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxiedFrame {
    /// The charging station that sent it, or that it is for: its session, which may have ended meanwhile.
    pub peer: Peer,
    /// Who sent it.
    pub from: Origin,
    /// The whole message, for [`frame::Frame::parse`](crate::frame::Frame::parse).
    pub text: Text,
}

/// The messages that pass a proxy, from when they were asked for.
#[derive(Debug)]
pub struct ProxiedFrames(pub(super) broadcast::Receiver<ProxiedFrame>);

impl ProxiedFrames {
    /// The next message, or how many were missed; `None` once the proxy is gone. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<ProxiedFrame, u64>> {
        match self.0.recv().await {
            Ok(frame) => Some(Ok(frame)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Err(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
