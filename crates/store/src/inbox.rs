use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A message that a peer sent, before anything was decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The protocol's name.
    pub protocol: &'static str,
    /// Who sent it, and signed it.
    pub peer: String,
    /// Whom it is meant for.
    pub recipient: String,
    /// The sender's identifier for it.
    pub message_id: String,
    /// The conversation that it belongs to; messages of one conversation are decided in order.
    pub conversation: String,
    /// Its type, for people.
    pub label: String,
    /// As it came, seal included: what the journal keeps.
    pub raw: Bytes,
    /// What the seal covers: it tells a repetition from a contradiction, and only its hash is kept.
    pub body: Bytes,
    /// What the receiver learnt on the way in, for whoever decides; the store only keeps it.
    pub note: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// A received message's number in the inbox, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InboxId(pub i64);

/// What became of a received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is new, and it is now on disk.
    New(InboxId),
    /// The very same message is here already.
    AlreadySubmitted {
        /// The first one.
        id: InboxId,
        /// How far it has come.
        state: InboxState,
    },
    /// Its sender used its identifier before, for something else.
    DuplicateIdentifier {
        /// The first one.
        id: InboxId,
    },
}

/// How far a received message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InboxState {
    /// Nothing is decided.
    Received,
    /// It was decided and its answer is on its way; the longer work is to be done.
    Answered,
    /// All is done.
    Done,
    /// It was set aside after too many attempts.
    SetAside,
}

/// A message that waits in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its number.
    pub id: InboxId,
    /// The protocol's name.
    pub protocol: String,
    /// Who sent it.
    pub peer: String,
    /// Whom it is meant for.
    pub recipient: String,
    /// The sender's identifier for it.
    pub message_id: String,
    /// The conversation.
    pub conversation: String,
    /// Its type.
    pub label: String,
    /// As it came, seal included.
    pub raw: Bytes,
    /// What the receiver noted.
    pub note: String,
    /// When it came.
    pub received_at: Timestamp,
    /// How far it has come.
    pub state: InboxState,
    /// How often deciding it failed.
    pub attempts: u32,
}

impl InboxState {
    #[cfg(feature = "sqlite")]
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Received => 0,
            Self::Answered => 1,
            Self::Done => 2,
            Self::SetAside => 3,
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Received),
            1 => Some(Self::Answered),
            2 => Some(Self::Done),
            3 => Some(Self::SetAside),
            _ => None,
        }
    }

    pub(crate) const fn is_waiting(self) -> bool {
        matches!(self, Self::Received | Self::Answered)
    }
}
