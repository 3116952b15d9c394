//! The one thread that writes: it takes whatever waits, applies each in a savepoint, and commits once for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::SqliteOptions;
use super::apply::{self, JournalEnd};
use crate::{ChangeSet, Receipt, Received, StoreError};

/// What waits to be written, and who waits for it.
enum Job {
    Receive(Box<Received>, oneshot::Sender<Result<Receipt, StoreError>>),
    Commit(ChangeSet, oneshot::Sender<Result<(), StoreError>>),
}

/// A job that was applied and not yet committed.
enum Applied {
    Receive(Receipt, oneshot::Sender<Result<Receipt, StoreError>>),
    Commit(oneshot::Sender<Result<(), StoreError>>),
}

pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(connection: Connection, options: SqliteOptions) -> Result<Self, StoreError> {
        let end = JournalEnd::read(&connection)?;
        let (jobs, waiting) = mpsc::channel(options.waiting.max(1));
        let commits = Arc::new(AtomicU64::new(0));
        let mut work =
            Work { connection, end, waiting, shared: options.shared.max(1), commits: Arc::clone(&commits) };
        let thread = thread::Builder::new()
            .name("tieline-store".to_owned())
            .spawn(move || work.run())
            .map_err(|cause| StoreError::Database(cause.to_string()))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), commits })
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) async fn receive(&self, received: Received) -> Result<Receipt, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Receive(Box::new(received), answer))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) async fn commit(&self, changes: ChangeSet) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job::Commit(changes, answer))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy { waiting: jobs.max_capacity() },
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }
}

impl Drop for Writer {
    /// Waits until everything that was enqueued is on disk.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to wait for; whoever waited for it was told.
            let _ = thread.join();
        }
    }
}

struct Work {
    connection: Connection,
    end: JournalEnd,
    waiting: mpsc::Receiver<Job>,
    shared: usize,
    commits: Arc<AtomicU64>,
}

impl Work {
    fn run(&mut self) {
        let mut jobs = Vec::with_capacity(self.shared);
        while self.waiting.blocking_recv_many(&mut jobs, self.shared) > 0 {
            self.write(&mut jobs);
        }
    }

    /// Applies the jobs in one transaction. Nobody is answered before it is committed.
    fn write(&mut self, jobs: &mut Vec<Job>) {
        let mut applied = Vec::with_capacity(jobs.len());
        let mut end = self.end;
        match self.transact(jobs, &mut end, &mut applied) {
            Ok(()) => {
                self.end = end;
                self.commits.fetch_add(1, Ordering::Relaxed);
                applied.into_iter().for_each(Applied::succeed);
            }
            Err(cause) => {
                tracing::error!(%cause, "the database did not commit");
                let cause = cause.to_string();
                for applied in applied {
                    applied.fail(&cause);
                }
                for job in jobs.drain(..) {
                    job.fail(StoreError::Database(cause.clone()));
                }
            }
        }
    }

    fn transact(
        &mut self,
        jobs: &mut Vec<Job>,
        end: &mut JournalEnd,
        applied: &mut Vec<Applied>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Those that are not reached stay in `jobs`, to be told.
        jobs.reverse();
        while !jobs.is_empty() {
            let savepoint = transaction.savepoint()?;
            let Some(job) = jobs.pop() else { break };
            let mut end_after = *end;
            match job.apply(&savepoint, &mut end_after) {
                Ok(done) => {
                    applied.push(done);
                    savepoint.commit()?;
                    *end = end_after;
                }
                // Dropping the savepoint takes back what this job had changed, and nothing else.
                Err(refused) => {
                    drop(savepoint);
                    refused();
                }
            }
            // A full or failing disk takes the whole transaction back: what came before is lost as well.
            if transaction.is_autocommit() {
                return Err(StoreError::Database("the transaction was taken back".to_owned()));
            }
        }
        end.write(&transaction)?;
        transaction.commit()?;
        Ok(())
    }
}

impl Job {
    fn apply(self, connection: &Connection, end: &mut JournalEnd) -> Result<Applied, Box<dyn FnOnce()>> {
        match self {
            Self::Receive(received, answer) => match apply::receive(connection, end, &received) {
                Ok(receipt) => Ok(Applied::Receive(receipt, answer)),
                Err(cause) => Err(Box::new(move || tell(answer, Err(cause)))),
            },
            Self::Commit(changes, answer) => match apply::commit(connection, end, changes) {
                Ok(()) => Ok(Applied::Commit(answer)),
                Err(cause) => Err(Box::new(move || tell(answer, Err(cause)))),
            },
        }
    }

    fn fail(self, cause: StoreError) {
        match self {
            Self::Receive(_, answer) => tell(answer, Err(cause)),
            Self::Commit(_, answer) => tell(answer, Err(cause)),
        }
    }
}

impl Applied {
    fn succeed(self) {
        match self {
            Self::Receive(receipt, answer) => tell(answer, Ok(receipt)),
            Self::Commit(answer) => tell(answer, Ok(())),
        }
    }

    fn fail(self, cause: &str) {
        let cause = StoreError::Database(cause.to_owned());
        match self {
            Self::Receive(_, answer) => tell(answer, Err(cause)),
            Self::Commit(answer) => tell(answer, Err(cause)),
        }
    }
}

/// Whoever asked may have gone meanwhile; what was written stays written.
fn tell<T>(answer: oneshot::Sender<T>, outcome: T) {
    let _ = answer.send(outcome);
}
