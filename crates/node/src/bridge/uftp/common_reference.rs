//! A common reference in the node's store: a row for each congestion point and each connection.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tieline_store::{ChangeSet, Records as _, Store, StoreError, Stored};
use tieline_uftp::cro::{Change, Register, RegisterError, RegisteredConnection, RegisteredPoint, Rows};

/// The common reference in the node's store.
#[derive(Clone, Debug)]
pub(crate) struct StoreRegister(pub(crate) Arc<dyn Store>);

impl StoreRegister {
    /// The change set that keeps a change, unless another was kept since it was decided on.
    pub(super) fn keep(change: &Change) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        if change.is_empty() {
            return Ok(changes);
        }
        // This record is replaced by every change and by nothing else, so its version is that number, too.
        let before = i64::try_from(change.number() - 1)
            .map_err(|_| StoreError::Misuse("there are too many changes to count".to_owned()))?;
        changes.replace(&Count { changes: change.number() }, before)?;
        for point in change.points() {
            changes.put(&Point(point.clone()))?;
        }
        for connection in change.connections() {
            changes.put(&Connection(connection.clone()))?;
        }
        Ok(changes)
    }

    async fn read(&self) -> Result<Rows, StoreError> {
        let changes = self.count().await?;
        let points = values(self.0.open_records::<Point>().await?).map(|Point(point)| point).collect();
        let connections = values(self.0.open_records::<Connection>().await?)
            .map(|Connection(connection)| connection)
            .collect();
        Ok(Rows { changes, points, connections })
    }

    async fn count(&self) -> Result<u64, StoreError> {
        Ok(self.0.record::<Count>(COUNT).await?.map_or(0, |count| count.value.changes))
    }
}

impl Register for StoreRegister {
    async fn changes(&self) -> Result<u64, RegisterError> {
        self.count().await.map_err(failed)
    }

    async fn rows(&self) -> Result<Rows, RegisterError> {
        self.read().await.map_err(failed)
    }
}

fn failed(failure: StoreError) -> RegisterError {
    RegisterError(Box::new(failure))
}

fn values<T>(records: Vec<Stored<T>>) -> impl Iterator<Item = T> {
    records.into_iter().map(|record| record.value)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Point(RegisteredPoint);

record!(Point, "registered-point", |this| {
    key: format!("{} {}", this.0.dso, this.0.entity_address),
    subject: this.0.dso.to_string(),
    span: None,
    open: true,
});

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Connection(RegisteredConnection);

record!(Connection, "registered-connection", |this| {
    key: this.0.entity_address.to_string(),
    subject: this.0.entity_address.to_string(),
    span: None,
    open: true,
});

const COUNT: &str = "common reference";

/// How often the common reference was changed.
#[derive(Debug, Serialize, Deserialize)]
struct Count {
    changes: u64,
}

record!(Count, "registered-changes", |this| {
    key: COUNT.to_owned(),
    subject: COUNT.to_owned(),
    span: None,
    open: false,
});
