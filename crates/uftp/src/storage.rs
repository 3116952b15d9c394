//! What a participant must keep: the storage ports of the crate.
//!
//! [`Storage`] is what a [service](crate::service) needs of a store: an inbox, an outbox, the past, and who is held. It is
//! shaped by the questions that are asked, and changed by [`Step`]s only, each as a whole or not at all: so a process that
//! is killed at any instant loses nothing and does nothing twice. [`MemoryStorage`] keeps it all in memory, for tests, trials
//! and examples.

mod inbox;
mod memory;
mod outbox;
mod step;

use std::future::Future;

use jiff::Timestamp;

pub use inbox::{InboxId, Progress, Receipt, Stage, Waiting};
pub use memory::MemoryStorage;
pub use outbox::{Attempt, Besides, Held, Letter, Owed, OwedId};
pub use step::{Settled, Step};

use crate::history::{Exchanged, History};
use crate::{Participant, Received};

/// Where a participant keeps what must survive it.
///
/// Messages of one conversation are handled, and delivered to one recipient, in the order in which they came or were
/// made: of each conversation only the oldest is given out, and none while it rests.
pub trait Storage: History + Send + Sync + 'static {
    /// What handlers keep together with what they decide; `()` where they keep nothing.
    type Work: Default + Send + 'static;

    /// Keeps a received message. When it returns, the message is durable, and the peer is told so.
    ///
    /// A message is known by its sender and its identifier; whether another one is the same tell the bytes of its payload.
    fn accept(&self, received: Received) -> impl Future<Output = Result<Receipt, StorageError>> + Send;

    /// How many received messages are not done with.
    fn backlog(&self) -> impl Future<Output = Result<u64, StorageError>> + Send;

    /// Received messages to be handled now at this stage, at most `limit`: those that are the oldest of their conversation,
    /// of both stages, and due.
    fn waiting(
        &self,
        stage: Stage,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Waiting>, StorageError>> + Send;

    /// When the next received message that rests at this stage until after `now` is to be handled again.
    fn next_waiting(
        &self,
        stage: Stage,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Timestamp>, StorageError>> + Send;

    /// Does a step as a whole or not at all. When it returns, the step is durable.
    fn commit(&self, step: Step<Self::Work>) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Messages to be delivered now: the oldest that is owed to each recipient in each conversation, at most `limit`, and
    /// none to a recipient who is held, unless its deadline has passed.
    fn owed(
        &self,
        now: Timestamp,
        limit: usize,
        besides: Besides,
    ) -> impl Future<Output = Result<Vec<Owed>, StorageError>> + Send;

    /// When the next owed message is to be tried, or given up.
    fn next_owed(
        &self,
        besides: Besides,
    ) -> impl Future<Output = Result<Option<Timestamp>, StorageError>> + Send;

    /// Requests of ours that have no answer at their reply deadline, at most `limit`; each until a step says that it has
    /// [expired](Step::expired).
    fn unanswered(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Exchanged>, StorageError>> + Send;

    /// When the next reply deadline passes.
    fn next_unanswered(&self) -> impl Future<Output = Result<Option<Timestamp>, StorageError>> + Send;

    /// The participants to whom nothing is delivered.
    fn held(&self) -> impl Future<Output = Result<Vec<Held>, StorageError>> + Send;

    /// Delivers to a participant again: what an operator does once its trouble is over.
    fn release(&self, participant: &Participant) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Why a store does not do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// What a step was based on has changed meanwhile: the message is handled anew.
    #[error("{0} has changed meanwhile")]
    Conflict(String),
    /// Too much waits to be stored.
    #[error("the store is busy")]
    Busy,
    /// The store has failed.
    #[error("the store has failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StorageError {
    /// Whether the same may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Busy)
    }
}
