use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tieline_store::{ChangeSet, StoreError};
use tieline_uftp::{Decision, Rejected, RejectionReason, Undecided};

/// Why a handler does not accept: the peer's mistake, or our trouble.
#[derive(Debug)]
pub(crate) enum Verdict {
    Rejected(Rejected),
    Undecided(StoreError),
}

impl From<RejectionReason> for Verdict {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(reason.into())
    }
}

impl From<Rejected> for Verdict {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<StoreError> for Verdict {
    fn from(failure: StoreError) -> Self {
        Self::Undecided(failure)
    }
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Rejected(rejected) => rejected.into(),
            // A record that another changed meanwhile, and a store that is busy, are both read and tried again.
            Verdict::Undecided(failure) => Undecided { cause: failure.to_string(), retry: true }.into(),
        }
    }
}

/// When the message that is being handled came. What had not expired by then is in time, however long it waited here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedAt(pub(crate) Timestamp);

/// The change set of the message that is being handled; a handler adds to it, and the decision commits it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work(Arc<Mutex<ChangeSet>>);

impl Work {
    pub(crate) fn add(&self, changes: ChangeSet) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(changes);
    }

    pub(crate) fn take(&self) -> ChangeSet {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
