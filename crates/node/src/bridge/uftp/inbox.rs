use std::sync::Arc;
use std::time::Duration;

use tieline_store::{
    ChangeSet, InboxEntry, InboxState, Receipt as Stored, Received as Row, Records as _, StoreError,
};
use tieline_types::Domain;
use tieline_uftp::server::{Inbox, InboxError, Receipt};
use tieline_uftp::{
    Decision, Limits, ParseError, Participant, Received, RejectionReason, Role, SignedMessage, parse,
};
use tracing::info;

use super::letter::UFTP;
use super::{AddressBook, Letters};
use crate::context::Context;
use crate::market::Repeats;

/// How long a peer is asked to wait while the node can't take more.
const COME_BACK: Duration = Duration::from_secs(5);

/// How often a repetition of the same message is answered; beyond it, it is only acknowledged. Each answer is posted and
/// journalled, and a peer that goes on repeating has not understood the ones before.
const ANSWERS: u32 = 8;

/// The receiver's inbox, in the node's store.
#[derive(Clone, Debug)]
pub(crate) struct StoreInbox {
    pub(crate) context: Context,
    pub(crate) letters: Letters,
    /// Messages that may wait to be decided.
    pub(crate) backlog: u64,
}

impl Inbox for StoreInbox {
    async fn accept(&self, received: Received) -> Result<Receipt, InboxError> {
        let waiting = self.context.store.inbox_backlog().await.map_err(refused)?;
        if waiting >= self.backlog {
            return Err(InboxError::Busy { retry_after: COME_BACK });
        }
        match self.context.receive(row(&received)).await.map_err(refused)? {
            Stored::New(_) => Ok(Receipt::Stored),
            // Its answer is still on its way to being made, and it is the answer to this one, too.
            Stored::AlreadySubmitted { state: InboxState::Received, .. } => Ok(Receipt::AlreadySubmitted),
            Stored::AlreadySubmitted { .. } => {
                self.reject(&received, RejectionReason::AlreadySubmitted).await?;
                Ok(Receipt::AlreadySubmitted)
            }
            Stored::DuplicateIdentifier { .. } => {
                self.reject(&received, RejectionReason::DuplicateIdentifier).await?;
                Ok(Receipt::DuplicateIdentifier)
            }
        }
    }
}

impl StoreInbox {
    /// Answers a message whose identifier was used before, unless that was answered often enough.
    async fn reject(&self, received: &Received, reason: RejectionReason) -> Result<(), InboxError> {
        let Some(answer) = self.letters.answer(received, &Decision::from(reason)) else { return Ok(()) };
        let (sender, message_id) =
            (received.sender.to_string(), received.payload.header().message_id.to_string());
        let known = self.context.store.record::<Repeats>(&Repeats::key_of(&sender, &message_id)).await;
        let (answered, version) =
            known.map_err(refused)?.map_or((0, 0), |known| (known.value.answered, known.version));
        if answered >= ANSWERS {
            info!(peer = sender, message_id, "repeated again; it is answered no more");
            return Ok(());
        }
        let mut changes = ChangeSet::new();
        changes.send(answer);
        let repeats = Repeats { sender, message_id, answered: answered + 1 };
        changes.replace(&repeats, version).map_err(refused)?;
        match self.context.commit(changes).await {
            // Another repetition is being answered, and that is the answer to this one, too.
            Err(StoreError::Conflict { .. }) => Ok(()),
            done => done.map_err(refused),
        }
    }
}

fn refused(failure: StoreError) -> InboxError {
    match failure {
        StoreError::Busy { .. } => InboxError::Busy { retry_after: COME_BACK },
        other => InboxError::Storage(Box::new(other)),
    }
}

fn row(received: &Received) -> Row {
    let header = received.payload.header();
    Row {
        protocol: UFTP,
        peer: received.sender.to_string(),
        recipient: header.recipient_domain.to_string(),
        message_id: header.message_id.to_string(),
        conversation: header.conversation_id.to_string(),
        label: received.payload.message_type().as_str().to_owned(),
        raw: received.envelope.clone(),
        body: received.payload_bytes.clone(),
        note: RejectionReason::join(&received.concerns),
        received_at: received.received_at,
    }
}

/// Why a stored message can't be handled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("its sender `{0}` is no participant")]
    Sender(String),
    #[error("its envelope holds no signature")]
    Unsigned,
    #[error(transparent)]
    Document(#[from] ParseError),
}

/// The message as it was when it was received.
pub(crate) fn restore(entry: &InboxEntry, address_book: &AddressBook) -> Result<Arc<Received>, Unreadable> {
    let sender = participant(&entry.peer).ok_or_else(|| Unreadable::Sender(entry.peer.clone()))?;
    // A peer whose settings were taken away meanwhile was let in under them.
    let tolerance = address_book
        .find(sender.role, sender.domain.as_str())
        .map_or(tieline_uftp::Tolerance::LENIENT, |known| known.tolerance);
    // Its signature was checked before it was let in; since then the journal's chain vouches for it.
    let signed = SignedMessage::parse(&entry.raw, &Limits::default())?;
    let payload_bytes = signed.unverified_payload().ok_or(Unreadable::Unsigned)?;
    Ok(Arc::new(Received {
        payload: parse(&payload_bytes, &tolerance)?,
        payload_bytes,
        envelope: entry.raw.clone(),
        sender,
        received_at: entry.received_at,
        concerns: RejectionReason::split(&entry.note),
    }))
}

/// Reads what `Display` of a participant writes: role and domain.
fn participant(text: &str) -> Option<Participant> {
    let (role, domain) = text.split_once(' ')?;
    Some(Participant { role: role.parse::<Role>().ok()?, domain: domain.parse::<Domain>().ok()? })
}
