use tieline_store::{ChangeSet, Outgoing, StoreError};
use tieline_types::Domain;
use tieline_uftp::service::{DeliveryConfig, Letters as Writer};
use tieline_uftp::storage::Letter;
use tieline_uftp::value::ConversationId;
use tieline_uftp::{Header, Participant, Payload, Revision, Role};
use uuid::Uuid;

use super::{AddressBook, NodeStorage, unwritable};
use crate::config::UftpConfig;
use crate::context::Context;

/// The protocol's name in the store.
pub(crate) const UFTP: &str = "uftp";

/// Writes what this node says by itself, and not in answer to a message that is being handled.
#[derive(Clone, Debug)]
pub(crate) struct Letters {
    writer: Writer,
    revision: Revision,
    address_book: AddressBook,
}

impl Letters {
    pub(crate) fn new(context: &Context, config: &UftpConfig, address_book: AddressBook) -> Self {
        let own = Participant { role: config.role, domain: config.domain.clone() };
        let environment = &context.environment;
        let (clock, ids) = (environment.clock.clone(), environment.ids.clone());
        let writer = Writer::new(own, config.signing_keys.clone(), clock, ids, delivery(config));
        Self { writer, revision: config.revision, address_book }
    }

    /// The header of a message to `recipient`, in a conversation of its own or an older one.
    pub(crate) fn header(&self, recipient: &Domain, role: Role, conversation: Option<Uuid>) -> Header {
        let revision = self.address_book.revision(role, recipient).unwrap_or(self.revision);
        self.writer.header(recipient, revision.version, conversation.map(ConversationId::from))
    }

    /// What sends a message to a participant in this role.
    pub(crate) fn sealed(&self, message: impl Into<Payload>, role: Role) -> Result<ChangeSet, StoreError> {
        let message = message.into();
        let recipient = Participant { role, domain: message.recipient().clone() };
        let letter = self.writer.letter(message, recipient).map_err(|cause| unwritable(&cause))?;
        NodeStorage::letter(&letter)
    }
}

/// How messages are delivered, by the configuration.
pub(crate) fn delivery(config: &UftpConfig) -> DeliveryConfig {
    let mut delivery = DeliveryConfig::default();
    delivery.backoff = tieline_edge::Backoff::new(config.retry.first.get(), config.retry.max.get());
    delivery.give_up_after = config.retry.give_up_after.get();
    delivery.believe_refusal_after = config.retry.believe_refusal_after;
    delivery.reply_within.otherwise = Some(config.retry.reply_within.get());
    delivery
}

pub(super) fn outgoing(letter: &Letter) -> Outgoing {
    let header = letter.payload.header();
    Outgoing {
        protocol: UFTP,
        recipient: letter.recipient.to_string(),
        conversation: header.conversation_id.to_string(),
        message_id: header.message_id.to_string(),
        label: letter.payload.message_type().as_str().to_owned(),
        body: letter.envelope.clone(),
        made_at: letter.made_at,
        deadline: letter.deadline,
    }
}
