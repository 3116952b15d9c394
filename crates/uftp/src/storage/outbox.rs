//! The outbox.

use bytes::Bytes;
use jiff::Timestamp;

use crate::value::{ConversationId, MessageId};
use crate::{MessageType, Participant, Payload};

/// A message that is owed to a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Whom it is for.
    pub recipient: Participant,
    /// The message.
    pub payload: Payload,
    /// Its envelope: the exact bytes, the same in every attempt.
    pub envelope: Bytes,
    /// When it was made: the first attempt may follow at once.
    pub made_at: Timestamp,
    /// When delivery is given up.
    pub deadline: Timestamp,
    /// When an answer is to be there; `None` for an answer, and where none is waited for.
    pub reply_by: Option<Timestamp>,
}

/// A message's number in the outbox, in the order in which messages were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwedId(pub i64);

/// A message that is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Its number.
    pub id: OwedId,
    /// Whom it is for.
    pub recipient: Participant,
    /// Which message it is.
    pub message_type: MessageType,
    /// Its identifier.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// The exact bytes.
    pub envelope: Bytes,
    /// When delivery is given up.
    pub deadline: Timestamp,
    /// How many attempts failed.
    pub attempts: u32,
    /// How many of the latest attempts were refused for good, one after the other.
    pub refused: u32,
}

/// Messages of the outbox that a question leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Besides {
    /// These: they are on their way.
    pub under_way: Vec<OwedId>,
    /// All to these, who have enough on their way.
    pub recipients: Vec<Participant>,
}

impl Besides {
    pub(crate) fn leaves_out(&self, owed: &Owed) -> bool {
        self.under_way.contains(&owed.id) || self.recipients.contains(&owed.recipient)
    }
}

/// What an attempt at delivery came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The recipient has it.
    Delivered,
    /// It is tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// What went wrong.
        cause: String,
        /// Whether the recipient has refused it for good, which is not believed yet.
        refused: bool,
    },
    /// It is given up.
    Failed {
        /// Why.
        cause: String,
    },
}

/// A participant to whom nothing is delivered until an operator [releases](super::Storage::release) it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who.
    pub participant: Participant,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: String,
}
