//! Limits and times of one session.

use std::time::Duration;

use super::MessageRate;

/// Limits and times of one session. All of them bound what one peer can cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How long a CALL waits for its answer, counted from when it was written. Default: 30 s.
    pub call_timeout: Duration,
    /// How long a CALL waits for its turn to be written, since only one may be unanswered at a time. Default: 30 s.
    pub queue_timeout: Duration,
    /// How many CALLs and SENDs may wait for their turn. Default: 64.
    pub max_queued: usize,
    /// How many messages the peer may send; `None` is as many as it can. Default: none.
    pub message_rate: Option<MessageRate>,
    /// How many of the peer's messages are handled at the same time. A CALL beyond that is refused with
    /// `ProtocolError`, a SEND is dropped with a log line. Default: 32.
    pub max_handlers: usize,
    /// How much work may be running that handlers asked for after their answers. Beyond that, CALLs are refused with
    /// `InternalError`. Default: 32.
    pub max_after: usize,
    /// How long the peer may take to accept what is written. Default: 30 s.
    pub write_timeout: Duration,
    /// After how much silence a WebSocket ping is sent; `None` sends none. Default: 60 s.
    pub ping_interval: Option<Duration>,
    /// How long after a ping the peer must give a sign of life. Default: 30 s.
    pub ping_timeout: Duration,
    /// How long a peer may send no OCPP message, whatever its pings; `None` is without end. Default: none.
    pub idle_timeout: Option<Duration>,
    /// How long a session waits for the peer's close frame after its own. Default: 5 s.
    pub close_timeout: Duration,
    /// How long handlers may go on after the session ended. Their answers have nowhere to go, but what they do is not
    /// cut short. Default: 30 s.
    pub finish_timeout: Duration,
    /// Refuse the CALLs of a station whose BootNotification was not accepted with `SecurityError` (2.x B02.FR.09), and
    /// hold back a station's own CALLs until it is accepted (B02.FR.02). Default: yes.
    pub boot_gate: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(30),
            queue_timeout: Duration::from_secs(30),
            max_queued: 64,
            message_rate: None,
            max_handlers: 32,
            max_after: 32,
            write_timeout: Duration::from_secs(30),
            ping_interval: Some(Duration::from_mins(1)),
            ping_timeout: Duration::from_secs(30),
            idle_timeout: None,
            close_timeout: Duration::from_secs(5),
            finish_timeout: Duration::from_secs(30),
            boot_gate: true,
        }
    }
}
