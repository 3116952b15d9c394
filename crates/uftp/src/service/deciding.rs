//! From the inbox to a decision.

use std::sync::Arc;

use tieline_edge::work::{Turn, guarded};
use tieline_service::Routes;
use tracing::info;

use super::Work;
use super::conversation::Sent;
use super::desk::{Desk, undecided};
use crate::history::{Direction, Exchanged, Fate};
use crate::storage::{Progress, Settled, Stage, Step, Storage, StorageError, Waiting};
use crate::{
    Accepted, Decision, MessageType, Payload, Received, Rejected, RejectionReason, Uftp, Undecided, rules,
};

/// How many messages one turn takes on.
const PER_TURN: usize = 64;

/// The first step of a received message, *pre-process*: it is decided on and answered. It is one step of the storage, with the
/// inbox mark, the answer and all that the handler keeps and sends.
pub(super) struct Deciding<S: Storage> {
    pub(super) desk: Arc<Desk<S>>,
    pub(super) handlers: Routes<Uftp>,
}

impl<S: Storage> Deciding<S> {
    pub(super) async fn turn(&self) -> Result<Turn, StorageError> {
        let now = self.desk.clock.now();
        let waiting = self.desk.storage.waiting(Stage::Received, now, PER_TURN).await?;
        if waiting.is_empty() {
            return Ok(Turn::Until(self.desk.storage.next_waiting(Stage::Received, now).await?));
        }
        for message in waiting {
            self.handle(message).await?;
        }
        Ok(Turn::Again)
    }

    async fn handle(&self, message: Waiting) -> Result<(), StorageError> {
        // What is decided here and what is sent of the same offer meanwhile must know of each other.
        let _turn = self.desk.one_at_a_time.lock().await;
        let received = Arc::new(message.received.clone());
        // One that panics is set aside in the end, and holds up no other conversation.
        let decided = guarded(self.decide(&message, &received)).await;
        let step = self.desk.step(&message, decided);
        self.desk.conclude(&message, step).await
    }

    async fn decide(&self, message: &Waiting, received: &Arc<Received>) -> Result<Step<S::Work>, Undecided> {
        if only_repeats(&received.payload) {
            return Ok(Step { progress: Some((message.id, Progress::Done)), ..Step::default() });
        }
        let (work, sent) = (Work::default(), Sent::default());
        let decision = match Rejected::for_any(self.reasons(received).await?) {
            Some(rejected) => Decision::from(rejected),
            None => self.complete(received, self.serve(received, &work, &sent).await).await?,
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
                self.desk.check_sent(&step.letters).await?;
                step.work = work.take();
            }
        }
        Self::note_fates(received, &decision, &mut step);
        let answer = self.desk.letters.answer(received, &decision).map_err(|failure| undecided(&failure))?;
        // The answer goes ahead of what the handlers send.
        step.letters.splice(0..0, answer);
        Ok(step)
    }

    /// Everything for which the message is to be rejected before a handler looks at it.
    async fn reasons(&self, received: &Received) -> Result<Vec<RejectionReason>, Undecided> {
        if !received.concerns.is_empty() {
            return Ok(received.concerns.clone());
        }
        let terms = self.desk.terms.with(&received.sender);
        let (payload, sender, at) = (&received.payload, &received.sender, received.received_at);
        rules::check(payload, sender, Direction::Received, &terms, &*self.desk.storage, at)
            .await
            .map_err(|failure| undecided(&failure))
    }

    /// What an acceptance says beyond the acceptance, where its handler has left that to us.
    async fn complete(&self, received: &Received, decision: Decision) -> Result<Decision, Undecided> {
        if decision != Decision::Accepted(Accepted::Plain) {
            return Ok(decision);
        }
        let terms = self.desk.terms.with(&received.sender);
        let (payload, sender, at) = (&received.payload, &received.sender, received.received_at);
        let accepted = rules::acceptance(payload, sender, &terms, &*self.desk.storage, at).await;
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

    async fn serve(&self, received: &Arc<Received>, work: &Work<S::Work>, sent: &Sent) -> Decision {
        let mut incoming = Uftp::incoming(Arc::clone(received));
        self.desk.attach(&mut incoming.head.extensions, received, work, sent);
        let Ok(reply) = self.handlers.serve(incoming).await;
        reply.answer
    }
}

/// An answer that only tells that a repetition arrived: it counts as success, and the answer proper is on its way.
fn only_repeats(payload: &Payload) -> bool {
    payload.response().is_some_and(|(_, response)| response.reasons() == [RejectionReason::AlreadySubmitted])
}
