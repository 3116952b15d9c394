//! From the outbox to the recipients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tieline_edge::Ids;
use tieline_edge::work::{Bell, Turn, UnderWay};
use tieline_types::Clock;
use tracing::{error, info, warn};

use super::delivery::DeliveryConfig;
use super::events::{Event, Events, Undeliverable};
use crate::history::Fate;
use crate::storage::{Attempt, Besides, Held, Owed, OwedId, Settled, Step, Storage, StorageError};
use crate::{Client, Delivery, Destinations, Participant};

/// Delivers what is owed: the same bytes until the recipient takes them, the deadline passes or the recipient refuses for good.
pub(super) struct Courier<S: Storage, A> {
    pub(super) storage: Arc<S>,
    pub(super) client: Client,
    pub(super) address_book: A,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) config: Arc<DeliveryConfig>,
    pub(super) under_way: UnderWay<(Participant, OwedId)>,
    pub(super) events: Arc<dyn Events<S::Work>>,
    /// Rings when an answer is waited for no more.
    pub(super) replies: Bell,
}

impl<S: Storage, A: Destinations> Courier<S, A> {
    pub(super) async fn turn(self: &Arc<Self>) -> Result<Turn, StorageError> {
        let now = self.clock.now();
        let mut on_the_way = OnTheWay::of(&self.under_way.now(), self.config.to_one);
        // Those under way ring when they end.
        let room = self.config.at_once.saturating_sub(on_the_way.numbers.len());
        if room == 0 {
            return Ok(Turn::Until(None));
        }
        let due = self.storage.owed(now, room, on_the_way.besides()).await?;
        let found = due.len();
        let mut left = false;
        for owed in due {
            if !on_the_way.take(&owed) {
                left = true;
                continue;
            }
            let courier = Arc::clone(self);
            let key = (owed.recipient.clone(), owed.id);
            self.under_way.begin(key, async move { courier.carry(owed).await });
        }
        // Whoever had no share of the room is left out of the next question, which may find others behind.
        if found == room || left {
            return Ok(Turn::Again);
        }
        let next = self.storage.next_owed(on_the_way.besides()).await?;
        Ok(Turn::Until(next.filter(|due| *due > now)))
    }

    async fn carry(&self, owed: Owed) {
        let outcome = self.attempt(&owed).await;
        let at = self.clock.now();
        self.under_way.note(|| self.note(&owed, at, &outcome)).await;
    }

    async fn note(&self, owed: &Owed, at: Timestamp, outcome: &Outcome) -> Result<(), StorageError> {
        let mut step = Step { attempt: Some((owed.id, at, outcome.attempt.clone())), ..Step::default() };
        if let Attempt::Failed { cause } = &outcome.attempt {
            let undeliverable = Undeliverable {
                recipient: owed.recipient.clone(),
                message_type: owed.message_type,
                message_id: owed.message_id,
                cause: cause.clone(),
            };
            if !owed.message_type.is_response() {
                step.settled.push(Settled {
                    counterparty: owed.recipient.clone(),
                    message_type: owed.message_type,
                    message_id: owed.message_id,
                    fate: Fate::Rejected,
                });
            }
            step.work = self.events.work(Event::Undeliverable(undeliverable)).await?;
        }
        if outcome.refused_for_good {
            let cause = match &outcome.attempt {
                Attempt::Failed { cause } => cause.clone(),
                _ => String::new(),
            };
            step.held = Some(Held { participant: owed.recipient.clone(), since: at, cause });
        }
        self.storage.commit(step).await?;
        if matches!(outcome.attempt, Attempt::Failed { .. }) {
            self.replies.ring();
        }
        Ok(())
    }

