//! The change that one piece of work makes.

use jiff::Timestamp;

use super::{Attempt, Held, InboxId, Letter, OwedId, Progress};
use crate::history::{Exchanged, Fate};
use crate::value::MessageId;
use crate::{MessageType, Participant};

/// What one piece of work changes, to be done as a whole or not at all.
///
/// Whatever is sent is part of the [history](crate::History) from then on, and open.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step<W> {
    /// How far a received message has come.
    pub progress: Option<(InboxId, Progress)>,
    /// Received messages that are decided on: part of the history from now on.
    pub exchanged: Vec<Exchanged>,
    /// What has become of requests that are in the history.
    pub settled: Vec<Settled>,
    /// Messages that are owed from now on.
    pub letters: Vec<Letter>,
    /// What an attempt at delivery that ended at this instant came to.
    pub attempt: Option<(OwedId, Timestamp, Attempt)>,
    /// Who is not delivered to any more.
    pub held: Option<Held>,
    /// A request of ours whose answer is waited for no more.
    pub expired: Option<(Participant, MessageId)>,
    /// What the participant's own handlers keep.
    pub work: W,
}

/// What has become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// With whom it was exchanged.
    pub counterparty: Participant,
    /// Which message it is.
    pub message_type: MessageType,
    /// Its identifier.
    pub message_id: MessageId,
    /// What has become of it.
    pub fate: Fate,
}

impl<W: Default> Default for Step<W> {
    fn default() -> Self {
        Self {
            progress: None,
            exchanged: Vec::new(),
            settled: Vec::new(),
            letters: Vec::new(),
            attempt: None,
            held: None,
            expired: None,
            work: W::default(),
        }
    }
}
