//! What happens to messages of ours without a peer saying anything.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::Participant;
use crate::history::Exchanged;
use crate::message::MessageType;
use crate::storage::StorageError;
use crate::value::MessageId;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message of ours was given up: it will never arrive.
    Undeliverable(Undeliverable),
    /// A request of ours has had no answer within its [period](super::ReplyWithin).
    Expired(Box<Exchanged>),
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeliverable {
    /// Whom it was for.
    pub recipient: Participant,
    /// Which message it is.
    pub message_type: MessageType,
    /// Its identifier.
    pub message_id: MessageId,
    /// Why.
    pub cause: String,
}

/// Work that a store can take.
pub type EventWork<'a, W> = Pin<Box<dyn Future<Output = Result<W, StorageError>> + Send + 'a>>;

/// What a participant does about an [`Event`]. The work is committed together with the note of what happened, so each event is
/// acted upon once; it may be asked for more than once until the store takes it.
pub trait Events<W>: fmt::Debug + Send + Sync + 'static {
    /// The work that the event causes.
    fn work(&self, event: Event) -> EventWork<'_, W>;
}

/// Does nothing about events but log them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ignored;

impl<W: Default + Send + 'static> Events<W> for Ignored {
    fn work(&self, _: Event) -> EventWork<'_, W> {
        Box::pin(std::future::ready(Ok(W::default())))
    }
}
