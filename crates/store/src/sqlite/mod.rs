//! The embedded database: one file, one writer that shares commits, readers that it never blocks.

mod apply;
mod checkpoint;
mod migrate;
mod read;
mod readers;
mod row;
mod tally;
mod writer;

use std::fmt;
use std::fs::OpenOptions;
use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tieline_types::TimeSpan;

use crate::store::BoxFuture;
use crate::{
    Besides, ChangeSet, InboxEntry, InboxState, JournalEntry, MessageName, OutboxEntry, RawRecord, Receipt,
    Received, Store, StoreError, Stored, Timer, Verified,
};
use readers::Readers;
use writer::Writer;

/// How a [`SqliteStore`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// Change sets that may wait to be written; more are refused with [`StoreError::Busy`].
    pub waiting: usize,
    /// Bytes of messages and records that may wait to be written; more are refused with [`StoreError::Busy`]. A change
    /// set that is larger alone is taken when nothing else waits.
    pub waiting_bytes: usize,
    /// Change sets that share one commit, at the most.
    pub shared: usize,
    /// How long a commit waits for as many change sets as shared the one before; 0 for not at all. One writer alone
    /// never waits.
    pub linger: Duration,
    /// Pages of 4096 bytes that the write-ahead log holds before it starts anew, when all are copied into the database. More
    /// of them make for fewer copies and a longer log. It may grow to four times as much, and beyond that while somebody
    /// reads what it held before.
    pub checkpoint_pages: u32,
    /// Connections for reading; a question beyond them waits until one is free.
    pub readers: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            waiting: 4096,
            waiting_bytes: 64 << 20,
            shared: 256,
            linger: Duration::from_micros(100),
            checkpoint_pages: 2048,
            readers: 4,
        }
    }
}

/// A store in an SQLite file, in WAL mode with `synchronous=FULL`: what was committed survives a loss of power.
pub struct SqliteStore {
    path: PathBuf,
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the database, making it if it is not there and bringing its schema up to date. Its folder must be there.
    ///
    /// Dropping the store blocks until all that waits is written.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        make(path).map_err(|cause| StoreError::Database(format!("{}: {cause}", path.display())))?;
        let writer = prepare(path)
            .and_then(|connection| Writer::start(connection, path, options))
            .map_err(|cause| at_path(path, cause))?;
        Ok(Self { path: path.to_owned(), readers: Readers::new(path, options.readers), writer })
    }

    /// How many transactions were committed since it was opened: fewer than change sets where they shared commits.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    fn read<T, F>(&self, query: F) -> BoxFuture<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Box::pin(self.readers.ask(query))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Makes the file if it is not there. Only the owner can read what the market and the drivers confided; SQLite gives
/// the files that it puts beside it the same mode.
fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _file = options.open(path)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// The connection that writes.
fn prepare(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate::migrate(&mut connection)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Says which file it was that could not be opened.
fn at_path(path: &Path, cause: StoreError) -> StoreError {
    match cause {
        StoreError::Database(cause) if !cause.contains(&*path.to_string_lossy()) => {
            StoreError::Database(format!("{}: {cause}", path.display()))
        }
        StoreError::Damaged { table: DATABASE, cause, .. } => {
            StoreError::Damaged { table: DATABASE, key: path.display().to_string(), cause }
        }
        other => other,
    }
}

/// Stands for a table in the error of a file that is no database or a damaged one.
const DATABASE: &str = "database";

impl From<rusqlite::Error> for StoreError {
    fn from(cause: rusqlite::Error) -> Self {
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { table: DATABASE, key: "file".to_owned(), cause: cause.to_string() }
            }
            _ => Self::Database(cause.to_string()),
        }
    }
}

impl Store for SqliteStore {
    fn receive(&self, received: Received) -> BoxFuture<'_, Receipt> {
        Box::pin(self.writer.receive(received))
    }

    fn commit(&self, changes: ChangeSet) -> BoxFuture<'_, ()> {
        Box::pin(self.writer.commit(changes))
    }

    fn inbox_due(&self, state: InboxState, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<InboxEntry>> {
        self.read(move |connection| read::inbox_due(connection, state, now, limit))
    }

    fn inbox_next_due(&self, state: InboxState, now: Timestamp) -> BoxFuture<'_, Option<Timestamp>> {
        self.read(move |connection| read::inbox_next_due(connection, state, now))
    }

    fn inbox_backlog(&self) -> BoxFuture<'_, u64> {
        Box::pin(ready(Ok(self.writer.backlog())))
    }

    fn outbox_due_besides(
        &self,
        now: Timestamp,
        limit: usize,
        besides: Besides,
    ) -> BoxFuture<'_, Vec<OutboxEntry>> {
        self.read(move |connection| read::outbox_due(connection, now, limit, &besides))
    }

    fn outbox_next_due_besides(&self, besides: Besides) -> BoxFuture<'_, Option<Timestamp>> {
        self.read(move |connection| read::outbox_next_due(connection, &besides))
    }

    fn message<'a>(&'a self, named: &'a MessageName) -> BoxFuture<'a, Option<Bytes>> {
        let named = named.clone();
        self.read(move |connection| read::message(connection, &named))
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

    fn raw_records<'a>(
        &'a self,
        kind: &'static str,
        keys: &'a [String],
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>> {
        let keys = keys.to_vec();
        self.read(move |connection| read::records(connection, kind, &keys))
    }

    fn raw_latest_records<'a>(
        &'a self,
        kind: &'static str,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.read(move |connection| read::latest_records(connection, kind, &from, &to, limit))
    }

    fn raw_open_records(&self, kind: &'static str) -> BoxFuture<'_, Vec<Stored<RawRecord>>> {
        self.read(move |connection| read::open_records(connection, kind))
    }

    fn journal(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<JournalEntry>> {
        self.read(move |connection| read::journal(connection, after, limit))
    }

    fn journal_end(&self) -> BoxFuture<'_, Verified> {
        self.read(tally::journal_end)
    }

    fn closed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.writer.closed())
    }
}
