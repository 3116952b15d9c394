//! Whose call the charging station has to answer.

use std::collections::VecDeque;
use std::time::Duration;

use ocpp_kit::types::MessageId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::session::Answered;

/// How many ids of calls that were not answered in time are remembered.
const REMEMBERED: usize = 64;

/// Our CALL that the station has not answered.
pub(super) struct Outstanding {
    pub(super) id: MessageId,
    pub(super) timeout: Duration,
    /// When it must have been answered, once it was written.
    pub(super) until: Option<Instant>,
    pub(super) answer: oneshot::Sender<Answered>,
}

/// The calls that a station has to answer.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) ours: Option<Outstanding>,
    /// Those of the CSMS, and since when.
    theirs: VecDeque<(MessageId, Instant)>,
    /// Ours that were given up, the oldest first.
    given_up: VecDeque<MessageId>,
}

/// Whose answer it is.
pub(super) enum Answers {
    /// Ours, which waits for it.
    Ours(Outstanding),
    /// One of ours that was given up.
    Late,
    /// The CSMS's, or nobody's.
    Theirs,
}

impl Calls {
    /// The CSMS has called.
    pub(super) fn called(&mut self, id: MessageId, now: Instant) {
        // If it chose an id of ours, which is a random one, the answer is to this call and not to ours.
        self.given_up.retain(|known| *known != id);
        self.theirs.push_back((id, now));
    }

    /// The station has answered.
    pub(super) fn answered(&mut self, id: &MessageId) -> Answers {
        if let Some(ours) = self.ours.take_if(|ours| ours.id == *id) {
            return Answers::Ours(ours);
        }
        if self.given_up.contains(id) {
            return Answers::Late;
        }
        self.theirs.retain(|(known, _)| known != id);
        Answers::Theirs
    }

    /// Whether the station may get a call of ours. What it has not answered the CSMS after `patience` does not count.
    pub(super) fn is_free(&mut self, now: Instant, patience: Duration) -> bool {
        self.theirs.retain(|(_, since)| *since + patience > now);
        self.ours.is_none() && self.theirs.is_empty()
    }

    /// When the oldest call of the CSMS no longer counts.
    pub(super) fn free_at(&self, patience: Duration) -> Option<Instant> {
        self.theirs.front().map(|(_, since)| *since + patience)
    }

    pub(super) fn is_known(&self, id: &MessageId) -> bool {
        self.theirs.iter().any(|(known, _)| known == id) || self.given_up.contains(id)
    }

    /// Gives our call up if it was not answered in time.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Outstanding> {
        let expired = self.ours.take_if(|ours| ours.until.is_some_and(|until| until <= now))?;
        if self.given_up.len() == REMEMBERED {
            self.given_up.pop_front();
        }
        self.given_up.push_back(expired.id.clone());
        Some(expired)
    }
}
