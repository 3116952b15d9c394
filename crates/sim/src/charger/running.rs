use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tieline_ocpp::client::{ChargingStation, ConnectError};
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{CallFailure, Ocpp, Version};
use tieline_service::Router;
use tieline_types::Busy;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::link::{Boot, Delivered, Denial, Link, is_lost, is_unknown_to_peer};
use super::report::Report;
use super::{ChargerOutcome, SessionOutcome, Shared, v16, v201};
use crate::FleetConfig;

/// A charger on its way through time: one task, and one for its connection.
#[derive(Debug)]
pub(crate) struct Charger {
    pub(crate) station: ChargingStation,
    pub(crate) version: Version,
    pub(crate) shared: Arc<Shared>,
    pub(crate) record: Arc<Record>,
    pub(crate) config: Arc<FleetConfig>,
    /// How many may be connecting at the same time.
    pub(crate) connecting: Arc<Semaphore>,
    pub(crate) link: Option<Link>,
    pub(crate) heartbeat: Heartbeat,
    /// How often the CSMS refused the first report.
    pub(crate) refusals: u32,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Record {
    boots: AtomicU64,
    failure: Mutex<Option<String>>,
}

/// When the CSMS wants to hear from us at the latest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heartbeat {
    every: Option<SignedDuration>,
    due: Option<Timestamp>,
}

impl Heartbeat {
    fn restart(&mut self, now: Timestamp) {
        self.due = self.every.and_then(|every| now.checked_add(every).ok());
    }
}

/// What a turn ends with.
enum Turn {
    /// Nothing is left to do until then, if nobody rings.
    Until(Option<Timestamp>),
    /// The charger has given up.
    GaveUp,
}

impl Charger {
    /// Runs until it is stopped. `busy` holds time until everything is done that belongs to the first instant.
    pub(crate) async fn run(mut self, mut busy: Busy, stop: CancellationToken) {
        loop {
            // What rang is done with at the end of the turn.
            let begun = self.shared.begun();
            let Some(turn) = stop.run_until_cancelled(self.turn()).await else { break };
            let Turn::Until(next) = turn else { break };
            let clock = Arc::clone(&self.shared.clock);
            let wait = clock.wait_until(next.unwrap_or(Timestamp::MAX));
            drop((busy, begun));
            busy = tokio::select! {
                busy = wait => busy,
                () = self.shared.rung() => clock.busy(),
                () = stop.cancelled() => break,
            };
        }
        if let Some(link) = self.link.take() {
            link.close("the simulation is over").await;
        }
        // Whoever rings now rings in vain, and must not hold time.
        drop(self.shared.begun());
    }

    /// Does all that belongs to this instant.
    async fn turn(&mut self) -> Turn {
        loop {
            let now = self.shared.clock.now();
            let (next, absence, report) = {
                let evse = self.shared.evse();
                (evse.next_event(), evse.absence(), evse.reports.first().cloned())
            };
            if let Some(absence) = absence.filter(|absence| absence.contains(now)) {
                if let Some(link) = self.link.take() {
                    link.cut().await;
                }
                return Turn::Until(earliest([next, Some(absence.end())]));
            }
            let absent_from = absence.map(tieline_types::TimeSpan::start).filter(|start| *start > now);
            if let Some(lost) = self.link.take_if(|link| !link.peer.is_connected()) {
                lost.cut().await;
            }
            let Some(link) = &self.link else {
                if let Err(failure) = self.connect().await {
                    warn!(charger = self.shared.evse().charger.identity, %failure, "a charger gave up connecting");
                    *self.record.failure.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(failure.to_string());
                    return Turn::GaveUp;
                }
                continue;
            };
            if !link.booted {
                if let Some(again) = link.boot_again.filter(|again| *again > now) {
                    return Turn::Until(earliest([next, Some(again), absent_from]));
                }
                self.boot(now).await;
                continue;
            }
            if let Some(report) = report {
                self.deliver(&report, now).await;
            } else if self.heartbeat.due.is_some_and(|due| due <= now) {
                self.beat(now).await;
            } else {
                return Turn::Until(earliest([next, self.heartbeat.due, absent_from]));
            }
        }
    }

