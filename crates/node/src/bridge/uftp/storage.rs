//! The protocol's storage, in the node's store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tieline_store::{
    ChangeSet, InboxId as Number, InboxState, OutboxEntry, Receipt as Stored, Store, StoreError, Timer,
};
use tieline_uftp::service::Bells;
use tieline_uftp::storage::{
    Attempt, Besides, Held, InboxId, Letter, Owed, OwedId, Progress, Receipt, Stage, Step, Storage,
    StorageError, Waiting,
};
use tieline_uftp::{Exchanged, MessageType, Participant, Received};
use tracing::error;

use super::held::{KnownOfHeld, release};
use super::history::{ReadLately, exchanged_record, fate_record};
use super::inbox::{participant, restore, row};
use super::letter::outgoing;
use crate::context::Context;
use crate::{Environment, NodeError, data, market};

/// How often it is looked whether somebody who is held was released.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The timer of a request whose answer is waited for.
pub(crate) const REPLY: &str = "reply";

/// The node's store, as the protocol asks for it: for a UFTP participant of one's own, who then keeps what he must as a node
/// does. A clone is the same.
///
/// It does not say which answers are missing: a node has timers for that.
#[derive(Clone, Debug)]
pub struct NodeStorage {
    pub(crate) context: Context,
    pub(super) read_lately: Arc<ReadLately>,
    held: Arc<KnownOfHeld>,
}

impl NodeStorage {
    /// Opens the data directory of a participant, making it if it is not there. No other process can open it meanwhile.
    pub async fn open(data: &Path, environment: Environment) -> Result<Self, NodeError> {
        let (store, directory) = data::open(data).await?;
        Ok(Self::of(Context::new(store, environment, directory)))
    }

    /// Rung by what is written: for [`Setup::bells`](tieline_uftp::service::Setup::bells).
    pub fn bells(&self) -> Bells {
        self.context.bells.uftp.clone()
    }

    /// The store itself: what handlers keep of their own, and the journal.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.context.store
    }

    pub(crate) fn of(context: Context) -> Self {
        Self { context, read_lately: Arc::default(), held: Arc::default() }
    }

    /// The changes that a letter makes: it is owed, it is part of what was exchanged, and its answer is waited for.
    pub(crate) fn letter(letter: &Letter) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        changes.send(outgoing(letter));
        let message_type = letter.payload.message_type();
        // The answer to a settlement says of each item what has become of it.
        if !message_type.is_response() || message_type == MessageType::FlexSettlementResponse {
            let exchanged = Exchanged {
                counterparty: letter.recipient.clone(),
                direction: tieline_uftp::Direction::Sent,
                at: letter.made_at,
                payload: letter.payload.clone(),
                fate: tieline_uftp::Fate::Open,
            };
            changes.append(exchanged_record(&exchanged)?);
        }
        if let Some(reply_by) = letter.reply_by {
            let subject = market::message_key(&letter.recipient, letter.payload.header().message_id);
            changes.set_timer(Timer::new(REPLY, subject, reply_by));
        }
        Ok(changes)
    }

    async fn changes(&self, step: Step<ChangeSet>) -> Result<ChangeSet, StoreError> {
        let mut changes = step.work;
        if let Some((id, progress)) = step.progress {
            mark(&mut changes, id, progress);
        }
        for exchanged in &step.exchanged {
            let key = market::message_key(&exchanged.counterparty, exchanged.payload.header().message_id);
            self.read_lately.keep(key, &exchanged.payload);
            changes.append(exchanged_record(exchanged)?);
        }
        for settled in &step.settled {
            let key = market::message_key(&settled.counterparty, settled.message_id);
            changes.append(fate_record(&*self.context.store, &key, settled.fate).await?);
            if let Some(timer) = self.context.store.timer(REPLY, &key).await? {
                changes.clear_timer(timer);
            }
        }
        for letter in &step.letters {
            changes.append(Self::letter(letter)?);
        }
        if let Some((id, at, attempt)) = step.attempt {
            changes.attempted(id.0, at, attempted(attempt));
        }
        if let Some(held) = step.held {
            changes.put(&market::Held {
                participant: held.participant.to_string(),
                since: held.since,
                cause: held.cause,
                released: false,
            })?;
        }
        Ok(changes)
    }

    async fn held_now(&self) -> Result<Vec<Held>, StoreError> {
        self.held.now(&*self.context.store).await
    }

    async fn besides(&self, besides: Besides) -> Result<tieline_store::Besides, StoreError> {
        Ok(tieline_store::Besides {
            under_way: besides.under_way.into_iter().map(|id| id.0).collect(),
            recipients: besides.recipients.iter().map(ToString::to_string).collect(),
            held: self.held_now().await?.iter().map(|held| held.participant.to_string()).collect(),
        })
    }
}

fn state(stage: Stage) -> InboxState {
    match stage {
        Stage::Received => InboxState::Received,
        Stage::Decided => InboxState::Answered,
    }
}

fn mark(changes: &mut ChangeSet, id: InboxId, progress: Progress) {
    let id = Number(id.0);
    match progress {
        Progress::Decided => changes.answered(id),
        Progress::Done => changes.processed(id),
        Progress::Failed { retry_at, cause } => changes.failed(id, retry_at, cause),
    };
}

fn attempted(attempt: Attempt) -> tieline_store::Attempt {
    match attempt {
        Attempt::Delivered => tieline_store::Attempt::Delivered,
        Attempt::Retry { at, cause, refused } => tieline_store::Attempt::Retry { at, cause, refused },
        Attempt::Failed { cause } => tieline_store::Attempt::Failed { cause },
    }
}

