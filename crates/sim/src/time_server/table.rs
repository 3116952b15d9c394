//! What the participants reported.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tieline_types::Stillness;

use super::{ParticipantState, Status};

/// The participants that are expected, and the present instant.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) now: Timestamp,
    participants: BTreeMap<String, Participant>,
}

#[derive(Debug, Default)]
struct Participant {
    /// The newest of its connections.
    connection: Option<u64>,
    /// Whether its clock shows the present instant.
    shows_now: bool,
    /// What it reported last of the present instant.
    still: Option<Stillness>,
    /// The last round that it answered.
    answered: u64,
}

impl Table {
    pub(super) fn new(now: Timestamp, names: impl Iterator<Item = String>) -> Self {
        Self { now, participants: names.map(|name| (name, Participant::default())).collect() }
    }

    pub(super) fn expect(&mut self, name: String) {
        self.participants.entry(name).or_default();
    }

    pub(super) fn dismiss(&mut self, name: &str) {
        self.participants.remove(name);
    }

    /// A participant has come, or come again: its older connection counts no longer. False if nobody expects it.
    pub(super) fn join(&mut self, name: &str, connection: u64) -> bool {
        let Some(participant) = self.participants.get_mut(name) else { return false };
        *participant = Participant { connection: Some(connection), ..Participant::default() };
        true
    }

    /// Whether this connection is the newest of its participant.
    pub(super) fn is_joined(&self, name: &str, connection: u64) -> bool {
        self.participants.get(name).is_some_and(|participant| participant.connection == Some(connection))
    }

    /// Whether this participant had nothing left to do when it reported last.
    pub(super) fn was_still(&self, name: &str) -> bool {
        self.participants.get(name).is_some_and(|participant| participant.still.is_some())
    }

    pub(super) fn leave(&mut self, name: &str, connection: u64) {
        if let Some(participant) = self.of(name, connection) {
            *participant = Participant::default();
        }
    }

    pub(super) fn shows(&mut self, name: &str, connection: u64, shown: Timestamp, still: Option<Stillness>) {
        let now = self.now;
        if let Some(participant) = self.of(name, connection).filter(|_| shown == now) {
            participant.shows_now = true;
            participant.still = still.filter(|still| still.now == now);
        }
    }

    /// A report of another instant than the present was made before its participant heard of this one, and tells nothing.
    pub(super) fn report(
        &mut self,
        name: &str,
        connection: u64,
        round: Option<u64>,
        still: Option<Stillness>,
    ) {
        let now = self.now;
        let Some(participant) = self.of(name, connection) else { return };
        participant.still = still.filter(|still| still.now == now);
        participant.answered = round.unwrap_or(participant.answered);
    }

    pub(super) fn move_to(&mut self, now: Timestamp) {
        self.now = now;
        for participant in self.participants.values_mut() {
            participant.shows_now = false;
            participant.still = None;
        }
    }

    /// Whether all show the present instant.
    pub(super) fn is_shown(&self) -> bool {
        self.participants.values().all(|participant| participant.shows_now)
    }

    pub(super) fn is_still(&self) -> bool {
        self.participants.values().all(|participant| participant.still.is_some())
    }

    pub(super) fn has_answered(&self, round: u64) -> bool {
        self.participants.values().all(|participant| participant.answered == round)
    }

    /// What each participant reported last, and over which connection.
    pub(super) fn stillnesses(&self) -> Vec<(String, Option<u64>, Option<Stillness>)> {
        let of = |(name, participant): (&String, &Participant)| {
            (name.clone(), participant.connection, participant.still)
        };
        self.participants.iter().map(of).collect()
    }

    pub(super) fn next_wait(&self) -> Option<Timestamp> {
        self.participants.values().filter_map(|participant| participant.still?.next_wait).min()
    }

    pub(super) fn status(&self) -> Status {
        let state = |participant: &Participant| match (participant.connection, participant.still) {
            (None, _) => ParticipantState::Missing,
            (Some(_), None) => ParticipantState::Busy,
            (Some(_), Some(still)) => ParticipantState::Idle { next_wait: still.next_wait },
        };
        let of = |(name, participant): (&String, &Participant)| (name.clone(), state(participant));
        Status { now: self.now, participants: self.participants.iter().map(of).collect() }
    }

    fn of(&mut self, name: &str, connection: u64) -> Option<&mut Participant> {
        self.participants.get_mut(name).filter(|participant| participant.connection == Some(connection))
    }
}
