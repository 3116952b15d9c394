use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tieline_store::{Attempt, Backoff, Besides, ChangeSet, OutboxEntry, StoreError};
use tieline_uftp::{Client, Delivery, Role};
use tracing::{error, info, warn};

use super::AddressBook;
use super::address_book::Nowhere;
use super::undeliverable::undeliverable;
use crate::context::Context;
use tieline_edge::work::{Turn, UnderWay};

/// How many messages are on their way at a time.
const AT_ONCE: usize = 128;

/// How many of them to one recipient: one that does not answer must not hold up what is owed to the others.
const TO_ONE: usize = 16;

/// Delivers what is owed: the same bytes until the peer takes them, the deadline passes or the peer refuses for good.
#[derive(Clone, Debug)]
pub(crate) struct Courier {
    pub(crate) context: Context,
    pub(crate) client: Client,
    pub(crate) address_book: AddressBook,
    /// The role of those who are written to.
    pub(crate) to: Role,
    pub(crate) backoff: Backoff,
    pub(crate) under_way: UnderWay<(String, i64)>,
}

impl Courier {
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let now = self.context.now();
        let mut on_the_way = OnTheWay::of(&self.under_way.now());
        // Those under way ring when they end.
        let room = AT_ONCE.saturating_sub(on_the_way.numbers.len());
        if room == 0 {
            return Ok(Turn::Until(None));
        }
        let due = self.context.store.outbox_due_besides(now, room, on_the_way.besides()).await?;
        let found = due.len();
        let mut left = false;
        for entry in due {
            if !on_the_way.take(&entry) {
                left = true;
                continue;
            }
            let courier = self.clone();
            let key = (entry.recipient.clone(), entry.id);
            self.under_way.begin(key, async move { courier.carry(entry).await });
        }
        // Whoever had no share of the room is left out of the next question, which may find others behind.
        if found == room || left {
            return Ok(Turn::Again);
        }
        let next = self.context.store.outbox_next_due_besides(on_the_way.besides()).await?;
        Ok(Turn::Until(next.filter(|due| *due > now)))
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
        let delivery = match self.address_book.destination(self.to, &entry.recipient).await {
            Ok(destination) => destination.post(&self.client, entry.body.clone()).await,
            Err(Nowhere::Never(cause)) => return failed(cause.to_owned()),
            Err(Nowhere::Now(cause)) => Delivery::Temporary { cause, retry_after: None },
        };
        match delivery {
            Delivery::Delivered => {
                info!(
                    recipient = entry.recipient,
                    message_type = entry.label,
                    message_id = entry.message_id,
                    "delivered"
                );
                Attempt::Delivered
            }
            Delivery::Temporary { cause, .. } if self.context.now() >= entry.deadline => failed(cause),
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
                // Whatever pause the peer asks for, the last attempt is at the deadline.
                let at = now.checked_add(pause).map_or(entry.deadline, |at| at.min(entry.deadline));
                Attempt::Retry { at, cause }
            }
            Delivery::Permanent { cause, .. } => failed(cause),
            other => failed(format!("{other:?}")),
        }
    }
}

/// What is on its way, by recipient.
struct OnTheWay {
    numbers: Vec<i64>,
    to: BTreeMap<String, usize>,
}

impl OnTheWay {
    fn of(under_way: &BTreeSet<(String, i64)>) -> Self {
        let mut on_the_way = Self { numbers: Vec::new(), to: BTreeMap::new() };
        for (recipient, number) in under_way {
            on_the_way.numbers.push(*number);
            *on_the_way.to.entry(recipient.clone()).or_default() += 1;
        }
        on_the_way
    }

    /// Sends one more on its way, unless as many as may be are on their way to its recipient.
    fn take(&mut self, entry: &OutboxEntry) -> bool {
        let to_it = self.to.entry(entry.recipient.clone()).or_default();
        if *to_it >= TO_ONE {
            return false;
        }
        *to_it += 1;
        self.numbers.push(entry.id);
        true
    }

    fn besides(&self) -> Besides {
        let full = self.to.iter().filter(|(_, count)| **count >= TO_ONE);
        Besides {
            under_way: self.numbers.clone(),
            recipients: full.map(|(recipient, _)| recipient.clone()).collect(),
        }
    }
}
