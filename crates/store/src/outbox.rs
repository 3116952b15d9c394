use bytes::Bytes;
use jiff::Timestamp;

/// A message that is owed to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The protocol's name.
    pub protocol: &'static str,
    /// Whom it is for.
    pub recipient: String,
    /// The conversation; messages of one conversation reach their recipient in order.
    pub conversation: String,
    /// Our identifier for it, unique within the protocol.
    pub message_id: String,
    /// Its type, for people.
    pub label: String,
    /// The exact bytes, the same in every attempt.
    pub body: Bytes,
    /// When it was made: the first attempt may follow at once.
    pub made_at: Timestamp,
    /// When delivery is given up.
    pub deadline: Timestamp,
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its number, in the order in which messages were made.
    pub id: i64,
    /// The protocol's name.
    pub protocol: String,
    /// Whom it is for.
    pub recipient: String,
    /// The conversation.
    pub conversation: String,
    /// Our identifier for it.
    pub message_id: String,
    /// Its type.
    pub label: String,
    /// The exact bytes.
    pub body: Bytes,
    /// When delivery is given up.
    pub deadline: Timestamp,
    /// How many attempts failed.
    pub attempts: u32,
    /// How many of the latest attempts the recipient refused for good, one after the other.
    pub refused: u32,
}

/// Messages of the outbox that a question leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Besides {
    /// These, by their numbers: they are on their way.
    pub under_way: Vec<i64>,
    /// All to these recipients, who have enough on their way.
    pub recipients: Vec<String>,
    /// All to these recipients but for what is past its deadline: nothing is delivered to them any more.
    pub held: Vec<String>,
}

impl Besides {
    pub(crate) fn leaves_out(&self, entry: &OutboxEntry) -> bool {
        self.under_way.contains(&entry.id) || self.recipients.contains(&entry.recipient)
    }

    /// When a message is due that would be due at `due`.
    pub(crate) fn due(&self, entry: &OutboxEntry, due: Timestamp) -> Timestamp {
        if self.held.contains(&entry.recipient) { entry.deadline } else { due }
    }
}

/// How far an owed message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// It is to be delivered.
    Pending,
    /// The recipient has it.
    Delivered,
    /// It was given up.
    Failed,
}

/// What an attempt at delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The recipient has it.
    Delivered,
    /// It can be tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// What went wrong.
        cause: String,
        /// Whether the recipient has refused it for good.
        refused: bool,
    },
    /// It is given up: the deadline has passed, or the recipient will never take it.
    Failed {
        /// Why.
        cause: String,
    },
}
