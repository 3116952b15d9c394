//! How delivery is tried, and how long answers are waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use tieline_edge::Backoff;

use crate::message::MessageType;

/// How messages are delivered (3.x, appendix on transport).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryConfig {
    /// The pauses between attempts. Default: from one second, doubling up to five minutes.
    pub backoff: Backoff,
    /// How long a message is tried at all; the standard asks for an hour or more. Default: two hours.
    pub give_up_after: Duration,
    /// How often in a row the same message must be refused for good before that is believed. Then it is given up, and
    /// nothing is delivered to its recipient until an operator releases it. Default: once. More than once helps with a peer
    /// that refuses valid messages now and then, as library-python does under load.
    pub believe_refusal_after: u32,
    /// How many messages are on their way at a time. Default: 128.
    pub at_once: usize,
    /// How many of them to one recipient: one that does not answer must not hold up what is owed to others. Default: 16.
    pub to_one: usize,
    /// How long an answer is waited for.
    pub reply_within: ReplyWithin,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_mins(5)),
            give_up_after: Duration::from_hours(2),
            believe_refusal_after: 1,
            at_once: 128,
            to_one: 16,
            reply_within: ReplyWithin::default(),
        }
    }
}

/// How long after a request was made its answer is to be there. The standard demands such periods and gives none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyWithin {
    /// For messages that have no period of their own; `None`: an answer is waited for without end. Default: four hours.
    pub otherwise: Option<Duration>,
    /// The periods of some messages.
    pub of: BTreeMap<MessageType, Duration>,
}

impl ReplyWithin {
    /// The period of a message.
    pub fn of(&self, message_type: MessageType) -> Option<Duration> {
        self.of.get(&message_type).copied().or(self.otherwise)
    }
}

impl Default for ReplyWithin {
    fn default() -> Self {
        Self { otherwise: Some(Duration::from_hours(4)), of: BTreeMap::new() }
    }
}