    async fn attempt(&self, owed: &Owed) -> Outcome {
        if self.clock.now() > owed.deadline {
            return failed(owed, "its deadline has passed".to_owned());
        }
        let Owed { recipient, envelope, .. } = owed;
        let delivery = match self.address_book.destination(recipient.role, &recipient.domain).await {
            Ok(Some(destination)) => destination.post(&self.client, envelope.clone()).await,
            Ok(None) => temporary(format!("{recipient} is in no address book")),
            Err(failure) => temporary(failure.to_string()),
        };
        self.outcome(owed, delivery)
    }

    fn outcome(&self, owed: &Owed, delivery: Delivery) -> Outcome {
        let Owed { recipient, message_type, message_id, .. } = owed;
        match delivery {
            Delivery::Delivered => {
                info!(%recipient, %message_type, %message_id, "delivered");
                Outcome { attempt: Attempt::Delivered, refused_for_good: false }
            }
            Delivery::Temporary { cause, .. } if self.clock.now() >= owed.deadline => failed(owed, cause),
            Delivery::Temporary { cause, retry_after } => self.again(owed, cause, retry_after, false),
            Delivery::Permanent { cause, .. } if owed.refused + 1 < self.config.believe_refusal_after => {
                self.again(owed, cause, None, true)
            }
            Delivery::Permanent { cause, .. } => {
                error!(%recipient, cause, "nothing is delivered to this participant until it is released");
                Outcome { refused_for_good: true, ..failed(owed, cause) }
            }
        }
    }

    fn again(
        &self,
        owed: &Owed,
        cause: String,
        retry_after: Option<std::time::Duration>,
        refused: bool,
    ) -> Outcome {
        let attempts = owed.attempts + 1;
        let pause = self.config.backoff.after(attempts, self.ids.random());
        let pause = retry_after.map_or(pause, |asked| asked.max(pause));
        let (recipient, message_type) = (&owed.recipient, owed.message_type);
        warn!(%recipient, %message_type, attempts, cause, ?pause, "not delivered; trying again");
        // Whatever pause the peer asks for, the last attempt is at the deadline.
        let at = self.clock.now().checked_add(pause).map_or(owed.deadline, |at| at.min(owed.deadline));
        Outcome { attempt: Attempt::Retry { at, cause, refused }, refused_for_good: false }
    }
}

/// What an attempt came to, and whether its recipient is to be held.
struct Outcome {
    attempt: Attempt,
    refused_for_good: bool,
}

fn failed(owed: &Owed, cause: String) -> Outcome {
    let Owed { recipient, message_type, message_id, .. } = owed;
    error!(%recipient, %message_type, %message_id, cause, "the message was not delivered and will not be");
    Outcome { attempt: Attempt::Failed { cause }, refused_for_good: false }
}

fn temporary(cause: String) -> Delivery {
    Delivery::Temporary { cause, retry_after: None }
}

/// What is on its way, by recipient.
struct OnTheWay {
    numbers: Vec<OwedId>,
    to: BTreeMap<Participant, usize>,
    to_one: usize,
}

impl OnTheWay {
    fn of(under_way: &BTreeSet<(Participant, OwedId)>, to_one: usize) -> Self {
        let mut on_the_way = Self { numbers: Vec::new(), to: BTreeMap::new(), to_one };
        for (recipient, number) in under_way {
            on_the_way.numbers.push(*number);
            *on_the_way.to.entry(recipient.clone()).or_default() += 1;
        }
        on_the_way
    }

    /// Sends one more on its way, unless as many as may be are on their way to its recipient.
    fn take(&mut self, owed: &Owed) -> bool {
        let to_it = self.to.entry(owed.recipient.clone()).or_default();
        if *to_it >= self.to_one {
            return false;
        }
        *to_it += 1;
        self.numbers.push(owed.id);
        true
    }

    fn besides(&self) -> Besides {
        let full = self.to.iter().filter(|(_, count)| **count >= self.to_one);
        Besides {
            under_way: self.numbers.clone(),
            recipients: full.map(|(recipient, _)| recipient.clone()).collect(),
        }
    }
}
