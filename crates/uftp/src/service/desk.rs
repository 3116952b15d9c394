//! What the two steps of a message and the clients have in common.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tieline_edge::work::Panicked;
use tieline_edge::{Backoff, Ids};
use tieline_types::Clock;
use tokio::sync::Mutex;
use tracing::{error, info, warn};

use super::conversation::{Conversation, Sent};
use super::{Bells, Letters, ReceivedAt, Terms, Unsendable, Work};
use crate::history::Direction;
use crate::storage::{Letter, Progress, Step, Storage, StorageError, Waiting};
use crate::value::MessageId;
use crate::{MessageType, Participant, Payload, Received, Undecided, rules};

/// How long a message rests that could not be handled.
const REST: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_mins(1));

/// Where a participant's messages are looked at and its own are made.
#[derive(Debug)]
pub(super) struct Desk<S> {
    pub(super) storage: Arc<S>,
    pub(super) letters: Letters,
    pub(super) terms: Arc<dyn Terms>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    /// After so many attempts in vain a received message is set aside.
    pub(super) attempts: u32,
    /// Held from the look at the past to the commit, by whoever decides on a message or sends one that binds.
    pub(super) one_at_a_time: Mutex<()>,
    pub(super) bells: Bells,
}

impl<S: Storage> Desk<S> {
    /// An order and a revocation bind at once: one that breaks a rule would be wrong whatever its recipient says.
    pub(super) async fn check(&self, message: &Payload, recipient: &Participant) -> Result<(), Unsendable> {
        if !binds(message) {
            return Ok(());
        }
        let (terms, now) = (self.terms.with(recipient), self.clock.now());
        let broken = rules::check(message, recipient, Direction::Sent, &terms, &*self.storage, now).await;
        let broken = broken.map_err(|failure| Unsendable::Storage(StorageError::Failed(failure.0)))?;
        if broken.is_empty() { Ok(()) } else { Err(Unsendable::Broken(broken)) }
    }

    /// Whether a handler may send this. If not, the message that it handles is handled anew: what the handler has based its
    /// letters on has changed, perhaps.
    pub(super) async fn check_sent(&self, letters: &[Letter]) -> Result<(), Undecided> {
        let mut offers = BTreeSet::new();
        for letter in letters.iter().filter(|letter| binds(&letter.payload)) {
            // Each may be right by what has been, and they contradict each other all the same.
            if offer(&letter.payload).is_some_and(|offer| !offers.insert(offer)) {
                let cause = "it sends two orders or revocations of one offer".to_owned();
                return Err(Undecided { cause, retry: false });
            }
            match self.check(&letter.payload, &letter.recipient).await {
                Err(Unsendable::Broken(broken)) => {
                    let cause = Unsendable::Broken(broken).to_string();
                    return Err(Undecided { cause, retry: true });
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// What a handler finds beside its message.
    pub(super) fn attach(
        &self,
        extensions: &mut http::Extensions,
        received: &Received,
        work: &Work<S::Work>,
        sent: &Sent,
    ) {
        extensions.insert(work.clone());
        extensions.insert(ReceivedAt(received.received_at));
        extensions.insert(Conversation::of(received, &self.letters, sent));
    }

    /// The step that handling a message has come to.
    pub(super) fn step(
        &self,
        message: &Waiting,
        handled: Result<Result<Step<S::Work>, Undecided>, Panicked>,
    ) -> Step<S::Work> {
        match handled {
            Ok(Ok(step)) => step,
            Ok(Err(undecided)) => self.failed(message, &undecided),
            Err(panic) => self.failed(message, &Undecided { cause: panic.to_string(), retry: true }),
        }
    }

    /// The step of a message that could not be handled: it rests, or is set aside.
    pub(super) fn failed(&self, message: &Waiting, undecided: &Undecided) -> Step<S::Work> {
        let (attempts, cause) = (message.attempts + 1, &undecided.cause);
        let again = undecided.retry && attempts < self.attempts;
        let pause = REST.after(attempts, self.ids.random());
        let retry_at = again.then(|| self.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX));
        let (peer, payload) = (&message.received.sender, &message.received.payload);
        let (message_type, message_id) = (payload.message_type(), payload.header().message_id);
        if again {
            warn!(%peer, %message_type, %message_id, attempts, cause, "not handled; trying again");
        } else {
            error!(%peer, %message_type, %message_id, attempts, cause, "not handled; set aside");
        }
        let progress = Progress::Failed { retry_at, cause: cause.clone() };
        Step { progress: Some((message.id, progress)), ..Step::default() }
    }

    /// Commits the step that handling a message has come to.
    pub(super) async fn conclude(&self, message: &Waiting, step: Step<S::Work>) -> Result<(), StorageError> {
        match self.commit(step).await {
            // What it was based on has changed: the message is handled anew.
            Err(StorageError::Conflict(record)) => {
                let (peer, payload) = (&message.received.sender, &message.received.payload);
                info!(%peer, message_type = %payload.message_type(), record, "handling it again");
                Ok(())
            }
            done => done,
        }
    }

    /// Commits a step and rings for what it leaves to be done.
    pub(super) async fn commit(&self, step: Step<S::Work>) -> Result<(), StorageError> {
        let (progressed, owes) = (step.progress.is_some(), !step.letters.is_empty());
        let waits = step.letters.iter().any(|letter| letter.reply_by.is_some());
        self.storage.commit(step).await?;
        if progressed {
            self.bells.inbox.ring();
            self.bells.decided.ring();
        }
        if owes {
            self.bells.outbox.ring();
        }
        if waits {
            self.bells.replies.ring();
        }
        Ok(())
    }
}

/// Whether a message changes what is agreed on as soon as it is sent.
pub(super) fn binds(message: &Payload) -> bool {
    matches!(message.message_type(), MessageType::FlexOrder | MessageType::FlexOfferRevocation)
}

/// The offer that an order or a revocation is about.
fn offer(message: &Payload) -> Option<MessageId> {
    match message {
        Payload::FlexOrder(order) => order.flex_offer_message_id,
        Payload::FlexOfferRevocation(revocation) => Some(revocation.flex_offer_message_id),
        _ => None,
    }
}

pub(super) fn undecided(failure: &dyn std::error::Error) -> Undecided {
    Undecided { cause: failure.to_string(), retry: true }
}
