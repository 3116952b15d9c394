//! The task of a link: it connects and registers, delivers what is owed, and gives signs of life.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ocpp_kit::engine::Jitter;
use serde_json::value::RawValue;
use tieline_edge::Ids;
use tieline_service::{Incoming, Reply};

use super::boot::{Booted, ChargingStationInfo, Registration, boot};
use super::link::{Link, LinkState, Station};
use super::outbox::Owed;
use crate::client::ConnectError;
use crate::v21::BootReason;
use crate::{CallFailure, CallOptions, ErrorCode, Ocpp, Peer, Version};

/// The task of a link.
pub(crate) struct Linking<D> {
    pub(crate) link: Link,
    pub(crate) station: D,
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
            let Some(connection) = self.station.way() else {
                tracing::warn!(
                    protocol = "ocpp",
                    attempts,
                    "the station can't go the way that its CSMS has set"
                );
                self.station.unreached();
                self.wait_to_reconnect(attempts).await;
                attempts = attempts.saturating_add(1);
                continue;
            };
            // Errata of B10: another CSMS gets a BootNotification.
            if self.station.is_elsewhere() {
                self.link.asked().boot.get_or_insert(BootReason::Unknown);
            }
            let boots = self.link.asked().boot.is_some();
            let connecting = async {
                // A station whose registration is open may send nothing before its BootNotification.
                if boots {
                    connection.connect(service.clone()).await
                } else {
                    connection.connect_accepted(service.clone()).await
                }
            };
            match connecting.await {
                Ok(session) => {
                    let peer = session.peer().clone();
                    self.link.set(LinkState::Booting, Some(&peer), &self.station);
                    self.station.reached();
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
                Err(error) => {
                    if !self.station.unreached() && !error.is_retryable() {
                        return Err(error);
                    }
                    tracing::warn!(protocol = "ocpp", station = ?connection, %error, attempts, "no connection with the CSMS");
                }
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
            note(self.link.0.outbox.attempted(owed.number, attempts));
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
        note(self.link.0.outbox.remove(owed.number));
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

fn note(stored: Result<(), ocpp_kit::engine::StoreError>) {
    if let Err(cause) = stored {
        tracing::error!(protocol = "ocpp", %cause, "the queue of messages cannot be stored");
    }
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
