use std::fmt;

use super::ManualClock;

/// Work under way: while it lives, a virtual clock stands still (see [`Clock`](super::Clock)).
///
/// It may be sent along with the work, and cloned when work divides; time goes on when the last one is dropped.
#[must_use = "time goes on as soon as it is dropped"]
pub struct Busy(Option<ManualClock>);

impl Busy {
    /// A guard that nobody heeds: what a clock gives that goes on whether anybody works or not.
    pub const fn unheeded() -> Self {
        Self(None)
    }

    /// A guard that `clock` has counted already.
    pub(super) fn counted(clock: ManualClock) -> Self {
        Self(Some(clock))
    }
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        match &self.0 {
            Some(clock) => super::Clock::busy(clock),
            None => Self(None),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(clock) = &self.0 {
            clock.release();
        }
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Busy").field("heeded", &self.0.is_some()).finish()
    }
}
