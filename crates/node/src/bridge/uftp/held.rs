//! Participants to whom nothing is delivered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tieline_store::{ChangeSet, Records as _, Store, StoreError};
use tieline_uftp::Participant;
use tieline_uftp::storage::Held;

use super::inbox::participant;
use crate::market;

/// Delivers to a participant again; says whether it was held. A node that runs on this store does so within half a minute.
pub async fn release(store: &dyn Store, participant: &Participant) -> Result<bool, StoreError> {
    let known = store.record::<market::Held>(&participant.to_string()).await?;
    let Some(mut held) = known.filter(|held| !held.value.released) else { return Ok(false) };
    held.value.released = true;
    let mut changes = ChangeSet::new();
    changes.put(&held.value)?;
    store.commit(changes).await?;
    Ok(true)
}

/// Who is held, by role and domain, since when and why.
pub async fn held(store: &dyn Store) -> Result<Vec<(String, Timestamp, String)>, StoreError> {
    let held = store.open_records::<market::Held>().await?;
    Ok(held.into_iter().map(|held| (held.value.participant, held.value.since, held.value.cause)).collect())
}

/// Spares asking the store while it is known that nobody is held. Only this process holds, others may release; so while
/// somebody is held, the store is asked each time.
#[derive(Debug, Default)]
pub(super) struct KnownOfHeld(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    nobody: bool,
    /// How many are just being held: what is read meanwhile may not have them yet.
    holding: usize,
    /// How many were held by this process.
    held: u64,
}

impl KnownOfHeld {
    /// Who is held.
    pub(super) async fn now(&self, store: &dyn Store) -> Result<Vec<Held>, StoreError> {
        let held = {
            let known = self.known();
            if known.nobody {
                return Ok(Vec::new());
            }
            known.held
        };
        let open = store.open_records::<market::Held>().await?;
        let read = |held: market::Held| {
            let participant = participant(&held.participant)?;
            Some(Held { participant, since: held.since, cause: held.cause })
        };
        let found: Vec<Held> = open.into_iter().filter_map(|held| read(held.value)).collect();
        let mut known = self.known();
        known.nobody = found.is_empty() && known.holding == 0 && known.held == held;
        Ok(found)
    }

    /// Somebody is being held, until the guard is dropped.
    pub(super) fn holding(self: &Arc<Self>) -> Holding {
        let mut known = self.known();
        known.nobody = false;
        known.holding += 1;
        Holding(Arc::clone(self))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`KnownOfHeld::holding`].
#[derive(Debug)]
pub(super) struct Holding(Arc<KnownOfHeld>);

impl Drop for Holding {
    fn drop(&mut self) {
        let mut known = self.0.known();
        known.holding -= 1;
        known.held += 1;
    }
}
