//! From the inbox to a decision, and on to the longer work.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tieline_edge::work::{Bell, Turn, guarded};
use tieline_edge::{Backoff, Ids};
use tieline_service::Routes;
use tieline_types::Clock;
use tokio::sync::Mutex;
use tracing::{error, info, warn};

use super::conversation::{Conversation, Sent};
use super::{Letters, Processed, Processing, ReceivedAt, Terms, Work};
use crate::history::{Direction, Exchanged, Fate};
use crate::storage::{Progress, Settled, Step, Storage, StorageError, Waiting};
use crate::{
    Accepted, Decision, MessageType, Payload, Received, Rejected, RejectionReason, Uftp, Undecided, rules,
};

/// How many messages one turn takes on.
const PER_TURN: usize = 64;

/// How long a message rests that could not be decided on.
const REST: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_mins(1));

/// Handles received messages from the inbox in two steps: *pre-process* decides and answers, *process* does the longer
/// work. Each is one step of the storage, with the inbox mark, the answer and all that the handlers keep and send.
pub(super) struct Deciding<S: Storage> {
    pub(super) storage: Arc<S>,
    pub(super) letters: Letters,
    pub(super) terms: Arc<dyn Terms>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) pre_process: Routes<Uftp>,
    pub(super) process: Routes<Processing>,
    /// After so many attempts in vain a message is set aside.
    pub(super) attempts: u32,
    /// Held from the look at the past to the commit.
    pub(super) one_at_a_time: Arc<Mutex<()>>,
    /// Rings when something is owed.
    pub(super) outbox: Bell,
    /// Rings when an answer is waited for.
    pub(super) replies: Bell,
}

impl<S: Storage> Deciding<S> {
    pub(super) async fn turn(&self) -> Result<Turn, StorageError> {
        let waiting = self.storage.waiting(self.clock.now(), PER_TURN).await?;
        if waiting.is_empty() {
            return Ok(Turn::Until(self.storage.next_waiting().await?));
        }
        for message in waiting {
            self.handle(message).await?;
        }
        Ok(Turn::Again)
    }

    async fn handle(&self, message: Waiting) -> Result<(), StorageError> {
        // What is decided here and what is sent of the same offer meanwhile must know of each other.
        let _turn = self.one_at_a_time.lock().await;
        let received = Arc::new(message.received.clone());
        // One that panics is set aside in the end, and holds up no other conversation.
        let handled = guarded(async {
            if message.decided {
                self.follow_up(&message, &received).await
            } else {
                self.decide(&message, &received).await
            }
        });
        let step = match handled.await {
            Ok(Ok(step)) => step,
            Ok(Err(undecided)) => self.failed(&message, &undecided.cause, undecided.retry),
            Err(panic) => self.failed(&message, &panic.to_string(), true),
        };
        let (owes, waits) =
            (!step.letters.is_empty(), step.letters.iter().any(|letter| letter.reply_by.is_some()));
        match self.storage.commit(step).await {
            // What the decision was based on has changed: it is decided anew.
            Err(StorageError::Conflict(record)) => {
                let message_type = received.payload.message_type();
                info!(peer = %received.sender, %message_type, record, "deciding again");
                return Ok(());
            }
            done => done?,
        }
        if owes {
            self.outbox.ring();
        }
        if waits {
            self.replies.ring();
        }
        Ok(())
    }

    async fn decide(&self, message: &Waiting, received: &Arc<Received>) -> Result<Step<S::Work>, Undecided> {
        if only_repeats(&received.payload) {
            return Ok(Step { progress: Some((message.id, Progress::Done)), ..Step::default() });
        }
        let (work, sent) = (Work::default(), Sent::default());
        let decision = match Rejected::for_any(self.reasons(received).await?) {
            Some(rejected) => Decision::from(rejected),
            None => self.complete(received, self.serve_decision(received, &work, &sent).await).await?,
        };
        let mut step = Step::default();
        match &decision {
            Decision::Undecided(undecided) => return Err(undecided.clone()),
            // What a handler prepared before it rejected counts for nothing.
            Decision::Rejected(rejected) => {
                let reasons: Vec<_> = rejected.reasons().cloned().collect();
                let (peer, message_type) = (&received.sender, received.payload.message_type());
                let message_id = received.payload.header().message_id;
                info!(%peer, %message_type, %message_id, reasons = RejectionReason::join(&reasons), "rejected");
                step.progress = Some((message.id, Progress::Done));
            }
            Decision::Accepted(_) | Decision::Noted => {
                step.progress = Some((message.id, Progress::Decided));
                step.letters = sent.take();
                step.work = work.take();
            }
        }
        Self::note_fates(received, &decision, &mut step);
        let answer = self.letters.answer(received, &decision).map_err(|failure| undecided(&failure))?;
        // The answer goes ahead of what the handlers send.
        step.letters.splice(0..0, answer);
        Ok(step)
    }

