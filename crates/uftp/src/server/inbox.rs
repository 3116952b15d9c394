//! Where received messages are kept.

use std::future::{Future, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Received;
use crate::storage::Receipt;

/// The storage port of the receiver.
pub trait Inbox: Send + Sync + 'static {
    /// Keeps a message. When it returns, the message is durable, and the peer is told so.
    ///
    /// A message that is there already is no error: the same bytes again are what a careful sender repeats, and
    /// other bytes under the same identifier are answered by a rejection.
    fn accept(&self, received: Received) -> impl Future<Output = Result<Receipt, InboxError>> + Send;
}

impl<I: Inbox> Inbox for Arc<I> {
    fn accept(&self, received: Received) -> impl Future<Output = Result<Receipt, InboxError>> + Send {
        I::accept(self, received)
    }
}

/// Why the inbox does not take a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// Too much is waiting (503).
    #[error("the inbox is full")]
    Busy {
        /// When the sender should come back.
        retry_after: Duration,
    },
    /// This sender posts too much (429).
    #[error("the sender posts too much")]
    Throttled {
        /// When the sender should come back.
        retry_after: Duration,
    },
    /// It could not be stored (500).
    #[error("the message could not be stored: {0}")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An inbox in memory, for tests and trials: what it keeps is lost with the process.
#[derive(Debug)]
pub struct MemoryInbox {
    most: usize,
    retry_after: Duration,
    messages: Mutex<Vec<Received>>,
}

impl MemoryInbox {
    /// An inbox for at most so many messages; with more it is busy.
    pub fn new(most: usize, retry_after: Duration) -> Self {
        Self { most, retry_after, messages: Mutex::default() }
    }

    /// Takes out everything that has come.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.messages.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn keep(&self, received: Received) -> Result<Receipt, InboxError> {
        let mut messages = self.lock();
        let same_id = |kept: &&Received| {
            kept.payload.header().message_id == received.payload.header().message_id
                && kept.sender == received.sender
        };
        if let Some(kept) = messages.iter().find(same_id) {
            let same = kept.payload_bytes == received.payload_bytes;
            return Ok(if same {
                Receipt::AlreadySubmitted { decided: false }
            } else {
                Receipt::DuplicateIdentifier
            });
        }
        if messages.len() >= self.most {
            return Err(InboxError::Busy { retry_after: self.retry_after });
        }
        messages.push(received);
        Ok(Receipt::Stored)
    }
}

impl Inbox for MemoryInbox {
    fn accept(&self, received: Received) -> impl Future<Output = Result<Receipt, InboxError>> + Send {
        ready(self.keep(received))
    }
}
