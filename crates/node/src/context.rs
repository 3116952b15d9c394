use std::sync::Arc;

use jiff::Timestamp;
use tieline_store::{Change, ChangeSet, Store, StoreError};
use uuid::Uuid;

use crate::Environment;
use crate::data::DataDirectory;
use crate::work::Bells;

/// What every part of a node shares.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Environment,
    pub(crate) bells: Bells,
    /// Held by whatever may still write.
    _directory: DataDirectory,
}

impl Context {
    pub(crate) fn new(store: Arc<dyn Store>, environment: Environment, directory: DataDirectory) -> Self {
        let bells = Bells::of(&environment.clock);
        Self { store, environment, bells, _directory: directory }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    pub(crate) fn uuid(&self) -> Uuid {
        self.environment.ids.uuid()
    }

    /// Commits, and wakes whoever has something to do now.
    pub(crate) async fn commit(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let rung = bells_of(&changes);
        self.store.commit(changes).await?;
        for (wakes, bell) in rung.into_iter().zip([
            &self.bells.inbox,
            &self.bells.outbox,
            &self.bells.timers,
            &self.bells.set_points,
        ]) {
            if wakes {
                bell.ring();
            }
        }
        Ok(())
    }
}

/// Which loops a change set gives something to do: inbox, outbox, timers, set-points.
fn bells_of(changes: &ChangeSet) -> [bool; 4] {
    let any = |wanted: fn(&Change) -> bool| changes.changes().iter().any(wanted);
    [
        any(|change| matches!(change, Change::Answered(_))),
        any(|change| matches!(change, Change::Send(_) | Change::Attempted { .. })),
        any(|change| matches!(change, Change::SetTimer(_))),
        any(|change| matches!(change, Change::Put { record, .. } if record.kind == "set-point")),
    ]
}
