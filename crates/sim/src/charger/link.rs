use tieline_ocpp::{CallFailure, EndReason, ErrorCode, Peer};
use tokio::task::JoinHandle;

/// A connection to the CSMS.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) peer: Peer,
    pub(crate) running: JoinHandle<EndReason>,
    /// The CSMS accepted the station.
    pub(crate) booted: bool,
    /// When to send the next BootNotification, where the CSMS did not accept the last one.
    pub(crate) boot_again: Option<jiff::Timestamp>,
    /// When the connection was made, by the charger's own clock: what is older happened offline.
    pub(crate) since: jiff::Timestamp,
}

impl Link {
    /// Ends the connection without a word.
    pub(crate) async fn cut(self) {
        self.running.abort();
        // It was aborted, or had ended before.
        let _ = self.running.await;
    }

    /// Closes the connection.
    pub(crate) async fn close(self, reason: &str) {
        self.peer.close(reason);
        // However it ends, it has ended.
        let _ = self.running.await;
    }
}

/// The answer to a BootNotification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot {
    pub(crate) accepted: bool,
    /// Seconds: between heartbeats, or until the next try.
    pub(crate) interval: i64,
}

/// What the answer to a report says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivered {
    /// The transaction's number (1.6).
    pub(crate) number: Option<i32>,
    pub(crate) denied: Option<Denial>,
}

/// The CSMS does not accept the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    BeforeItBegan,
    AfterItBegan,
}

/// Whether the CSMS has no use for such a message.
pub(crate) fn is_unknown_to_peer(failure: &CallFailure) -> bool {
    matches!(failure, CallFailure::Refused(error)
        if matches!(error.code, ErrorCode::NotImplemented | ErrorCode::NotSupported))
}

/// Whether the connection is gone, or as good as gone.
pub(crate) fn is_lost(failure: &CallFailure) -> bool {
    matches!(
        failure,
        CallFailure::Disconnected
            | CallFailure::TimedOut
            | CallFailure::QueueTimedOut
            | CallFailure::QueueFull
    )
}