impl Storage for NodeStorage {
    type Work = ChangeSet;

    async fn accept(&self, received: Received) -> Result<Receipt, StorageError> {
        Ok(match self.context.receive(row(&received)).await.map_err(failed)? {
            Stored::New(_) => Receipt::Stored,
            Stored::AlreadySubmitted { state, .. } => {
                Receipt::AlreadySubmitted { decided: state != InboxState::Received }
            }
            Stored::DuplicateIdentifier { .. } => Receipt::DuplicateIdentifier,
        })
    }

    async fn backlog(&self) -> Result<u64, StorageError> {
        self.context.store.inbox_backlog().await.map_err(failed)
    }

    async fn waiting(
        &self,
        stage: Stage,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Waiting>, StorageError> {
        let due = self.context.store.inbox_due(state(stage), now, limit).await.map_err(failed)?;
        let mut waiting = Vec::with_capacity(due.len());
        for entry in due {
            match restore(&entry) {
                Ok(received) => {
                    waiting.push(Waiting { id: InboxId(entry.id.0), received, attempts: entry.attempts });
                }
                Err(cause) => {
                    let (peer, message_type, message_id) = (&entry.peer, &entry.label, &entry.message_id);
                    error!(peer, message_type, message_id, %cause, "it can't be read any more; set aside");
                    let mut changes = ChangeSet::new();
                    changes.failed(entry.id, None, cause.to_string());
                    self.context.commit(changes).await.map_err(failed)?;
                }
            }
        }
        Ok(waiting)
    }

    async fn next_waiting(&self, stage: Stage, now: Timestamp) -> Result<Option<Timestamp>, StorageError> {
        self.context.store.inbox_next_due(state(stage), now).await.map_err(failed)
    }

    async fn commit(&self, step: Step<ChangeSet>) -> Result<(), StorageError> {
        let _holding = step.held.is_some().then(|| self.held.holding());
        let changes = self.changes(step).await.map_err(failed)?;
        self.context.commit(changes).await.map_err(failed)
    }

    async fn owed(&self, now: Timestamp, limit: usize, besides: Besides) -> Result<Vec<Owed>, StorageError> {
        let besides = self.besides(besides).await.map_err(failed)?;
        let due = self.context.store.outbox_due_besides(now, limit, besides).await.map_err(failed)?;
        // Whoever was held since we asked is not delivered to, though what waited behind the refused message is due now.
        let held = self.held_now().await.map_err(failed)?;
        let is_held = |message: &Owed| held.iter().any(|held| held.participant == message.recipient);
        let mut owed = Vec::with_capacity(due.len());
        for entry in due {
            match read_owed(&entry) {
                Some(message) if is_held(&message) && now < message.deadline => {}
                Some(message) => owed.push(message),
                None => self.give_up(&entry, now).await.map_err(failed)?,
            }
        }
        Ok(owed)
    }

    async fn next_owed(&self, besides: Besides) -> Result<Option<Timestamp>, StorageError> {
        let besides = self.besides(besides).await.map_err(failed)?;
        let anybody_is_held = !besides.held.is_empty();
        let next = self.context.store.outbox_next_due_besides(besides).await.map_err(failed)?;
        // Whoever is held may be released by another process, which rings no bell here.
        let look_again = self.context.now().checked_add(LOOK_AGAIN).ok().filter(|_| anybody_is_held);
        Ok([next, look_again].into_iter().flatten().min())
    }

    /// None: the node's timers say which answers are missing.
    async fn unanswered(&self, _: Timestamp, _: usize) -> Result<Vec<Exchanged>, StorageError> {
        Ok(Vec::new())
    }

    async fn next_unanswered(&self) -> Result<Option<Timestamp>, StorageError> {
        Ok(None)
    }

    async fn held(&self) -> Result<Vec<Held>, StorageError> {
        self.held_now().await.map_err(failed)
    }

    async fn release(&self, participant: &Participant) -> Result<(), StorageError> {
        release(&*self.context.store, participant).await.map_err(failed)?;
        self.context.bells.uftp.outbox.ring();
        Ok(())
    }
}

impl NodeStorage {
    /// A row of the outbox that names no message that is known here: only another version of the node can have written it.
    async fn give_up(&self, entry: &OutboxEntry, now: Timestamp) -> Result<(), StoreError> {
        error!(
            recipient = entry.recipient,
            message_type = entry.label,
            "an owed message that can't be read is given up"
        );
        let mut changes = ChangeSet::new();
        changes.attempted(
            entry.id,
            now,
            tieline_store::Attempt::Failed { cause: "it can't be read".to_owned() },
        );
        self.context.commit(changes).await
    }
}

fn read_owed(entry: &OutboxEntry) -> Option<Owed> {
    Some(Owed {
        id: OwedId(entry.id),
        recipient: participant(&entry.recipient)?,
        message_type: entry.label.parse().ok()?,
        message_id: entry.message_id.parse().ok()?,
        conversation_id: entry.conversation.parse().ok()?,
        envelope: entry.body.clone(),
        deadline: entry.deadline,
        attempts: entry.attempts,
        refused: entry.refused,
    })
}

pub(super) fn failed(failure: StoreError) -> StorageError {
    match failure {
        StoreError::Conflict { kind, key } => StorageError::Conflict(format!("{kind} {key}")),
        StoreError::Busy { .. } => StorageError::Busy,
        other => StorageError::Failed(Box::new(other)),
    }
}
