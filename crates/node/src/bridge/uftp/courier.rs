use jiff::Timestamp;
use tieline_store::{Attempt, Backoff, ChangeSet, OutboxEntry, StoreError};
use tieline_uftp::{Client, Delivery, Role};
use tracing::{error, info, warn};

use super::AddressBook;
use super::undeliverable::undeliverable;
use crate::context::Context;
use crate::work::{Turn, UnderWay};

/// How many messages are on their way at a time.
const AT_ONCE: usize = 64;

/// Delivers what is owed: the same bytes until the peer takes them, the deadline passes or the peer refuses for good.
#[derive(Clone, Debug)]
pub(crate) struct Courier {
    pub(crate) context: Context,
    pub(crate) client: Client,
    pub(crate) address_book: AddressBook,
    /// The role of those who are written to.
    pub(crate) to: Role,
    pub(crate) backoff: Backoff,
    pub(crate) under_way: UnderWay<i64>,
}

impl Courier {
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let now = self.context.now();
        let busy = self.under_way.now();
        // Those under way ring when they end.
        let room = AT_ONCE.saturating_sub(busy.len());
        if room == 0 {
            return Ok(Turn::Until(None));
        }
        let due = self.context.store.outbox_due_besides(now, room, busy.into_iter().collect()).await?;
        let found = due.len();
        for entry in due {
            let courier = self.clone();
            self.under_way.begin(entry.id, async move { courier.carry(entry).await });
        }
        if found == room {
            return Ok(Turn::Again);
        }
        let next = self.context.store.outbox_next_due().await?.filter(|due| *due > now);
        Ok(Turn::Until(next))
    }

    async fn carry(&self, entry: OutboxEntry) {
        let attempt = self.attempt(&entry).await;
        let at = self.context.now();
        self.under_way.note(|| self.note(&entry, at, attempt.clone())).await;
    }

    async fn note(&self, entry: &OutboxEntry, at: Timestamp, attempt: Attempt) -> Result<(), StoreError> {
        let given_up = match &attempt {
            Attempt::Failed { cause } => Some(cause.clone()),
            _ => None,
        };
        let mut changes = ChangeSet::new();
        changes.attempted(entry.id, at, attempt);
        if let Some(cause) = given_up {
            changes.append(undeliverable(&self.context, entry, cause).await);
        }
        self.context.commit(changes).await
    }

    async fn attempt(&self, entry: &OutboxEntry) -> Attempt {
        let failed = |cause: String| {
            error!(
                recipient = entry.recipient,
                message_type = entry.label,
                message_id = entry.message_id,
                cause,
                "the message was not delivered and will not be"
            );
            Attempt::Failed { cause }
        };
        if self.context.now() > entry.deadline {
            return failed("its deadline has passed".to_owned());
        }
        let Some(known) = self.address_book.find(self.to, &entry.recipient) else {
            return failed("the recipient is no uftp.peer".to_owned());
        };
        match self.client.post(&known.endpoint, entry.body.clone()).await {
            Delivery::Delivered => {
                info!(
                    recipient = entry.recipient,
                    message_type = entry.label,
                    message_id = entry.message_id,
                    "delivered"
                );
                Attempt::Delivered
            }
            Delivery::Temporary { cause, retry_after } => {
                let attempts = entry.attempts + 1;
                let pause = self.backoff.after(attempts, self.context.environment.ids.random());
                let pause = retry_after.map_or(pause, |asked| asked.max(pause));
                let now = self.context.now();
                warn!(
                    recipient = entry.recipient,
                    message_type = entry.label,
                    attempts,
                    cause,
                    ?pause,
                    "not delivered; trying again"
                );
                Attempt::Retry { at: now.checked_add(pause).unwrap_or(now), cause }
            }
            Delivery::Permanent { cause, .. } => failed(cause),
            other => failed(format!("{other:?}")),
        }
    }
}
