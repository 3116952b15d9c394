//! The connection of a station to its CSMS, which comes back whenever it breaks.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ocpp_kit::engine::{Backoff, Jitter, RetryPolicy};
use serde_json::value::RawValue;
use tieline_edge::Ids;
use tieline_service::{Incoming, Reply};
use tieline_types::Clock;
use tokio::sync::{Notify, watch};

use super::boot::{Booted, ChargingStationInfo, Registration, boot};
use super::outbox::{Outbox, Owed};
use crate::client::{ChargingStation, ConnectError};
use crate::protocol::encode;
use crate::types::DateTime;
use crate::v21::BootReason;
use crate::{Action, CallFailure, CallOptions, ErrorCode, Ocpp, Peer, Version};

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
pub struct Link(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    outbox: Outbox,
    state: watch::Sender<LinkState>,
    peer: Mutex<Option<Peer>>,
    times: watch::Sender<LinkTimes>,
    asked: Mutex<Asked>,
    rung: Notify,
    /// By how many milliseconds the clock of the CSMS is ahead of ours.
    ahead: AtomicI64,
}

#[derive(Default)]
struct Asked {
    boot: Option<BootReason>,
    heartbeat: bool,
    stop: bool,
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

    /// How many messages about transactions wait for their delivery.
    pub fn owed(&self) -> usize {
        self.0.outbox.len()
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

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: LinkState, peer: Option<&Peer>, station: &impl Station) {
        *self.0.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer.cloned();
        if self.0.state.send_replace(state) != state || state == LinkState::Offline {
            station.linked(state, peer);
        }
    }

    fn set_clock(&self, theirs: DateTime) {
        let ahead = theirs.timestamp().duration_since(self.0.clock.now()).as_millis();
        self.0.ahead.store(i64::try_from(ahead).unwrap_or(0), Ordering::Relaxed);
    }

