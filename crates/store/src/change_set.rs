use jiff::Timestamp;

use crate::journal::{Direction, NewEntry};
use crate::{Attempt, InboxId, Outgoing, RawRecord, Record, StoreError, Timer, Version};

/// What was decided, to be applied as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Keep a record, in place of the one with its kind and key.
    Put {
        /// The record.
        record: RawRecord,
        /// The version that it must replace: 0 for none. `None` replaces whatever is there.
        replaces: Option<Version>,
    },
    /// Owe a message. It is journalled as sent.
    Send(Outgoing),
    /// Note what an attempt at delivering an owed message came to.
    Attempted {
        /// The message's number in the outbox.
        id: i64,
        /// When the attempt ended.
        at: Timestamp,
        /// What it came to.
        attempt: Attempt,
    },
    /// Set a timer, in place of the one with its kind and subject.
    SetTimer(Timer),
    /// Clear a timer, unless it was set to another instant meanwhile.
    ClearTimer(Timer),
    /// The first step of a received message is done: it is decided, and answered by this change set.
    Answered(InboxId),
    /// A received message is done with.
    Processed(InboxId),
    /// Deciding a received message failed.
    Failed {
        /// Its number.
        id: InboxId,
        /// When to try again; `None` sets it aside.
        retry_at: Option<Timestamp>,
        /// What went wrong.
        cause: String,
    },
    /// Write an entry into the journal.
    Journal(NewEntry),
}

impl ChangeSet {
    /// Nothing.
    pub const fn new() -> Self {
        Self { changes: Vec::new() }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes, in the order in which they are applied.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How many bytes of messages, records and grounds it holds.
    #[cfg(feature = "sqlite")]
    pub(crate) fn size(&self) -> usize {
        let size = |change: &Change| match change {
            Change::Put { record, .. } => record.body.len(),
            Change::Send(outgoing) => outgoing.body.len(),
            Change::Journal(entry) => entry.bytes.len(),
            _ => 0,
        };
        self.changes.iter().map(size).sum()
    }

    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Adds all changes of another.
    pub fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
    }

    /// Keeps a record, whatever is there.
    pub fn put<T: Record>(&mut self, record: &T) -> Result<&mut Self, StoreError> {
        Ok(self.push(Change::Put { record: RawRecord::of(record)?, replaces: None }))
    }

    /// Keeps a record in place of the version that was read; 0 if there was none. If another is there by then, the
    /// whole change set is refused with [`StoreError::Conflict`].
    pub fn replace<T: Record>(&mut self, record: &T, version: Version) -> Result<&mut Self, StoreError> {
        Ok(self.push(Change::Put { record: RawRecord::of(record)?, replaces: Some(version) }))
    }

    /// Owes a message.
    pub fn send(&mut self, outgoing: Outgoing) -> &mut Self {
        self.push(Change::Send(outgoing))
    }

    /// Notes what an attempt at delivery came to.
    pub fn attempted(&mut self, id: i64, at: Timestamp, attempt: Attempt) -> &mut Self {
        self.push(Change::Attempted { id, at, attempt })
    }

    /// Sets a timer.
    pub fn set_timer(&mut self, timer: Timer) -> &mut Self {
        self.push(Change::SetTimer(timer))
    }

    /// Clears a timer that fired.
    pub fn clear_timer(&mut self, timer: Timer) -> &mut Self {
        self.push(Change::ClearTimer(timer))
    }

    /// The received message is decided.
    pub fn answered(&mut self, id: InboxId) -> &mut Self {
        self.push(Change::Answered(id))
    }

    /// The received message is done with.
    pub fn processed(&mut self, id: InboxId) -> &mut Self {
        self.push(Change::Processed(id))
    }

    /// Deciding the received message failed.
    pub fn failed(
        &mut self,
        id: InboxId,
        retry_at: Option<Timestamp>,
        cause: impl Into<String>,
    ) -> &mut Self {
        self.push(Change::Failed { id, retry_at, cause: cause.into() })
    }

    /// Journals a decision with its grounds.
    pub fn decide(
        &mut self,
        at: Timestamp,
        by: &str,
        about: impl Into<String>,
        label: impl Into<String>,
        conversation: impl Into<String>,
        grounds: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.push(Change::Journal(NewEntry {
            at,
            direction: Direction::Decision,
            protocol: by.to_owned(),
            peer: about.into(),
            label: label.into(),
            message_id: String::new(),
            conversation: conversation.into(),
            bytes: grounds.into().into(),
        }))
    }

    fn push(&mut self, change: Change) -> &mut Self {
        self.changes.push(change);
        self
    }
}

/// The journal entry of a message that is owed.
pub(crate) fn sent_entry(outgoing: &Outgoing) -> NewEntry {
    NewEntry {
        at: outgoing.made_at,
        direction: Direction::Sent,
        protocol: outgoing.protocol.to_owned(),
        peer: outgoing.recipient.clone(),
        label: outgoing.label.clone(),
        message_id: outgoing.message_id.clone(),
        conversation: outgoing.conversation.clone(),
        bytes: outgoing.body.clone(),
    }
}

/// The journal entry of a message that was received.
pub(crate) fn received_entry(received: &crate::Received) -> NewEntry {
    NewEntry {
        at: received.received_at,
        direction: Direction::Received,
        protocol: received.protocol.to_owned(),
        peer: received.peer.clone(),
        label: received.label.clone(),
        message_id: received.message_id.clone(),
        conversation: received.conversation.clone(),
        bytes: received.raw.clone(),
    }
}
