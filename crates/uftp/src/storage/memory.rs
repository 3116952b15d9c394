//! A store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, ready};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use tieline_types::EntityAddress;

use super::{
    Attempt, Besides, Held, InboxId, Letter, Owed, OwedId, Progress, Receipt, Stage, Step, Storage,
    StorageError, Waiting,
};
use crate::history::{Direction, Exchanged, Fate, History, HistoryError, MemoryHistory};
use crate::value::{ConversationId, MessageId};
use crate::{MessageType, Participant, Received};

/// Everything in memory, for tests, trials and examples: what it keeps is lost with the process.
///
/// What is done with is forgotten, but for the history and what tells a repetition: these grow with every message.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    state: Mutex<State>,
    history: MemoryHistory,
}

#[derive(Debug, Default)]
struct State {
    /// What was received, by sender and identifier: where it is in the inbox, and what its payload was.
    known: BTreeMap<(Participant, MessageId), Known>,
    inbox: BTreeMap<InboxId, Inside>,
    next_inbox: i64,
    outbox: BTreeMap<OwedId, Owing>,
    next_outbox: i64,
    /// Requests of ours that wait for an answer.
    unanswered: BTreeMap<(Participant, MessageId), Timestamp>,
    held: BTreeMap<Participant, Held>,
}

#[derive(Debug)]
struct Known {
    id: InboxId,
    payload_bytes: bytes::Bytes,
}

#[derive(Debug)]
struct Inside {
    received: Received,
    decided: bool,
    attempts: u32,
    due: Timestamp,
}

#[derive(Debug)]
struct Owing {
    owed: Owed,
    due: Timestamp,
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages are owed.
    pub fn owing(&self) -> usize {
        self.lock().outbox.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn accept(&mut self, received: Received) -> Receipt {
        let key = (received.sender.clone(), received.payload.header().message_id);
        if let Some(known) = self.known.get(&key) {
            if known.payload_bytes != received.payload_bytes {
                return Receipt::DuplicateIdentifier;
            }
            let decided = self.inbox.get(&known.id).is_none_or(|inside| inside.decided);
            return Receipt::AlreadySubmitted { decided };
        }
        let id = InboxId(self.next_inbox);
        self.next_inbox += 1;
        self.known.insert(key, Known { id, payload_bytes: received.payload_bytes.clone() });
        let due = received.received_at;
        self.inbox.insert(id, Inside { received, decided: false, attempts: 0, due });
        Receipt::Stored
    }

    /// The oldest of each conversation.
    fn first_of_each(&self) -> impl Iterator<Item = (InboxId, &Inside)> {
        let mut seen = BTreeSet::new();
        self.inbox.iter().filter_map(move |(id, inside)| {
            let conversation: (&Participant, ConversationId) =
                (&inside.received.sender, inside.received.payload.header().conversation_id);
            seen.insert(conversation).then_some((*id, inside))
        })
    }

    fn first_at(&self, stage: Stage) -> impl Iterator<Item = (InboxId, &Inside)> {
        self.first_of_each().filter(move |(_, inside)| inside.decided == (stage == Stage::Decided))
    }

    fn waiting(&self, stage: Stage, now: Timestamp, limit: usize) -> Vec<Waiting> {
        let due = self.first_at(stage).filter(|(_, inside)| inside.due <= now);
        due.take(limit)
            .map(|(id, inside)| Waiting { id, received: inside.received.clone(), attempts: inside.attempts })
            .collect()
    }

    fn deliverable(&self, besides: &Besides) -> impl Iterator<Item = (&Owing, Timestamp)> {
        let mut seen = BTreeSet::new();
        self.outbox.values().filter_map(move |owing| {
            let owed = &owing.owed;
            let first = seen.insert((&owed.recipient, owed.conversation_id));
            let held = self.held.contains_key(&owed.recipient);
            let due = if held { owed.deadline } else { owing.due };
            (first && !besides.leaves_out(owed)).then_some((owing, due))
        })
    }

    fn progress(&mut self, id: InboxId, progress: &Progress) {
        match *progress {
            Progress::Decided => {
                if let Some(inside) = self.inbox.get_mut(&id) {
                    (inside.decided, inside.attempts) = (true, 0);
                }
            }
            Progress::Done | Progress::Failed { retry_at: None, .. } => {
                self.inbox.remove(&id);
            }
            Progress::Failed { retry_at: Some(at), .. } => {
                if let Some(inside) = self.inbox.get_mut(&id) {
                    inside.attempts += 1;
                    inside.due = at;
                }
            }
        }
    }

    fn send(&mut self, letter: Letter) {
        let header = letter.payload.header();
        let id = OwedId(self.next_outbox);
        self.next_outbox += 1;
        if let Some(reply_by) = letter.reply_by {
            self.unanswered.insert((letter.recipient.clone(), header.message_id), reply_by);
        }
        let owed = Owed {
            id,
            message_type: letter.payload.message_type(),
            message_id: header.message_id,
            conversation_id: header.conversation_id,
            recipient: letter.recipient,
            envelope: letter.envelope,
            deadline: letter.deadline,
            attempts: 0,
            refused: 0,
        };
        self.outbox.insert(id, Owing { owed, due: letter.made_at });
    }

    fn attempted(&mut self, id: OwedId, attempt: &Attempt) {
        match *attempt {
            Attempt::Delivered | Attempt::Failed { .. } => {
                self.outbox.remove(&id);
            }
            Attempt::Retry { at, refused, .. } => {
                if let Some(owing) = self.outbox.get_mut(&id) {
                    owing.owed.attempts += 1;
                    owing.owed.refused = if refused { owing.owed.refused + 1 } else { 0 };
                    owing.due = at;
                }
            }
        }
    }
}

impl Storage for MemoryStorage {
    type Work = ();

