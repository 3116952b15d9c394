//! The connection of a station to its CSMS, which comes back whenever it breaks.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ocpp_kit::engine::{Backoff, RetryPolicy};
use serde_json::value::RawValue;
use tieline_types::Clock;
use tokio::sync::{Notify, watch};

use super::outbox::{Outbox, Owed};
use crate::client::ChargingStation;
use crate::protocol::encode;
use crate::types::DateTime;
use crate::v21::BootReason;
use crate::{Action, CallFailure, CallOptions, Peer};

/// How a station stands with its CSMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkState {
    /// There is no connection.
    Offline,
    /// There is a connection, and the CSMS has not said yet whether it accepts the station.
    Booting,
    /// The CSMS has not accepted the station, but may call it.
    Pending,
    /// The CSMS does not want the station for now.
    Rejected,
    /// The station works.
    Online,
}

/// Times of a link. They can be changed while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkTimes {
    /// Pauses between attempts to connect (2.x Part 4 §5.4; `RetryBackOff…`).
    pub backoff: Backoff,
    /// How often, and after which pauses, a message about a transaction is sent again that got a CALLERROR or no answer
    /// (1.6 `TransactionMessageAttempts`, 2.x `MessageAttempts[TransactionEvent]`).
    pub retry: RetryPolicy,
    /// Between heartbeats. The answer to the BootNotification sets it.
    pub heartbeat: Duration,
    /// Until the next BootNotification, where the CSMS names no interval.
    pub boot_retry: Duration,
}

impl Default for LinkTimes {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            retry: RetryPolicy::default(),
            heartbeat: Duration::from_mins(5),
            boot_retry: Duration::from_mins(1),
        }
    }
}

/// What a link tells the station that it belongs to.
pub(crate) trait Station: Send + Sync + 'static {
    /// The connection that is to be tried now; `None` if it can't be.
    fn way(&self) -> Option<Arc<ChargingStation>>;

    /// Whether that leads to a CSMS that may not know the station yet.
    fn is_elsewhere(&self) -> bool;

    /// There is a connection.
    fn reached(&self);

    /// There is none this way. Returns whether there is another.
    fn unreached(&self) -> bool;

    /// The state has changed.
    fn linked(&self, state: LinkState, peer: Option<&Peer>);

    /// The payload of a message as it is to be sent now.
    fn complete(&self, owed: &Owed) -> Box<RawValue>;

    /// A message about a transaction has been answered, or given up.
    fn delivered(&self, owed: &Owed, result: Result<&RawValue, &CallFailure>);

    /// The CSMS has accepted a BootNotification, with this interval between heartbeats.
    fn registered(&self, heartbeat: Duration);
}

/// A handle on the connection of a station with its CSMS. Cloning it is cheap.
#[derive(Clone)]
pub struct Link(pub(super) Arc<Shared>);

pub(super) struct Shared {
    clock: Arc<dyn Clock>,
    pub(super) outbox: Outbox,
    state: watch::Sender<LinkState>,
    peer: Mutex<Option<Peer>>,
    pub(super) times: watch::Sender<LinkTimes>,
    asked: Mutex<Asked>,
    pub(super) rung: Notify,
    /// By how many milliseconds the clock of the CSMS is ahead of ours.
    ahead: AtomicI64,
}

#[derive(Default)]
pub(super) struct Asked {
    pub(super) boot: Option<BootReason>,
    pub(super) heartbeat: bool,
    pub(super) stop: bool,
}

impl Link {
    pub(crate) fn new(clock: Arc<dyn Clock>, outbox: Outbox, times: LinkTimes) -> Self {
        Self(Arc::new(Shared {
            clock,
            outbox,
            state: watch::Sender::new(LinkState::Offline),
            peer: Mutex::new(None),
            times: watch::Sender::new(times),
            asked: Mutex::new(Asked::default()),
            rung: Notify::new(),
            ahead: AtomicI64::new(0),
        }))
    }

