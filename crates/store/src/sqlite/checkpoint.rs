//! Copying the write-ahead log into the database, beside the writer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::connect;
use crate::StoreError;

/// A log is copied in so many parts, so that little of it is left when it is to start anew.
const PARTS: u32 = 4;
/// So many times as long as a log that starts anew may it become before the writer waits for the copier.
const LONGEST: u32 = 4;

/// Copies the log of a connection that writes.
///
/// A thread of its own copies part after part of it while the connection goes on writing. The log starts anew only when
/// all of it is copied at once, and a writer who never rests would always be ahead: so the connection copies the rest
/// between two commits.
pub(super) struct Checkpoints {
    /// Pages in the log after the last commit.
    logged: Arc<AtomicU32>,
    /// Pages that it may have before it starts anew.
    pages: u32,
    /// Pages at which the next part of it is copied.
    next: u32,
    copier: Copier,
    copying: bool,
}

/// The thread that copies.
struct Copier {
    wanted: Option<Sender<()>>,
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Takes over from SQLite, which would copy within a commit.
    pub(super) fn of(connection: &mut Connection, path: &Path, pages: u32) -> Result<Self, StoreError> {
        let logged = Arc::new(AtomicU32::new(0));
        let shown = Arc::clone(&logged);
        connection.wal_hook(Some(move |_: &mut Wal, pages| {
            shown.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let pages = pages.max(1);
        let beside = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Until it has read something it does not know that there is a log.
        beside.pragma_query(None, "schema_version", |_| Ok(()))?;
        let copier = Copier::start(beside)?;
        Ok(Self { logged, pages, next: pages / PARTS, copier, copying: false })
    }

    /// To be called after each commit.
    pub(super) fn committed(&mut self, connection: &Connection) {
        let logged = self.logged.load(Ordering::Relaxed);
        if self.copying {
            self.copying = !self.copier.is_done(logged >= self.pages.saturating_mul(LONGEST));
            if self.copying {
                return;
            }
            let copied = if logged < self.pages {
                logged
            } else {
                copy(connection);
                0
            };
            self.next = (copied + self.pages / PARTS).min(self.pages);
        } else if logged >= self.next {
            self.copying = self.copier.begin();
            if !self.copying {
                copy(connection);
            }
        }
    }
}

impl Copier {
    fn start(connection: Connection) -> Result<Self, StoreError> {
        let (wanted, orders) = channel();
        let (finished, done) = channel();
        let run = move || {
            while orders.recv().is_ok() {
                copy(&connection);
                if finished.send(()).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("tieline-store-log".to_owned())
            .spawn(run)
            .map_err(|cause| StoreError::Database(cause.to_string()))?;
        Ok(Self { wanted: Some(wanted), done, thread: Some(thread) })
    }

    /// False if it is gone.
    fn begin(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.send(()).is_ok())
    }

    /// Whether it is done with what it was told. One that is gone is done as well.
    fn is_done(&self, waiting: bool) -> bool {
        if waiting {
            let _ = self.done.recv();
            return true;
        }
        !matches!(self.done.try_recv(), Err(TryRecvError::Empty))
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has closed its connection.
            let _ = thread.join();
        }
    }
}

/// Copies what no reader holds back, without waiting for anybody.
fn copy(connection: &Connection) {
    match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
        Ok((0.., 0..)) => {}
        Ok(_) => tracing::warn!("the database has no log to copy"),
        // Another process copies.
        Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
        Err(cause) => tracing::warn!(%cause, "the log was not copied into the database"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PAGES: u32 = 400;
    const PAGE: usize = 4096;

    fn write(connection: &Connection, pages: usize) {
        let bytes = vec![0_u8; pages * PAGE];
        connection.execute("INSERT INTO log_test VALUES (?1)", [bytes]).unwrap();
    }

    #[test]
    fn parts_are_copied_beside_the_writer_and_the_log_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE log_test (bytes BLOB)").unwrap();
        let mut checkpoints = Checkpoints::of(&mut connection, &path, PAGES).unwrap();
        let database = || fs::metadata(&path).unwrap().len();
        let part = (PAGES / PARTS) as usize;

        write(&connection, part - 10);
        checkpoints.committed(&connection);
        assert!(!checkpoints.copying);
        write(&connection, 20);
        checkpoints.committed(&connection);
        assert!(checkpoints.copying);
        checkpoints.copier.done.recv().unwrap();
        assert!(database() > (part * PAGE) as u64, "the copier has copied nothing");

        // The writer is far ahead of it, and copies the rest itself.
        write(&connection, PAGES as usize);
        assert!(checkpoints.copier.begin());
        while checkpoints.copying {
            checkpoints.committed(&connection);
        }
        assert!(database() > (PAGES as usize * PAGE) as u64);
        write(&connection, 1);
        let logged = checkpoints.logged.load(Ordering::Relaxed);
        assert!(logged < 10, "the log goes on with page {logged}");
        assert_eq!(checkpoints.next, PAGES / PARTS);
    }

    #[test]
    fn without_the_thread_the_writer_copies_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE log_test (bytes BLOB)").unwrap();
        let mut checkpoints = Checkpoints::of(&mut connection, &path, PAGES).unwrap();
        checkpoints.copier.wanted = None;
        write(&connection, PAGES as usize);
        checkpoints.committed(&connection);
        assert!(fs::metadata(&path).unwrap().len() > (PAGES as usize * PAGE) as u64);
    }
}
