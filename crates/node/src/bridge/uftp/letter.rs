use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tieline_store::Outgoing;
use tieline_types::Domain;
use tieline_uftp::value::{ConversationId, DateTime, MessageId};
use tieline_uftp::{Decision, Header, Participant, Payload, Received, Revision, Role, SigningKey, seal};
use uuid::Uuid;

use super::AddressBook;
use crate::config::UftpConfig;
use crate::context::Context;

/// The protocol's name in the store.
pub(crate) const UFTP: &str = "uftp";

/// Writes this node's messages: fills in headers, signs, and addresses them.
#[derive(Clone, Debug)]
pub(crate) struct Letters {
    context: Context,
    own: Participant,
    key: Arc<SigningKey>,
    revision: Revision,
    address_book: AddressBook,
    give_up_after: std::time::Duration,
}

impl Letters {
    pub(crate) fn new(context: Context, config: &UftpConfig, address_book: AddressBook) -> Self {
        Self {
            context,
            own: Participant { role: config.role, domain: config.domain.clone() },
            key: Arc::new(config.signing_key.clone()),
            revision: config.revision,
            address_book,
            give_up_after: config.retry.give_up_after.get(),
        }
    }

    /// The header of a message to `recipient`, in a conversation of its own or an older one.
    pub(crate) fn header(&self, recipient: &Domain, role: Role, conversation: Option<Uuid>) -> Header {
        let revision = self.address_book.revision(role, recipient).unwrap_or(self.revision);
        Header {
            version: revision.version,
            sender_domain: self.own.domain.clone(),
            recipient_domain: recipient.clone(),
            time_stamp: DateTime::utc(self.context.now()),
            message_id: MessageId::from(self.context.uuid()),
            conversation_id: ConversationId::from(conversation.unwrap_or_else(|| self.context.uuid())),
        }
    }

    /// The answer that tells `decision`, sealed; `None` where there is nothing to answer.
    pub(crate) fn answer(&self, received: &Received, decision: &Decision) -> Option<Outgoing> {
        let id = MessageId::from(self.context.uuid());
        let header = received.reply_header(&self.own, id, DateTime::utc(self.context.now()));
        received.payload.respond(decision, header).map(|answer| self.sealed(&answer))
    }

    /// A message, sealed and addressed.
    pub(crate) fn sealed(&self, message: &Payload) -> Outgoing {
        let header = message.header();
        let now = self.context.now();
        Outgoing {
            protocol: UFTP,
            recipient: header.recipient_domain.to_string(),
            conversation: header.conversation_id.to_string(),
            message_id: header.message_id.to_string(),
            label: message.message_type().as_str().to_owned(),
            body: Bytes::from(seal(message, self.own.role, &self.key)),
            made_at: now,
            deadline: deadline(now, self.give_up_after),
        }
    }
}

/// So long after `now`, or the end of time.
fn deadline(now: Timestamp, after: std::time::Duration) -> Timestamp {
    now.checked_add(after).unwrap_or(Timestamp::MAX)
}
