use std::sync::Arc;
use std::time::Duration;

use tieline_edge::Backoff;
use tieline_service::Routes;
use tieline_store::{ChangeSet, InboxEntry, InboxState, StoreError};
use tieline_uftp::{Decision, Received, Rejected, Uftp};
use tracing::{error, info, warn};

use super::inbox::restore;
use super::{AddressBook, Letters, ReceivedAt, Work};
use crate::context::Context;
use tieline_edge::work::{Turn, guarded};

/// How many messages one turn takes on.
const PER_TURN: usize = 64;

/// How long a message rests that could not be decided.
const REST: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_mins(1));

/// Handles received messages from the inbox, each in two steps: *pre-process* decides and answers, *process* does the
/// longer work. Each step is one change set with the inbox mark in it.
#[derive(Debug)]
pub(crate) struct Deciding {
    pub(crate) context: Context,
    pub(crate) letters: Letters,
    pub(crate) address_book: AddressBook,
    pub(crate) pre_process: Routes<Uftp>,
    pub(crate) process: Routes<Uftp>,
    /// After so many attempts in vain a message is set aside.
    pub(crate) attempts: u32,
}

impl Deciding {
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let due = self.context.store.inbox_due(self.context.now(), PER_TURN).await?;
        if due.is_empty() {
            return Ok(Turn::Until(self.context.store.inbox_next_due().await?));
        }
        for entry in due {
            // One that panics is set aside in the end, and holds up no other conversation.
            let handled = guarded(self.handle(&entry)).await;
            let changes = handled.unwrap_or_else(|panic| self.failed(&entry, &panic.to_string(), true));
            match self.context.commit(changes).await {
                // What the decision was based on has changed: it is decided anew.
                Err(StoreError::Conflict { kind, key }) => {
                    info!(peer = entry.peer, message_type = entry.label, record = %format_args!("{kind} {key}"), "deciding again");
                }
                other => other?,
            }
        }
        Ok(Turn::Again)
    }

    async fn handle(&self, entry: &InboxEntry) -> ChangeSet {
        match restore(entry, &self.address_book) {
            Ok(received) if entry.state == InboxState::Received => self.decide(entry, received).await,
            Ok(received) => self.follow_up(entry, received).await,
            Err(cause) => self.failed(entry, &cause.to_string(), false),
        }
    }

    async fn decide(&self, entry: &InboxEntry, received: Arc<Received>) -> ChangeSet {
        let work = Work::default();
        let decision = match Rejected::for_any(received.concerns.iter().cloned()) {
            Some(rejected) => Decision::from(rejected),
            None => serve(&self.pre_process, &received, &work).await,
        };
        let mut changes = work.take();
        match &decision {
            Decision::Undecided(undecided) => return self.failed(entry, &undecided.cause, undecided.retry),
            Decision::Rejected(_) => {
                // What a handler prepared before it rejected counts for nothing.
                changes = ChangeSet::new();
                changes.processed(entry.id);
            }
            _ => {
                changes.answered(entry.id);
            }
        }
        if let Some(answer) = self.letters.answer(&received, &decision) {
            changes.send(answer);
        }
        changes
    }

    async fn follow_up(&self, entry: &InboxEntry, received: Arc<Received>) -> ChangeSet {
        let work = Work::default();
        if let Decision::Undecided(undecided) = serve(&self.process, &received, &work).await {
            return self.failed(entry, &undecided.cause, undecided.retry);
        }
        let mut changes = work.take();
        changes.processed(entry.id);
        changes
    }

    fn failed(&self, entry: &InboxEntry, cause: &str, retry: bool) -> ChangeSet {
        let attempts = entry.attempts + 1;
        let again = retry && attempts < self.attempts;
        let pause = REST.after(attempts, self.context.environment.ids.random());
        let retry_at = again.then(|| self.context.now().checked_add(pause).unwrap_or(self.context.now()));
        if again {
            warn!(
                peer = entry.peer,
                message_type = entry.label,
                message_id = entry.message_id,
                attempts,
                cause,
                "not decided; trying again"
            );
        } else {
            error!(
                peer = entry.peer,
                message_type = entry.label,
                message_id = entry.message_id,
                attempts,
                cause,
                "not decided; set aside"
            );
        }
        let mut changes = ChangeSet::new();
        changes.failed(entry.id, retry_at, cause);
        changes
    }
}

async fn serve(routes: &Routes<Uftp>, received: &Arc<Received>, work: &Work) -> Decision {
    let mut incoming = Uftp::incoming(Arc::clone(received));
    incoming.head.extensions.insert(work.clone());
    incoming.head.extensions.insert(ReceivedAt(received.received_at));
    let Ok(reply) = routes.serve(incoming).await;
    reply.answer
}
