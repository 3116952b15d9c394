//! From a decision to the longer work.

use std::mem;
use std::sync::Arc;

use tieline_edge::work::{Turn, UnderWay, guarded};
use tieline_service::Routes;

use super::conversation::Sent;
use super::desk::{Desk, binds};
use super::{Processed, Processing, Work};
use crate::storage::{InboxId, Progress, Stage, Step, Storage, StorageError, Waiting};
use crate::{Received, Undecided};

/// The second step of a received message, *process*: the longer work, once the message is decided on and answered. Each is one
/// step of the storage, with the inbox mark and all that the handler keeps and sends.
///
/// Messages of different conversations are worked on at the same time, those of one conversation one after the other.
pub(super) struct FollowingUp<S: Storage> {
    pub(super) desk: Arc<Desk<S>>,
    pub(super) handlers: Routes<Processing>,
    /// How many messages are worked on at the same time.
    pub(super) at_once: usize,
    pub(super) under_way: UnderWay<InboxId>,
}

impl<S: Storage> FollowingUp<S> {
    pub(super) async fn turn(self: &Arc<Self>) -> Result<Turn, StorageError> {
        let now = self.desk.clock.now();
        let under_way = self.under_way.now();
        let mut waiting = self.desk.storage.waiting(Stage::Decided, now, self.at_once).await?;
        waiting.retain(|message| !under_way.contains(&message.id));
        // What finds no room is begun when something ends, which rings.
        let room = self.at_once.saturating_sub(under_way.len());
        let full = waiting.len() >= room;
        for message in waiting.into_iter().take(room) {
            let following_up = Arc::clone(self);
            self.under_way.begin(message.id, async move { following_up.handle(message).await });
        }
        if full {
            return Ok(Turn::Until(None));
        }
        Ok(Turn::Until(self.desk.storage.next_waiting(Stage::Decided, now).await?))
    }

    async fn handle(&self, message: Waiting) {
        let received = Arc::new(message.received.clone());
        let done = guarded(self.follow_up(&message, &received)).await;
        let step = self.desk.step(&message, done);
        if let Err(failure) = self.conclude(&message, step).await {
            self.under_way.refused(&failure).await;
        }
    }

    async fn conclude(&self, message: &Waiting, mut step: Step<S::Work>) -> Result<(), StorageError> {
        let letters = mem::take(&mut step.letters);
        let binding = letters.iter().any(|letter| binds(&letter.payload));
        let turn = if binding { Some(self.desk.one_at_a_time.lock().await) } else { None };
        // What they are based on may have changed meanwhile.
        match self.desk.check_sent(&letters).await {
            Ok(()) => step.letters = letters,
            Err(undecided) => step = self.desk.failed(message, &undecided),
        }
        let concluded = self.desk.conclude(message, step).await;
        drop(turn);
        concluded
    }

    async fn follow_up(
        &self,
        message: &Waiting,
        received: &Arc<Received>,
    ) -> Result<Step<S::Work>, Undecided> {
        let (work, sent) = (Work::default(), Sent::default());
        let mut incoming = Processing::incoming(Arc::clone(received));
        self.desk.attach(&mut incoming.head.extensions, received, &work, &sent);
        let Ok(reply) = self.handlers.serve(incoming).await;
        if let Processed::Undecided(undecided) = reply.answer {
            return Err(undecided);
        }
        let progress = Some((message.id, Progress::Done));
        Ok(Step { progress, letters: sent.take(), work: work.take(), ..Step::default() })
    }
}
