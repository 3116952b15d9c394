//! The inbox.

use jiff::Timestamp;

use crate::Received;

/// A received message's number, in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboxId(pub i64);

/// What the inbox did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is new and kept.
    Stored,
    /// The very same message was there already («Already Submitted»).
    AlreadySubmitted {
        /// Whether it has been decided on. Otherwise its answer is still to come, and is the answer to this one, too.
        decided: bool,
    },
    /// Another message with the same identifier was there already («Duplicate Identifier»).
    DuplicateIdentifier,
}

/// What a received message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// To be decided on and answered.
    Received,
    /// For the longer work.
    Decided,
}

/// What became of a received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is decided on and answered; the longer work is to be done.
    Decided,
    /// All is done.
    Done,
    /// Handling it failed.
    Failed {
        /// When to try again; `None` sets it aside.
        retry_at: Option<Timestamp>,
        /// What went wrong.
        cause: String,
    },
}

/// A received message that is to be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: InboxId,
    /// The message.
    pub received: Received,
    /// How often handling it has failed at this stage.
    pub attempts: u32,
}
