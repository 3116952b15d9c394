//! The one thread that writes: it takes whatever waits, applies each in a savepoint, and commits once for all.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::SqliteOptions;
use super::apply::{self, Arrival};
use super::checkpoint::Checkpoints;
use super::tally::Tally;
use crate::{ChangeSet, Receipt, Received, StoreError};

/// What waits to be written.
struct Job {
    work: Work,
    /// How many bytes of messages and records it holds.
    size: usize,
}

/// What is to be written, and who waits for it.
enum Work {
    Receive(Box<Arrival>, oneshot::Sender<Result<Receipt, StoreError>>),
    Commit(ChangeSet, oneshot::Sender<Result<(), StoreError>>),
}

/// Work that was done or refused, and is not to be told before the others' is committed.
enum Outcome {
    Received(Receipt, oneshot::Sender<Result<Receipt, StoreError>>),
    NotReceived(StoreError, oneshot::Sender<Result<Receipt, StoreError>>),
    Committed(oneshot::Sender<Result<(), StoreError>>),
    NotCommitted(StoreError, oneshot::Sender<Result<(), StoreError>>),
}

/// What the writer shows to the outside.
#[derive(Default)]
struct Shown {
    /// Transactions that were committed.
    commits: AtomicU64,
    /// Received messages that are not done with.
    backlog: AtomicU64,
    /// Bytes that wait to be written.
    waiting: AtomicUsize,
}

pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    shown: Arc<Shown>,
    waiting_bytes: usize,
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        path: &Path,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        let tally = Tally::read(&connection)?;
        let checkpoints = Checkpoints::of(&mut connection, path, options.checkpoint_pages)?;
        let (jobs, waiting) = mpsc::channel(options.waiting.max(1));
        let shown = Arc::new(Shown::default());
        shown.backlog.store(tally.backlog, Ordering::Release);
        let mut desk = Desk {
            connection,
            checkpoints,
            tally,
            waiting,
            shared: options.shared.max(1),
            linger: options.linger,
            shown: Arc::clone(&shown),
        };
        let thread = thread::Builder::new()
            .name("tieline-store".to_owned())
            .spawn(move || desk.run())
            .map_err(|cause| StoreError::Database(cause.to_string()))?;
        let waiting_bytes = options.waiting_bytes;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), shown, waiting_bytes })
    }

    pub(super) fn commits(&self) -> u64 {
        self.shown.commits.load(Ordering::Relaxed)
    }

    pub(super) fn backlog(&self) -> u64 {
        self.shown.backlog.load(Ordering::Acquire)
    }

    pub(super) async fn receive(&self, received: Received) -> Result<Receipt, StoreError> {
        let (answer, answered) = oneshot::channel();
        let size = received.raw.len().saturating_add(received.body.len());
        self.enqueue(Work::Receive(Box::new(Arrival::new(received)), answer), size)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) async fn commit(&self, changes: ChangeSet) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        let size = changes.size();
        self.enqueue(Work::Commit(changes, answer), size)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Waits until the thread is gone: it panicked, since it only ends by itself when this is dropped.
    pub(super) async fn closed(&self) {
        if let Some(jobs) = &self.jobs {
            jobs.closed().await;
        }
    }

    fn enqueue(&self, work: Work, size: usize) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        // What is being written just now has left the queue and waits as well.
        let busy = || StoreError::Busy { waiting: (jobs.max_capacity() - jobs.capacity()).max(1) };
        // One that is larger than the limit alone still gets through when nothing else waits.
        let before = self.shown.waiting.fetch_add(size, Ordering::AcqRel);
        let refused = if before > 0 && before.saturating_add(size) > self.waiting_bytes {
            busy()
        } else {
            match jobs.try_send(Job { work, size }) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(_)) => busy(),
                Err(mpsc::error::TrySendError::Closed(_)) => StoreError::Closed,
            }
        };
        self.shown.waiting.fetch_sub(size, Ordering::AcqRel);
        Err(refused)
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

/// The writer's thread.
struct Desk {
    connection: Connection,
    checkpoints: Checkpoints,
    tally: Tally,
    waiting: mpsc::Receiver<Job>,
    shared: usize,
    linger: Duration,
    shown: Arc<Shown>,
}

impl Desk {
    fn run(&mut self) {
        let mut jobs = Vec::with_capacity(self.shared);
        let mut shared_before = 1;
        while let Some(first) = self.waiting.blocking_recv() {
            jobs.push(first);
            if self.waiting.len() + 1 < shared_before {
                self.wait_for_the_others();
            }
            while jobs.len() < self.shared
                && let Ok(job) = self.waiting.try_recv()
            {
                jobs.push(job);
            }
            shared_before = jobs.len();
            self.write(&mut jobs);
        }
    }

