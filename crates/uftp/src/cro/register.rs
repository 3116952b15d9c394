//! Where a common reference is kept.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tieline_types::{Domain, EntityAddress};

use super::{Change, OutOfTurn, RegisteredConnection, RegisteredPoint};

/// Where a common reference is kept: the storage port of a [`Keeper`](super::Keeper). How a change is written is left to its
/// owner, who has the answer to the update to write with it.
pub trait Register: Send + Sync {
    /// How many changes are kept.
    fn changes(&self) -> impl Future<Output = Result<u64, RegisterError>> + Send;

    /// Everything that is kept, as it was after one and the same change.
    fn rows(&self) -> impl Future<Output = Result<Rows, RegisterError>> + Send;
}

/// Everything that is kept of a common reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many changes have made it so.
    pub changes: u64,
    /// The congestion points.
    pub points: Vec<RegisteredPoint>,
    /// The connections.
    pub connections: Vec<RegisteredConnection>,
}

/// What is kept cannot be read now. Nothing is decided on a message meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("the common reference cannot be read: {0}")]
pub struct RegisterError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A [`Register`] in memory, for tests, tools and examples. It is gone when the process ends.
#[derive(Debug, Default)]
pub struct MemoryRegister(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    changes: u64,
    points: BTreeMap<(Domain, EntityAddress), RegisteredPoint>,
    connections: BTreeMap<EntityAddress, RegisteredConnection>,
}

impl MemoryRegister {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a change. One that does not follow on the last one is refused: another was kept since it was decided on.
    pub fn keep(&self, change: &Change) -> Result<(), OutOfTurn> {
        let mut kept = self.kept();
        if change.number != kept.changes + 1 {
            return Err(OutOfTurn { change: change.number, last: kept.changes });
        }
        if !change.is_empty() {
            kept.changes = change.number;
        }
        for point in change.points() {
            kept.points.insert((point.dso.clone(), point.entity_address.clone()), point.clone());
        }
        for connection in change.connections() {
            kept.connections.insert(connection.entity_address.clone(), connection.clone());
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Register for MemoryRegister {
    fn changes(&self) -> impl Future<Output = Result<u64, RegisterError>> + Send {
        ready(Ok(self.kept().changes))
    }

    fn rows(&self) -> impl Future<Output = Result<Rows, RegisterError>> + Send {
        let kept = self.kept();
        ready(Ok(Rows {
            changes: kept.changes,
            points: kept.points.values().cloned().collect(),
            connections: kept.connections.values().cloned().collect(),
        }))
    }
}