    /// Connects, however often that fails, as long as there is hope. That takes real time, while the clock stands still.
    async fn connect(&mut self) -> Result<(), ConnectError> {
        let mut pause = self.config.reconnect_pause.0;
        loop {
            let router = Router::<Ocpp, Arc<Shared>>::new();
            let router = v201::routes(v16::routes(router)).with_state(Arc::clone(&self.shared));
            let connected = {
                // It is never closed.
                let _permit = self.connecting.acquire().await.ok();
                self.station.connect(router).await
            };
            match connected {
                Ok(session) => {
                    let (peer, shared) = (session.peer().clone(), Arc::clone(&self.shared));
                    let running = tokio::spawn(async move {
                        let reason = session.run().await;
                        // The charger connects anew before time goes on.
                        let busy = shared.clock.busy();
                        shared.ring(busy);
                        reason
                    });
                    let since = self.shared.evse().own_now();
                    self.link = Some(Link { peer, running, booted: false, boot_again: None, since });
                    return Ok(());
                }
                Err(error) if error.is_retryable() => {
                    debug!(charger = self.shared.evse().charger.identity, %error, "no connection");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(self.config.reconnect_pause.1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn boot(&mut self, now: Timestamp) {
        let Some(link) = &mut self.link else { return };
        let (occupied, own) = {
            let evse = self.shared.evse();
            (evse.is_occupied(), evse.own_now())
        };
        let booted = match self.version {
            Version::V1_6 => v16::boot(&link.peer, occupied).await,
            _ => v201::boot(&link.peer, occupied, DateTime::from_timestamp(own)).await,
        };
        match booted {
            Ok(Boot { accepted: true, interval }) => {
                link.booted = true;
                self.record.boots.fetch_add(1, Ordering::Relaxed);
                self.heartbeat.every = (interval > 0).then(|| SignedDuration::from_secs(interval));
                self.heartbeat.restart(now);
            }
            // Pending or Rejected: the interval says when to ask again.
            Ok(Boot { interval, .. }) => {
                let pause = SignedDuration::from_secs(interval.max(1));
                link.boot_again = Some(now.checked_add(pause).unwrap_or(Timestamp::MAX));
            }
            Err(failure) => self.lose(&failure).await,
        }
    }

    /// Delivers the first report, or drops it when the CSMS does not want it.
    async fn deliver(&mut self, report: &Report, now: Timestamp) {
        let Some(link) = &self.link else { return };
        let token = &self.config.id_token;
        let delivered = if self.version == Version::V1_6 {
            let number = self.shared.evse().number_of(report.session);
            v16::deliver(&link.peer, report, number, token).await
        } else {
            let session = self.shared.evse().session(report.session);
            let offline = report.at < link.since;
            v201::deliver(&link.peer, report, session.as_ref(), token, offline).await
        };
        match delivered {
            Ok(delivered) => {
                self.heartbeat.restart(now);
                self.refusals = 0;
                self.note(report, delivered);
            }
            Err(failure) if is_lost(&failure) => self.lose(&failure).await,
            Err(failure) if is_unknown_to_peer(&failure) => {
                debug!(charger = link.peer.identity().as_str(), %failure, "the CSMS has no use for a message");
                self.refusals = 0;
                self.shared.evse().reports.done(report);
            }
            Err(failure) => self.refused(report, &failure).await,
        }
    }

    fn note(&self, report: &Report, delivered: Delivered) {
        let mut evse = self.shared.evse();
        evse.reports.done(report);
        if let Some(number) = delivered.number {
            evse.number(report.session, number);
        }
        if let Some(denial) = delivered.denied {
            evse.deny(report.session, denial == Denial::AfterItBegan);
        }
    }

    /// 1.6 §3.7 and 2.0.1 E13: a message that was refused is sent again after a while that grows, and given up after some attempts.
    async fn refused(&mut self, report: &Report, failure: &CallFailure) {
        self.refusals += 1;
        if self.refusals < self.config.attempts && matches!(failure, CallFailure::Refused(_)) {
            tokio::time::sleep(self.config.retry_pause * self.refusals).await;
            return;
        }
        warn!(charger = self.shared.evse().charger.identity, %failure, ?report, "the CSMS does not take a message");
        self.refusals = 0;
        let mut evse = self.shared.evse();
        evse.reports.done(report);
        evse.reports.lose();
    }

    async fn beat(&mut self, now: Timestamp) {
        let Some(link) = &self.link else { return };
        let beaten = match self.version {
            Version::V1_6 => v16::heartbeat(&link.peer).await,
            _ => v201::heartbeat(&link.peer).await,
        };
        match beaten {
            Err(failure) if is_lost(&failure) => self.lose(&failure).await,
            Ok(()) | Err(_) => self.heartbeat.restart(now),
        }
    }

    async fn lose(&mut self, failure: &CallFailure) {
        if let Some(link) = self.link.take() {
            debug!(charger = link.peer.identity().as_str(), %failure, "the connection is lost");
            link.cut().await;
        }
        // A CSMS that accepts connections and then drops them is not to be stormed.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn earliest<const N: usize>(instants: [Option<Timestamp>; N]) -> Option<Timestamp> {
    instants.into_iter().flatten().min()
}

impl Record {
    /// How the charger fared, and its sessions.
    pub(crate) fn outcome(&self, shared: &Shared) -> (ChargerOutcome, Vec<SessionOutcome>) {
        let evse = shared.evse();
        let charger = ChargerOutcome {
            charger: evse.charger.identity.clone(),
            boots: self.boots.load(Ordering::Relaxed),
            profiles: evse.profiles_told(),
            lost_messages: evse.reports.dropped(),
            violations: evse.violations().to_vec(),
            failure: self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        (charger, evse.outcomes())
    }

    /// Whether the charger has booted, or has given up.
    pub(crate) fn is_settled(&self) -> bool {
        self.boots.load(Ordering::Relaxed) > 0
            || self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}
