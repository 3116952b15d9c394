//! The embedded database: one file, one writer that shares commits, readers that it never blocks.

mod apply;
mod migrate;
mod read;
mod row;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tieline_types::TimeSpan;

use crate::store::BoxFuture;
use crate::{
    ChangeSet, InboxEntry, JournalEntry, OutboxEntry, RawRecord, Receipt, Received, Store, StoreError,
    Stored, Timer,
};
use writer::Writer;

/// How a [`SqliteStore`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// Change sets that may wait to be written; more are refused with [`StoreError::Busy`].
    pub waiting: usize,
    /// Change sets that share one commit, at the most.
    pub shared: usize,
    /// Connections that are kept for reading.
    pub readers: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { waiting: 4096, shared: 256, readers: 4 }
    }
}

/// A store in an SQLite file, in WAL mode with `synchronous=FULL`: what was committed survives a loss of power.
pub struct SqliteStore {
    path: PathBuf,
    readers: Arc<Mutex<Vec<Connection>>>,
    kept: usize,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the database, making it if it is not there and bringing its schema up to date.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let mut connection =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        restrict(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrate::migrate(&mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            readers: Arc::default(),
            kept: options.readers,
            writer: Writer::start(connection, options)?,
        })
    }

    /// How many transactions were committed since it was opened: fewer than change sets where they shared commits.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    fn read<'a, T, F>(&self, query: F) -> BoxFuture<'a, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let (path, kept) = (self.path.clone(), self.kept);
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || {
                let waiting = lock(&readers).pop();
                let connection = match waiting {
                    Some(connection) => connection,
                    None => connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
                };
                let found = query(&connection)?;
                let mut readers = lock(&readers);
                if readers.len() < kept {
                    readers.push(connection);
                }
                Ok(found)
            });
            read.await.map_err(|failure| StoreError::Database(failure.to_string()))?
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Only the owner can read what the market and the drivers confided.
#[cfg(unix)]
fn restrict(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|cause| StoreError::Database(format!("{}: {cause}", path.display())))
}

#[cfg(not(unix))]
fn restrict(_path: &Path) -> Result<(), StoreError> {
    Ok(())
}

impl From<rusqlite::Error> for StoreError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Database(cause.to_string())
    }
}

impl Store for SqliteStore {
    fn receive(&self, received: Received) -> BoxFuture<'_, Receipt> {
        Box::pin(self.writer.receive(received))
    }

    fn commit(&self, changes: ChangeSet) -> BoxFuture<'_, ()> {
        Box::pin(self.writer.commit(changes))
    }

    fn inbox_due(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<InboxEntry>> {
        self.read(move |connection| read::inbox_due(connection, now, limit))
    }

    fn inbox_next_due(&self) -> BoxFuture<'_, Option<Timestamp>> {
        self.read(read::inbox_next_due)
    }

    fn inbox_backlog(&self) -> BoxFuture<'_, u64> {
        self.read(read::inbox_backlog)
    }

    fn outbox_due(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<OutboxEntry>> {
        self.read(move |connection| read::outbox_due(connection, now, limit))
    }

    fn outbox_next_due(&self) -> BoxFuture<'_, Option<Timestamp>> {
        self.read(read::outbox_next_due)
    }

    fn timers_due(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<Timer>> {
        self.read(move |connection| read::timers_due(connection, now, limit))
    }

    fn timers_next_due(&self) -> BoxFuture<'_, Option<Timestamp>> {
        self.read(read::timers_next_due)
    }

    fn timer<'a>(&'a self, kind: &'a str, subject: &'a str) -> BoxFuture<'a, Option<Timer>> {
        let (kind, subject) = (kind.to_owned(), subject.to_owned());
        self.read(move |connection| read::timer(connection, &kind, &subject))
    }

    fn raw_record<'a>(
        &'a self,
        kind: &'static str,
        key: &'a str,
    ) -> BoxFuture<'a, Option<Stored<RawRecord>>> {
        let key = key.to_owned();
        self.read(move |connection| read::record(connection, kind, &key))
    }

    fn raw_records_of<'a>(
        &'a self,
        kind: &'static str,
        subject: &'a str,
        within: Option<TimeSpan>,
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>> {
        let subject = subject.to_owned();
        self.read(move |connection| read::records_of(connection, kind, &subject, within))
    }

    fn raw_open_records(&self, kind: &'static str) -> BoxFuture<'_, Vec<Stored<RawRecord>>> {
        self.read(move |connection| read::open_records(connection, kind))
    }

    fn journal(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<JournalEntry>> {
        self.read(move |connection| read::journal(connection, after, limit))
    }

    fn journal_length(&self) -> BoxFuture<'_, u64> {
        self.read(read::journal_length)
    }
}
