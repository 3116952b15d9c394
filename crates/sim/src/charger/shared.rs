use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tieline_types::{Busy, Clock};
use tokio::sync::Notify;

use super::Evse;
use super::profile::Profile;
use crate::charger::evse::Claim;

/// What the task of a charger and the handlers of its session share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    evse: Mutex<Evse>,
    rung: Notify,
    /// The work that whoever rang has begun, and that the charger's next turn finishes.
    begun: Mutex<Vec<Busy>>,
}

impl Shared {
    pub(crate) fn new(clock: Arc<dyn Clock>, evse: Evse) -> Self {
        Self { clock, evse: Mutex::new(evse), rung: Notify::new(), begun: Mutex::new(Vec::new()) }
    }

    /// The charger as it is at this instant.
    pub(crate) fn evse(&self) -> MutexGuard<'_, Evse> {
        let mut evse = self.evse.lock().unwrap_or_else(PoisonError::into_inner);
        evse.advance(self.clock.now());
        evse
    }

    /// Whether it has no connection at present because it is its behaviour.
    pub(crate) fn is_absent(&self) -> bool {
        self.evse().absence().is_some_and(|absence| absence.contains(self.clock.now()))
    }

    /// Wakes the charger's task, whose next turn ends this work.
    pub(crate) fn ring(&self, busy: Busy) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(busy);
        self.rung.notify_one();
    }

    /// Completes when somebody has rung.
    pub(crate) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// The work that this turn is to finish.
    pub(crate) fn begun(&self) -> Vec<Busy> {
        std::mem::take(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A charging profile came; `None` for one that this charger cannot read. Whether it is accepted.
    pub(crate) fn take(&self, profile: Option<Profile>, claim: &Claim) -> bool {
        let busy = self.clock.busy();
        let accepted = self.evse().take(profile, claim);
        self.ring(busy);
        accepted
    }

    /// Profiles are to be removed; whether there were any.
    pub(crate) fn clear(&self, which: impl Fn(&Profile) -> bool) -> bool {
        let busy = self.clock.busy();
        let any = self.evse().clear(which);
        self.ring(busy);
        any
    }
}