    async fn pause(&self, pause: Duration) {
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

/// The task of a link.
pub(crate) struct Linking<D> {
    pub(crate) link: Link,
    pub(crate) station: D,
    pub(crate) connection: Arc<ChargingStation>,
    pub(crate) info: ChargingStationInfo,
    pub(crate) ids: Arc<dyn Ids>,
}

impl<D: Station> Linking<D> {
    /// Connects, again and again, until it is [stopped](Link::stop) or can't ever succeed.
    pub(crate) async fn run<S>(self, service: S) -> Result<(), ConnectError>
    where
        S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let mut attempts = 0;
        // 2.x B01: a station registers when it starts, and not when a connection has come back (Part 4 §5.4 and B01.FR.09).
        self.link.asked().boot.get_or_insert(BootReason::PowerUp);
        while !self.link.asked().stop {
            let boots = self.link.asked().boot.is_some();
            let connecting = async {
                // A station whose registration is open may send nothing before its BootNotification.
                if boots {
                    self.connection.connect(service.clone()).await
                } else {
                    self.connection.connect_accepted(service.clone()).await
                }
            };
            match connecting.await {
                Ok(session) => {
                    let peer = session.peer().clone();
                    self.link.set(LinkState::Booting, Some(&peer), &self.station);
                    let reason = tokio::select! {
                        reason = session.run() => reason,
                        never = self.work(&peer) => match never {},
                    };
                    tracing::info!(protocol = "ocpp", station = %peer, %reason, "the connection with the CSMS ended");
                    let was_online = self.link.is_online();
                    self.link.set(LinkState::Offline, None, &self.station);
                    if was_online {
                        attempts = 0;
                    }
                }
                Err(error) if error.is_retryable() => {
                    tracing::warn!(protocol = "ocpp", station = ?self.connection, %error, attempts, "no connection with the CSMS");
                }
                Err(error) => return Err(error),
            }
            self.wait_to_reconnect(attempts).await;
            attempts = attempts.saturating_add(1);
        }
        Ok(())
    }

    /// Waits until the next attempt to connect; jitter keeps a fleet from coming back in one instant.
    async fn wait_to_reconnect(&self, attempts: u32) {
        let random = u32::try_from(self.ids.random() >> 32).unwrap_or(u32::MAX);
        let pause = self.link.times().backoff.delay(attempts, Jitter::from_random_u32(random));
        let mut pausing = pin!(tokio::time::sleep(pause));
        while !self.link.asked().stop {
            tokio::select! {
                () = &mut pausing => return,
                () = self.link.0.rung.notified() => {}
            }
        }
    }

    /// Registers if need be, then does what a connected station does, without end.
    async fn work(&self, peer: &Peer) -> Infallible {
        self.register(peer).await;
        tokio::join!(self.deliver(peer), self.beat(peer)).0
    }

    /// Sends BootNotifications, if there is a reason, until the CSMS accepts the station.
    async fn register(&self, peer: &Peer) {
        loop {
            let reason = self.link.asked().boot.clone();
            let Some(reason) = reason else { break };
            let pause = match boot(peer, &self.info, &reason).await {
                Ok(Booted { registration, interval, current_time }) => {
                    self.link.set_clock(current_time);
                    match registration {
                        Registration::Accepted => {
                            self.link.asked().boot = None;
                            let heartbeat = interval.unwrap_or_else(|| self.link.times().heartbeat);
                            self.link.change_times(|times| times.heartbeat = heartbeat);
                            self.station.registered(heartbeat);
                            break;
                        }
                        Registration::Pending => self.link.set(LinkState::Pending, Some(peer), &self.station),
                        Registration::Rejected => {
                            self.link.set(LinkState::Rejected, Some(peer), &self.station);
                        }
                    }
                    interval
                }
                Err(failure) => {
                    tracing::warn!(protocol = "ocpp", station = %peer, %failure, "the CSMS did not register the station");
                    None
                }
            };
            let pause = pause.unwrap_or_else(|| self.link.times().boot_retry);
            tokio::select! {
                () = self.link.pause(pause) => {}
                // The CSMS asks for it, by a TriggerMessage.
                () = self.link.0.rung.notified() => {}
            }
        }
        self.link.set(LinkState::Online, Some(peer), &self.station);
    }

    /// Delivers what is owed, one message after the other (1.6 §3.7, 2.x E04).
    async fn deliver(&self, peer: &Peer) -> Infallible {
        let mut state = self.link.state();
        // The message for which the station has registered anew: once for each, or it would go on for ever.
        let mut registered_for = None;
        loop {
            // The sender lives in the link.
            let _ = state.wait_for(|state| *state == LinkState::Online).await;
            let Some(owed) = self.link.0.outbox.first() else {
                self.link.0.outbox.changed().await;
                continue;
            };
            if owed.attempts > 0 {
                self.link.pause(self.link.times().retry.delay_after(owed.attempts)).await;
            }
            let payload = self.station.complete(&owed);
            let sent = peer.call_raw(owed.action.clone(), payload, CallOptions::default()).await;
            match &sent {
                Ok(response) => self.done(&owed, Ok(response)),
                // Nothing is known of what became of it: it stays the first, for this connection or the next.
                Err(CallFailure::Disconnected | CallFailure::QueueTimedOut | CallFailure::QueueFull) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                // 2.x B02.FR.09: the CSMS does not know the station as accepted (any more).
                Err(failure) if wants_boot(failure) && registered_for != Some(owed.number) => {
                    registered_for = Some(owed.number);
                    self.register_anew(peer);
                }
                Err(failure) => self.failed(&owed, failure, peer),
            }
        }
    }

    fn failed(&self, owed: &Owed, failure: &CallFailure, peer: &Peer) {
        let attempts = owed.attempts.saturating_add(1);
        let action = &owed.action;
        if self.link.times().retry.may_retry(attempts) && !is_hopeless(failure) {
            tracing::warn!(protocol = "ocpp", station = %peer, action, attempts, %failure, "a message is sent again later");
            self.note(self.link.0.outbox.attempted(owed.number, attempts));
        } else {
            tracing::error!(protocol = "ocpp", station = %peer, action, attempts, %failure, "a message was given up");
            self.done(owed, Err(failure));
        }
    }

    fn register_anew(&self, peer: &Peer) {
        self.link.set(LinkState::Booting, Some(peer), &self.station);
        self.link.boot(BootReason::Triggered);
    }

    fn done(&self, owed: &Owed, result: Result<&RawValue, &CallFailure>) {
        // First what follows from the answer, then the message goes: after a crash between, it is sent again.
        self.station.delivered(owed, result);
        self.note(self.link.0.outbox.remove(owed.number));
    }

    fn note(&self, stored: Result<(), ocpp_kit::engine::StoreError>) {
        if let Err(cause) = stored {
            tracing::error!(protocol = "ocpp", station = ?self.connection, %cause, "the queue of messages cannot be stored");
        }
    }

    /// Sends heartbeats, and does what is asked of the link meanwhile.
    async fn beat(&self, peer: &Peer) -> Infallible {
        let mut times = self.link.0.times.subscribe();
        loop {
            let interval = times.borrow_and_update().heartbeat;
            let due = tokio::select! {
                () = self.link.pause(interval) => true,
                // Another interval begins anew.
                _ = times.changed() => false,
                () = self.link.0.rung.notified() => std::mem::take(&mut self.link.asked().heartbeat),
            };
            if due
                && let Err(failure) = self.heartbeat(peer).await
                && wants_boot(&failure)
            {
                self.register_anew(peer);
            }
            self.register(peer).await;
        }
    }

    async fn heartbeat(&self, peer: &Peer) -> Result<(), CallFailure> {
        let options = CallOptions::default().triggered();
        let time = match peer.version() {
            Version::V1_6 => {
                peer.call_with(&crate::v16::HeartbeatRequest::new(), options).await?.current_time
            }
            Version::V2_0_1 => {
                peer.call_with(&crate::v201::HeartbeatRequest::new(), options).await?.current_time
            }
            _ => peer.call_with(&crate::v21::HeartbeatRequest::new(), options).await?.current_time,
        };
        self.link.set_clock(time);
        Ok(())
    }
}

fn lost(action: &'static str, cause: &str) {
    tracing::error!(protocol = "ocpp", action, cause, "a message that the CSMS must get is lost");
}

fn wants_boot(failure: &CallFailure) -> bool {
    matches!(failure, CallFailure::Refused(error) if error.code == ErrorCode::SecurityError)
}

/// Whether the CSMS will never take such a message.
fn is_hopeless(failure: &CallFailure) -> bool {
    match failure {
        CallFailure::Refused(error) => {
            matches!(error.code, ErrorCode::NotImplemented | ErrorCode::NotSupported)
        }
        CallFailure::WrongAction(_) | CallFailure::WrongVersion { .. } | CallFailure::InvalidRequest(_) => {
            true
        }
        _ => false,
    }
}