    fn accept(&self, received: Received) -> impl Future<Output = Result<Receipt, StorageError>> + Send {
        ready(Ok(self.lock().accept(received)))
    }

    fn backlog(&self) -> impl Future<Output = Result<u64, StorageError>> + Send {
        ready(Ok(u64::try_from(self.lock().inbox.len()).unwrap_or(u64::MAX)))
    }

    fn waiting(
        &self,
        stage: Stage,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Waiting>, StorageError>> + Send {
        ready(Ok(self.lock().waiting(stage, now, limit)))
    }

    fn next_waiting(
        &self,
        stage: Stage,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Timestamp>, StorageError>> + Send {
        let kept = self.lock();
        ready(Ok(kept.first_at(stage).map(|(_, inside)| inside.due).filter(|due| *due > now).min()))
    }

    fn commit(&self, step: Step<()>) -> impl Future<Output = Result<(), StorageError>> + Send {
        let mut state = self.lock();
        if let Some((id, progress)) = step.progress {
            state.progress(id, &progress);
        }
        for exchanged in step.exchanged {
            self.history.record(exchanged);
        }
        for settled in step.settled {
            state.unanswered.remove(&(settled.counterparty.clone(), settled.message_id));
            self.history.settle(&settled.counterparty, settled.message_id, settled.fate);
        }
        for letter in step.letters {
            self.history.record(Exchanged {
                counterparty: letter.recipient.clone(),
                direction: Direction::Sent,
                at: letter.made_at,
                payload: letter.payload.clone(),
                fate: Fate::Open,
            });
            state.send(letter);
        }
        if let Some((id, _, attempt)) = step.attempt {
            state.attempted(id, &attempt);
        }
        if let Some(held) = step.held {
            state.held.insert(held.participant.clone(), held);
        }
        if let Some(expired) = step.expired {
            state.unanswered.remove(&expired);
        }
        ready(Ok(()))
    }

    fn owed(
        &self,
        now: Timestamp,
        limit: usize,
        besides: Besides,
    ) -> impl Future<Output = Result<Vec<Owed>, StorageError>> + Send {
        let state = self.lock();
        let due = state.deliverable(&besides).filter(|(_, due)| *due <= now);
        ready(Ok(due.take(limit).map(|(owing, _)| owing.owed.clone()).collect()))
    }

    fn next_owed(
        &self,
        besides: Besides,
    ) -> impl Future<Output = Result<Option<Timestamp>, StorageError>> + Send {
        ready(Ok(self.lock().deliverable(&besides).map(|(_, due)| due).min()))
    }

    async fn unanswered(&self, now: Timestamp, limit: usize) -> Result<Vec<Exchanged>, StorageError> {
        let due: Vec<_> = {
            let state = self.lock();
            let due = state.unanswered.iter().filter(|(_, reply_by)| **reply_by <= now);
            due.take(limit).map(|(key, _)| key.clone()).collect()
        };
        let mut found = Vec::with_capacity(due.len());
        for (counterparty, id) in due {
            let exchanged = self.history.message(&counterparty, id).await;
            found.extend(exchanged.map_err(|failure| StorageError::Failed(failure.0))?);
        }
        Ok(found)
    }

    fn next_unanswered(&self) -> impl Future<Output = Result<Option<Timestamp>, StorageError>> + Send {
        ready(Ok(self.lock().unanswered.values().min().copied()))
    }

    fn held(&self) -> impl Future<Output = Result<Vec<Held>, StorageError>> + Send {
        ready(Ok(self.lock().held.values().cloned().collect()))
    }

    fn release(&self, participant: &Participant) -> impl Future<Output = Result<(), StorageError>> + Send {
        self.lock().held.remove(participant);
        ready(Ok(()))
    }
}

impl History for MemoryStorage {
    fn message(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Option<Exchanged>, HistoryError>> + Send {
        self.history.message(counterparty, id)
    }

    fn referring_to(
        &self,
        counterparty: &Participant,
        id: MessageId,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        self.history.referring_to(counterparty, id)
    }

    fn about(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        congestion_point: &EntityAddress,
        period: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        self.history.about(counterparty, message_type, congestion_point, period)
    }

    fn within(
        &self,
        counterparty: &Participant,
        message_type: MessageType,
        first: Date,
        last: Date,
    ) -> impl Future<Output = Result<Vec<Exchanged>, HistoryError>> + Send {
        self.history.within(counterparty, message_type, first, last)
    }
}
