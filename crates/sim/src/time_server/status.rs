use std::collections::BTreeMap;

use jiff::Timestamp;

/// What a time server knows of its participants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The present instant.
    pub now: Timestamp,
    /// All that are expected, by name.
    pub participants: BTreeMap<String, ParticipantState>,
}

impl Status {
    /// Those for whom time stands still: they are missing, or busy.
    pub fn awaited(&self) -> impl Iterator<Item = &str> {
        let awaited =
            self.participants.iter().filter(|(_, state)| !matches!(state, ParticipantState::Idle { .. }));
        awaited.map(|(name, _)| name.as_str())
    }
}

/// What a time server knows of one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantState {
    /// It is not connected.
    Missing,
    /// It has something left to do at the present instant.
    Busy,
    /// It had nothing left to do when it reported last.
    Idle {
        /// The earliest instant that something in it waits for.
        next_wait: Option<Timestamp>,
    },
}
