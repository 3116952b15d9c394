//! Our own messages: filled in, signed, addressed.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tieline_edge::Ids;
use tieline_types::{Clock, Domain};

use super::delivery::DeliveryConfig;
use crate::key::{OwnKeys, SignerError};
use crate::message::MessageType;
use crate::storage::Letter;
use crate::value::{ConversationId, DateTime, MessageId};
use crate::{Decision, Header, Participant, Payload, Received, SignedMessage, Version};

/// Writes the messages of one participant. A clone writes the same.
#[derive(Debug, Clone)]
pub struct Letters {
    own: Participant,
    keys: Arc<OwnKeys>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    delivery: Arc<DeliveryConfig>,
}

impl Letters {
    /// The letters of the participant `own`.
    pub fn new(
        own: Participant,
        keys: OwnKeys,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        delivery: DeliveryConfig,
    ) -> Self {
        Self { own, keys: Arc::new(keys), clock, ids, delivery: Arc::new(delivery) }
    }

    /// Who writes.
    pub fn own(&self) -> &Participant {
        &self.own
    }

    /// The header of a message to `recipient`, in `conversation` or one that it begins. Identifiers are new, the time is now.
    pub fn header(
        &self,
        recipient: &Domain,
        version: Version,
        conversation: Option<ConversationId>,
    ) -> Header {
        Header {
            version,
            sender_domain: self.own.domain.clone(),
            recipient_domain: recipient.clone(),
            time_stamp: DateTime::utc(self.clock.now()),
            message_id: MessageId::from(self.ids.uuid()),
            conversation_id: conversation.unwrap_or_else(|| ConversationId::from(self.ids.uuid())),
        }
    }

    /// The answer that tells `decision`; `None` where there is nothing to answer.
    pub fn answer(&self, received: &Received, decision: &Decision) -> Result<Option<Letter>, SignerError> {
        let id = MessageId::from(self.ids.uuid());
        let header = received.reply_header(&self.own, id, DateTime::utc(self.clock.now()));
        let answer = received.payload.respond(decision, header);
        answer.map(|answer| self.letter(answer, received.sender.clone())).transpose()
    }

    /// A message to `recipient`, signed and ready to be owed.
    pub fn letter(&self, payload: Payload, recipient: Participant) -> Result<Letter, SignerError> {
        let now = self.clock.now();
        let signer = self.keys.at(now);
        let sender = payload.sender().clone();
        let envelope = SignedMessage::seal_with(sender, self.own.role, &payload.to_xml(), signer)?.to_xml();
        let message_type = payload.message_type();
        // The answer to a TestMessage has no way to say what it answers.
        let waits = !message_type.is_response() && message_type != MessageType::TestMessage;
        let reply_within = self.delivery.reply_within.of(message_type).filter(|_| waits);
        Ok(Letter {
            recipient,
            payload,
            envelope: Bytes::from(envelope),
            made_at: now,
            deadline: after(now, self.delivery.give_up_after),
            reply_by: reply_within.map(|within| after(now, within)),
        })
    }
}

/// So long after `now`, or the end of time.
fn after(now: Timestamp, time: std::time::Duration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}