    /// Those who shared the last commit were answered together and are about to come back. Without a pause the first of
    /// them would have a commit for itself, for which all the others wait.
    fn wait_for_the_others(&self) {
        if !self.linger.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "this thread is the writer's own")]
            thread::sleep(self.linger);
        }
    }

    /// Applies the jobs in one transaction. Nobody is answered before it is committed.
    fn write(&mut self, jobs: &mut Vec<Job>) {
        let size = jobs.iter().map(|job| job.size).sum();
        let mut outcomes = Vec::with_capacity(jobs.len());
        let written = self.transact(jobs, &mut outcomes);
        self.shown.waiting.fetch_sub(size, Ordering::AcqRel);
        match written {
            Ok(tally) => {
                self.tally = tally;
                self.shown.backlog.store(tally.backlog, Ordering::Release);
                self.shown.commits.fetch_add(1, Ordering::Relaxed);
                outcomes.into_iter().for_each(Outcome::tell);
                self.checkpoints.committed(&self.connection);
            }
            Err(cause) => {
                tracing::error!(%cause, "the database did not commit");
                let cause = cause.to_string();
                for outcome in outcomes {
                    outcome.taken_back(&cause).tell();
                }
                for job in jobs.drain(..) {
                    job.work.fail(StoreError::Database(cause.clone())).tell();
                }
            }
        }
    }

    fn transact(&mut self, jobs: &mut Vec<Job>, outcomes: &mut Vec<Outcome>) -> Result<Tally, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut tally = self.tally.refreshed(&transaction)?;
        // Those that are not reached stay in `jobs`, to be told.
        jobs.reverse();
        while !jobs.is_empty() {
            // Prepared once, which `Transaction::savepoint` does each time.
            transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
            let Some(job) = jobs.pop() else { break };
            let mut tally_after = tally;
            let outcome = job.work.apply(&transaction, &mut tally_after);
            let done = outcome.is_done();
            outcomes.push(outcome);
            // A full or failing disk takes the whole transaction back: what came before is lost as well.
            if transaction.is_autocommit() {
                return Err(StoreError::Database("the transaction was taken back".to_owned()));
            }
            if done {
                tally = tally_after;
            } else {
                // Takes back what this job had changed, and nothing else.
                transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
            }
            transaction.prepare_cached("RELEASE job")?.execute([])?;
        }
        tally.write(&transaction)?;
        transaction.commit()?;
        Ok(tally)
    }
}

impl Work {
    fn apply(self, connection: &Connection, tally: &mut Tally) -> Outcome {
        match self {
            Self::Receive(arrival, answer) => match apply::receive(connection, tally, &arrival) {
                Ok(receipt) => Outcome::Received(receipt, answer),
                Err(cause) => Outcome::NotReceived(cause, answer),
            },
            Self::Commit(changes, answer) => match apply::commit(connection, tally, changes) {
                Ok(()) => Outcome::Committed(answer),
                Err(cause) => Outcome::NotCommitted(cause, answer),
            },
        }
    }

    fn fail(self, cause: StoreError) -> Outcome {
        match self {
            Self::Receive(_, answer) => Outcome::NotReceived(cause, answer),
            Self::Commit(_, answer) => Outcome::NotCommitted(cause, answer),
        }
    }
}

impl Outcome {
    const fn is_done(&self) -> bool {
        matches!(self, Self::Received(..) | Self::Committed(_))
    }

    /// What became of it when the transaction was taken back. Who was refused anyway hears his own cause.
    fn taken_back(self, cause: &str) -> Self {
        let cause = StoreError::Database(cause.to_owned());
        match self {
            Self::Received(_, answer) => Self::NotReceived(cause, answer),
            Self::Committed(answer) => Self::NotCommitted(cause, answer),
            refused => refused,
        }
    }

    /// Whoever asked may have gone meanwhile; what was written stays written.
    fn tell(self) {
        match self {
            Self::Received(receipt, answer) => drop(answer.send(Ok(receipt))),
            Self::NotReceived(cause, answer) => drop(answer.send(Err(cause))),
            Self::Committed(answer) => drop(answer.send(Ok(()))),
            Self::NotCommitted(cause, answer) => drop(answer.send(Err(cause))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_writer_whose_thread_panicked_is_closed_and_says_so() {
        let (jobs, mut waiting) = mpsc::channel::<Job>(1);
        let thread = thread::spawn(move || {
            let _job = waiting.blocking_recv();
            panic!("the disk is cursed");
        });
        let shown = Arc::default();
        let writer = Writer { jobs: Some(jobs), thread: Some(thread), shown, waiting_bytes: 1024 };
        let early = tokio::time::timeout(Duration::from_millis(10), writer.closed()).await;
        assert!(early.is_err(), "the thread is there");

        let mut changes = ChangeSet::new();
        changes.set_timer(crate::Timer::new("siesta", "all", jiff::Timestamp::UNIX_EPOCH));
        assert!(matches!(writer.commit(changes.clone()).await, Err(StoreError::Closed)));
        writer.closed().await;
        assert!(matches!(writer.commit(changes).await, Err(StoreError::Closed)));
    }
}
