//! The connections that read: so many and no more, each used by one question at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::connect;
use crate::StoreError;

/// Connections for reading. They are opened when they are first needed; a question beyond them waits its turn.
pub(super) struct Readers {
    idle: Arc<Idle>,
    permits: Arc<Semaphore>,
}

struct Idle {
    path: PathBuf,
    connections: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, at_most: usize) -> Self {
        let idle = Idle { path: path.to_owned(), connections: Mutex::default() };
        let permits = at_most.clamp(1, Semaphore::MAX_PERMITS);
        Self { idle: Arc::new(idle), permits: Arc::new(Semaphore::new(permits)) }
    }

    /// Asks on a thread that may block.
    pub(super) async fn ask<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let asked = tokio::task::spawn_blocking(move || {
            // The permit goes back with the connection, even if nobody waits for the answer any more.
            let _permit = permit;
            let connection = match idle.connections().pop() {
                Some(connection) => connection,
                None => connect(&idle.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            };
            let answer = question(&connection);
            idle.connections().push(connection);
            answer
        });
        asked.await.map_err(|failure| StoreError::Database(failure.to_string()))?
    }
}

impl Idle {
    fn connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
