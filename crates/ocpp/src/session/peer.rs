//! The handle on the other end of a session.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ocpp_kit::actions;
use ocpp_kit::message::{Confirmed, MessageKind, Unconfirmed};
use ocpp_kit::types::MessageId;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::calls::{Calls, Waiting};
use super::{CallFailure, EndReason, Limits, Observed};
use crate::decode::decode;
use crate::protocol::encode;
use crate::{Action, Identity, Tolerance, Version, fault};

/// A handle on the other end of a session: for handlers, which get it as an extractor, and for everybody else, who get
/// it from the [`Registry`](crate::Registry). Cloning it is cheap; holding it does not keep the session open.
///
/// ```no_run
/// # async fn example(peer: tieline_ocpp::Peer) -> Result<(), tieline_ocpp::CallFailure> {
/// use tieline_ocpp::v201;
///
/// let request = v201::ClearChargingProfileRequest::new();
/// let response = peer.call(request).await?;
/// println!("{}: {:?}", peer.identity(), response.status);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Peer(pub(crate) Arc<Session>);

/// What the handles and the task of a session share.
pub(crate) struct Session {
    pub(crate) identity: Identity,
    pub(crate) version: Version,
    pub(crate) generation: u64,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) tolerance: Arc<Tolerance>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) extensions: http::Extensions,
    pub(crate) calls: Calls,
}

/// How one call differs from the session's [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long to wait for the answer, counted from when the CALL was written.
    pub timeout: Option<Duration>,
    /// How long to wait for the turn to be written.
    pub queue_timeout: Option<Duration>,
    /// The peer asked for this message, as by a TriggerMessage. A charging station may then send it before it is
    /// accepted (2.x B02.FR.02).
    pub triggered: bool,
}

impl CallOptions {
    /// The same options with another [`timeout`](Self::timeout).
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same options with another [`queue_timeout`](Self::queue_timeout).
    pub fn with_queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = Some(timeout);
        self
    }

    /// The same options for a message that the peer [asked for](Self::triggered).
    pub fn triggered(mut self) -> Self {
        self.triggered = true;
        self
    }
}

impl Peer {
    /// The charging station of this session, on either end of it.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The version that was agreed.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// The number of this session: later sessions of the same registry have higher ones.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The network address of the other end, where it is known.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.0.remote
    }

    /// What [`Authenticate`](crate::csms::Authenticate) attached to the session.
    pub fn extensions(&self) -> &http::Extensions {
        &self.0.extensions
    }

    /// Whether the session still lasts.
    pub fn is_connected(&self) -> bool {
        !self.0.calls.has_ended()
    }

    /// Sends a request and waits for the response.
    ///
    /// One CALL per direction may be unanswered at a time; others wait for their turn. Dropping the future withdraws a
    /// call that waits, and forgets one that was written.
    pub async fn call<R: Action + Confirmed>(&self, request: R) -> Result<R::Response, CallFailure> {
        self.call_with(&request, CallOptions::default()).await
    }

    /// [`call`](Self::call), with options.
    pub async fn call_with<R: Action + Confirmed>(
        &self,
        request: &R,
        options: CallOptions,
    ) -> Result<R::Response, CallFailure> {
        self.check_version(R::VERSION)?;
        let payload = encode(request)?;
        let (result, id) = self.exchange(Cow::Borrowed(R::NAME), payload, options).await?;
        decode(self.version(), R::NAME, &result, &self.0.tolerance).map_err(|error| {
            tracing::warn!(
                protocol = "ocpp", peer = %self, action = R::NAME, message_id = id.as_str(), cause = %error,
                "the result of a call cannot be read"
            );
            if self.version() == Version::V2_1 {
                self.0.calls.reject_result(id, fault::undecodable(Version::V2_1, &error));
            }
            CallFailure::UnusableResult(error)
        })
    }

    /// Sends the request of an action by its name, without looking into payload and result.
    pub async fn call_raw(
        &self,
        action: impl Into<Cow<'static, str>>,
        payload: Box<RawValue>,
        options: CallOptions,
    ) -> Result<Box<RawValue>, CallFailure> {
        self.exchange(action.into(), payload, options).await.map(|(result, _)| result)
    }

    /// Sends a message that is never answered (SEND, 2.1 Part 4 §4.2.4). There is nothing to wait for: the message
    /// is on its way, or lost with the session.
    pub fn send<R: Action + Unconfirmed>(&self, message: &R) -> Result<(), CallFailure> {
        self.check_version(R::VERSION)?;
        self.0.calls.push_send(Cow::Borrowed(R::NAME), encode(message)?)
    }

    /// Closes the session. The reason is told to the peer, cut to 123 bytes.
    pub fn close(&self, reason: impl Into<String>) {
        self.0.calls.close(EndReason::Closed(reason.into()));
    }

    async fn exchange(
        &self,
        action: Cow<'static, str>,
        payload: Box<RawValue>,
        options: CallOptions,
    ) -> Result<(Box<RawValue>, MessageId), CallFailure> {
        if actions::kind(self.version(), &action) != Some(MessageKind::Call) {
            return Err(CallFailure::WrongAction(action.into_owned()));
        }
        let observer = self.0.extensions.get::<Observed>().map(|observed| (&observed.0, action.clone()));
        if let Some((observer, action)) = &observer {
            observer.calling(action, &payload);
        }
        let limits = &self.0.limits;
        let (answer, answered) = oneshot::channel();
        self.0.calls.push(Waiting {
            action,
            payload,
            timeout: options.timeout.unwrap_or(limits.call_timeout),
            until: later(options.queue_timeout.unwrap_or(limits.queue_timeout)),
            triggered: options.triggered,
            answer,
        })?;
        let answer = answered.await.unwrap_or(Err(CallFailure::Disconnected));
        if let Some((observer, action)) = observer {
            observer.called(&action, answer.as_ref().map(|(payload, _)| &**payload));
        }
        answer
    }

    pub(super) fn check_version(&self, request: Version) -> Result<(), CallFailure> {
        let session = self.version();
        if request == session { Ok(()) } else { Err(CallFailure::WrongVersion { request, session }) }
    }
}

/// Now plus a duration, which may be absurdly long.
pub(crate) fn later(duration: Duration) -> Instant {
    const LONGEST: Duration = Duration::from_hours(365 * 24);
    Instant::now() + duration.min(LONGEST)
}

/// The identity: enough for a log line, in which the protocol stands beside it.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.identity, f)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("identity", self.identity())
            .field("version", &self.version())
            .field("generation", &self.generation())
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
