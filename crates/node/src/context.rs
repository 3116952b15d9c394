use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tieline_store::{Change, ChangeSet, Receipt, Received, Record as _, Store, StoreError};
use uuid::Uuid;

use crate::Environment;
use crate::bells::Bells;
use crate::data::DataDirectory;
use crate::fleet::ChargerCredential;

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

    /// Takes a message in, and wakes whoever decides on it.
    pub(crate) async fn receive(&self, received: Received) -> Result<Receipt, StoreError> {
        let context = self.clone();
        self.to_its_end(async move {
            let receipt = context.store.receive(received).await?;
            if matches!(receipt, Receipt::New(_)) {
                context.bells.uftp.inbox.ring();
            }
            Ok(receipt)
        })
        .await
    }

    /// Commits, and wakes whoever has something to do now.
    pub(crate) async fn commit(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let context = self.clone();
        self.to_its_end(async move { context.commit_and_ring(changes).await }).await
    }

    /// Does what must not be left half done, whether anybody still waits for it or not: a request is dropped when its peer has
    /// gone, and what was committed for it by then would lie unheard of until something else rings.
    async fn to_its_end<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let busy = self.environment.clock.busy();
        let done = tokio::spawn(async move {
            let done = work.await;
            drop(busy);
            done
        });
        done.await.unwrap_or_else(|failure| Err(StoreError::Database(failure.to_string())))
    }

    async fn commit_and_ring(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let rung = bells_of(&changes);
        self.store.commit(changes).await?;
        for (wakes, bell) in rung.into_iter().zip([
            &self.bells.uftp.inbox,
            &self.bells.uftp.outbox,
            &self.bells.timers,
            &self.bells.set_points,
            &self.bells.chargers,
        ]) {
            if wakes {
                bell.ring();
            }
        }
        Ok(())
    }
}

/// Which loops a change set gives something to do: inbox, outbox, timers, set-points, chargers.
fn bells_of(changes: &ChangeSet) -> [bool; 5] {
    let any = |wanted: fn(&Change) -> bool| changes.changes().iter().any(wanted);
    [
        any(|change| matches!(change, Change::Answered(_))),
        any(|change| matches!(change, Change::Send(_) | Change::Attempted { .. })),
        any(|change| matches!(change, Change::SetTimer(_))),
        any(|change| matches!(change, Change::Put { record, .. } if record.kind == "set-point")),
        any(|change| matches!(change, Change::Put { record, .. } if record.kind == ChargerCredential::KIND)),
    ]
}
