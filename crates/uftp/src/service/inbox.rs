//! From the receiver into the storage.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::info;

use super::{Bells, Letters};
use crate::server::{Inbox, InboxError};
use crate::storage::{Receipt, Step, Storage, StorageError};
use crate::value::MessageId;
use crate::{Decision, Participant, Received, RejectionReason};

/// What an inbox bears.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboxConfig {
    /// Messages that may wait to be handled; beyond it a peer is asked to come back later (503). Default: 100 000.
    pub backlog: u64,
    /// When a peer is to come back that could not be served. Default: 5 seconds.
    pub retry_after: Duration,
    /// A message that can't be handled after so many attempts is set aside. Default: 10.
    pub attempts: u32,
    /// On how many messages handlers do their longer work (*process*) at the same time. Default: 64.
    pub at_once: usize,
    /// How often a repetition of one message is answered; beyond it, it is only acknowledged: each answer is posted and kept,
    /// and a peer that goes on repeating has not understood the ones before. Default: 8.
    pub repetitions: u32,
}

impl Default for InboxConfig {
    fn default() -> Self {
        Self {
            backlog: 100_000,
            retry_after: Duration::from_secs(5),
            attempts: 10,
            at_once: 64,
            repetitions: 8,
        }
    }
}

/// How many repeated messages are remembered; beyond it all are forgotten, and answered again.
const REMEMBERED: usize = 10_000;

/// How often each message was answered for a repetition of it.
pub(super) type Repetitions = Arc<Mutex<BTreeMap<(Participant, MessageId), u32>>>;

/// The receiver's inbox, in a storage.
#[derive(Debug)]
pub struct StorageInbox<S> {
    pub(super) storage: Arc<S>,
    pub(super) letters: Letters,
    pub(super) config: InboxConfig,
    pub(super) bells: Bells,
    pub(super) repetitions: Repetitions,
}

impl<S: Storage> Inbox for StorageInbox<S> {
    async fn accept(&self, received: Received) -> Result<Receipt, InboxError> {
        let backlog = self.storage.backlog().await.map_err(|failure| self.refused(failure))?;
        if backlog >= self.config.backlog {
            return Err(InboxError::Busy { retry_after: self.config.retry_after });
        }
        let receipt = self.storage.accept(received.clone()).await.map_err(|failure| self.refused(failure))?;
        match receipt {
            Receipt::Stored => self.bells.inbox.ring(),
            // Its answer is still on its way to being made, and it is the answer to this one, too.
            Receipt::AlreadySubmitted { decided: false } => {}
            Receipt::AlreadySubmitted { decided: true } => {
                self.reject(&received, RejectionReason::AlreadySubmitted).await?;
            }
            Receipt::DuplicateIdentifier => {
                self.reject(&received, RejectionReason::DuplicateIdentifier).await?;
            }
        }
        Ok(receipt)
    }
}

impl<S: Storage> StorageInbox<S> {
    /// Answers a message whose identifier was used before, unless that was answered often enough.
    async fn reject(&self, received: &Received, reason: RejectionReason) -> Result<(), InboxError> {
        let answer = self.letters.answer(received, &Decision::from(reason));
        let Some(letter) = answer.map_err(|failure| InboxError::Storage(Box::new(failure)))? else {
            return Ok(());
        };
        if self.count(received) > self.config.repetitions {
            let message_id = received.payload.header().message_id;
            info!(peer = %received.sender, %message_id, "repeated again; it is answered no more");
            return Ok(());
        }
        let step = Step { letters: vec![letter], ..Step::default() };
        self.storage.commit(step).await.map_err(|failure| self.refused(failure))?;
        self.bells.outbox.ring();
        Ok(())
    }

    fn count(&self, received: &Received) -> u32 {
        let key = (received.sender.clone(), received.payload.header().message_id);
        let mut repetitions = self.repetitions.lock().unwrap_or_else(PoisonError::into_inner);
        if repetitions.len() >= REMEMBERED && !repetitions.contains_key(&key) {
            repetitions.clear();
        }
        let count = repetitions.entry(key).or_default();
        *count = count.saturating_add(1);
        *count
    }

    fn refused(&self, failure: StorageError) -> InboxError {
        match failure {
            StorageError::Busy => InboxError::Busy { retry_after: self.config.retry_after },
            other => InboxError::Storage(Box::new(other)),
        }
    }
}