    /// How the station stands with its CSMS now, and when that changes.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.0.state.subscribe()
    }

    /// Whether messages can be sent now.
    pub fn is_online(&self) -> bool {
        *self.0.state.borrow() == LinkState::Online
    }

    /// The time by the clock of the CSMS, as far as it has told it (1.6 §4.6, 2.x G02).
    pub fn now(&self) -> DateTime {
        DateTime::from_timestamp(self.timestamp())
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.0.ahead.load(Ordering::Relaxed));
        let now = self.0.clock.now();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// The handle on the CSMS while there is a connection.
    pub fn peer(&self) -> Option<Peer> {
        self.0.peer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request and waits for the response.
    ///
    /// # Errors
    ///
    /// [`CallFailure::Disconnected`] at once while there is no connection.
    pub async fn call<R: Action + ocpp_kit::message::Confirmed>(
        &self,
        request: R,
    ) -> Result<R::Response, CallFailure> {
        let Some(peer) = self.peer() else { return Err(CallFailure::Disconnected) };
        peer.call(request).await
    }

    /// Sends what the CSMS has asked for, whether the station is accepted yet or not (2.x B02.FR.02).
    pub(crate) async fn answer<R: Action + ocpp_kit::message::Confirmed>(
        &self,
        request: &R,
    ) -> Result<R::Response, CallFailure> {
        let Some(peer) = self.peer() else { return Err(CallFailure::Disconnected) };
        peer.call_with(request, CallOptions::default().triggered()).await
    }

    /// Keeps a message about a transaction until it has been delivered, behind those that were kept before. What the
    /// store says has happened when this returns.
    pub(crate) fn owe<R: Action>(&self, message: &R) {
        let kept =
            encode(message).map_err(|error| error.to_string()).and_then(|payload| self.keep::<R>(payload));
        kept.unwrap_or_else(|cause| lost(R::NAME, &cause));
    }

    /// [`owe`](Self::owe) for a message that is kept with a member which it has not on the wire.
    pub(crate) fn owe_with<R: Action>(&self, message: &R, (member, value): (&str, serde_json::Value)) {
        let kept = encode(message).map_err(|error| error.to_string()).and_then(|payload| {
            let mut payload: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(payload.get()).map_err(|error| error.to_string())?;
            payload.insert(member.to_owned(), value);
            self.keep::<R>(serde_json::value::to_raw_value(&payload).map_err(|error| error.to_string())?)
        });
        kept.unwrap_or_else(|cause| lost(R::NAME, &cause));
    }

    fn keep<R: Action>(&self, payload: Box<RawValue>) -> Result<(), String> {
        self.0.outbox.push(R::NAME, payload).map_err(|error| error.to_string())
    }

    /// How many messages that the CSMS must get wait for their delivery.
    pub fn owed(&self) -> usize {
        self.0.outbox.len()
    }

    /// Whether a message with this action waits for its delivery.
    pub(crate) fn owes_any(&self, action: &str) -> bool {
        self.0.outbox.holds_any(action)
    }

    pub(crate) fn owes(&self, transaction: &str) -> bool {
        self.0.outbox.holds(transaction)
    }

    /// The times as they are now.
    pub fn times(&self) -> LinkTimes {
        *self.0.times.borrow()
    }

    pub(crate) fn change_times(&self, change: impl FnOnce(&mut LinkTimes)) {
        self.0.times.send_modify(change);
    }

    /// Registers anew with the CSMS, on the present connection.
    pub(crate) fn boot(&self, reason: BootReason) {
        self.asked().boot = Some(reason);
        self.0.rung.notify_one();
    }

    /// Sends a heartbeat now.
    pub(crate) fn beat(&self) {
        self.asked().heartbeat = true;
        self.0.rung.notify_one();
    }

    /// Ends the present connection. Another one is made, which begins with a BootNotification if there is a reason.
    pub(crate) fn reconnect(&self, why: &str, boot: Option<BootReason>) {
        if let Some(reason) = boot {
            self.asked().boot = Some(reason);
        }
        if let Some(peer) = self.peer() {
            peer.close(why);
        }
    }

    /// Ends the connection for good.
    pub fn stop(&self) {
        self.asked().stop = true;
        self.0.rung.notify_one();
        if let Some(peer) = self.peer() {
            peer.close("the station stops");
        }
    }

    pub(super) fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, state: LinkState, peer: Option<&Peer>, station: &impl Station) {
        *self.0.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer.cloned();
        if self.0.state.send_replace(state) != state || state == LinkState::Offline {
            station.linked(state, peer);
        }
    }

    pub(super) fn set_clock(&self, theirs: DateTime) {
        let ahead = theirs.timestamp().duration_since(self.0.clock.now()).as_millis();
        self.0.ahead.store(i64::try_from(ahead).unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) async fn pause(&self, pause: Duration) {
        let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        let at = self.0.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX);
        drop(self.0.clock.wait_until(at).await);
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("state", &*self.0.state.borrow()).finish_non_exhaustive()
    }
}

fn lost(action: &'static str, cause: &str) {
    tracing::error!(protocol = "ocpp", action, cause, "a message that the CSMS must get is lost");
}
