//! A clock that goes on from where it is set.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tieline_edge::SystemClock;
use tieline_types::{Busy, Clock, WaitUntil};

/// The machine's clock, so much ahead or behind: days of settlement need not be waited for.
#[derive(Debug, Clone)]
pub(crate) struct ShiftedClock(Arc<Mutex<SignedDuration>>);

impl ShiftedClock {
    pub(crate) fn starting_at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now.duration_since(SystemClock.now()))))
    }

    /// From now on it is `now`. What waits already goes on waiting as long as it would have.
    pub(crate) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now.duration_since(SystemClock.now());
    }

    fn shift(&self) -> SignedDuration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().checked_add(self.shift()).unwrap_or(Timestamp::MAX)
    }

    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_> {
        let at = at.checked_sub(self.shift()).unwrap_or(Timestamp::MAX);
        Box::pin(async move {
            let _waited = SystemClock.wait_until(at).await;
            Busy::unheeded()
        })
    }
}