    /// Everything for which the message is to be rejected before a handler looks at it.
    async fn reasons(&self, received: &Received) -> Result<Vec<RejectionReason>, Undecided> {
        if !received.concerns.is_empty() {
            return Ok(received.concerns.clone());
        }
        let terms = self.terms.with(&received.sender);
        let (payload, sender, at) = (&received.payload, &received.sender, received.received_at);
        rules::check(payload, sender, Direction::Received, &terms, &*self.storage, at)
            .await
            .map_err(|failure| undecided(&failure))
    }

    /// What an acceptance says beyond the acceptance, where its handler has left that to us.
    async fn complete(&self, received: &Received, decision: Decision) -> Result<Decision, Undecided> {
        if decision != Decision::Accepted(Accepted::Plain) {
            return Ok(decision);
        }
        let terms = self.terms.with(&received.sender);
        let (payload, sender, at) = (&received.payload, &received.sender, received.received_at);
        let accepted = rules::acceptance(payload, sender, &terms, &*self.storage, at).await;
        accepted.map(Decision::Accepted).map_err(|failure| undecided(&failure))
    }

    /// The message becomes part of the past, or what it answers gets its fate.
    fn note_fates(received: &Received, decision: &Decision, step: &mut Step<S::Work>) {
        let exchanged = |fate| Exchanged {
            counterparty: received.sender.clone(),
            direction: Direction::Received,
            at: received.received_at,
            payload: received.payload.clone(),
            fate,
        };
        if let Some((message_id, response)) = received.payload.response() {
            if matches!(decision, Decision::Noted) {
                step.settled.push(Settled {
                    counterparty: received.sender.clone(),
                    message_type: received.payload.message_type().request(),
                    message_id,
                    fate: if response.is_accepted() { Fate::Accepted } else { Fate::Rejected },
                });
                // It says of each item what has become of it.
                if received.payload.message_type() == MessageType::FlexSettlementResponse {
                    step.exchanged.push(exchanged(Fate::Open));
                }
            }
        } else if !received.payload.message_type().is_response() {
            let accepted = matches!(decision, Decision::Accepted(_));
            step.exchanged.push(exchanged(if accepted { Fate::Accepted } else { Fate::Rejected }));
        }
    }

    async fn follow_up(
        &self,
        message: &Waiting,
        received: &Arc<Received>,
    ) -> Result<Step<S::Work>, Undecided> {
        let (work, sent) = (Work::default(), Sent::default());
        let mut incoming = Processing::incoming(Arc::clone(received));
        self.attach(&mut incoming.head.extensions, received, &work, &sent);
        let Ok(reply) = self.process.serve(incoming).await;
        if let Processed::Undecided(undecided) = reply.answer {
            return Err(undecided);
        }
        let progress = Some((message.id, Progress::Done));
        Ok(Step { progress, letters: sent.take(), work: work.take(), ..Step::default() })
    }

    async fn serve_decision(&self, received: &Arc<Received>, work: &Work<S::Work>, sent: &Sent) -> Decision {
        let mut incoming = Uftp::incoming(Arc::clone(received));
        self.attach(&mut incoming.head.extensions, received, work, sent);
        let Ok(reply) = self.pre_process.serve(incoming).await;
        reply.answer
    }

    fn attach(
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

    fn failed(&self, message: &Waiting, cause: &str, retry: bool) -> Step<S::Work> {
        let attempts = message.attempts + 1;
        let again = retry && attempts < self.attempts;
        let now = self.clock.now();
        let pause = REST.after(attempts, self.ids.random());
        let retry_at = again.then(|| now.checked_add(pause).unwrap_or(Timestamp::MAX));
        let (peer, payload) = (&message.received.sender, &message.received.payload);
        let (message_type, message_id) = (payload.message_type(), payload.header().message_id);
        if again {
            warn!(%peer, %message_type, %message_id, attempts, cause, "not decided; trying again");
        } else {
            error!(%peer, %message_type, %message_id, attempts, cause, "not decided; set aside");
        }
        let progress = Progress::Failed { retry_at, cause: cause.to_owned() };
        Step { progress: Some((message.id, progress)), ..Step::default() }
    }
}

/// An answer that only tells that a repetition arrived: it counts as success, and the answer proper is on its way.
fn only_repeats(payload: &Payload) -> bool {
    payload.response().is_some_and(|(_, response)| response.reasons() == [RejectionReason::AlreadySubmitted])
}

fn undecided(failure: &dyn std::error::Error) -> Undecided {
    Undecided { cause: failure.to_string(), retry: true }
}
