//! What a handler sends.

use std::sync::{Arc, Mutex, PoisonError};

use tieline_service::{FromIncoming, Incoming, Rejection};

use super::{Letters, Processing};
use crate::message::Message;
use crate::storage::Letter;
use crate::value::{ConversationId, MessageId};
use crate::{Header, MessageType, Participant, RejectionReason, SignerError, Uftp, Version};

/// The conversation that a message is part of, for its handlers to go on with: an extractor.
///
/// What is sent by it is owed from the moment at which the step that is being done is committed, together with all else that
/// the step changes, and never twice: not when the step is done anew because it failed half-way, and not across a restart.
///
/// ```
/// use tieline_service::Call;
/// use tieline_uftp::message::{FlexOffer, FlexRequest, OfferOption};
/// use tieline_uftp::service::{Conversation, Unsendable};
///
/// async fn offer(request: Call<FlexRequest>, conversation: Conversation) -> Result<(), Unsendable> {
///     let options: Vec<OfferOption> = Vec::new(); // what can be done
///     conversation.send(|header| FlexOffer {
///         header,
///         flex: request.flex.clone(),
///         expiration_date_time: request.expiration_date_time.clone(),
///         unsolicited: None,
///         flex_request_message_id: Some(request.header.message_id),
///         contract_id: request.contract_id.clone(),
///         d_prognosis_message_id: None,
///         baseline_reference: None,
///         currency: "EUR".parse().expect("it is a currency"),
///         options,
///     })?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Conversation {
    with: Participant,
    version: Version,
    id: ConversationId,
    letters: Letters,
    sent: Sent,
}

/// What the handlers of one step send.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Arc<Mutex<Vec<Letter>>>);

impl Sent {
    pub(super) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, letter: Letter) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }
}

impl Conversation {
    pub(super) fn of(received: &crate::Received, letters: &Letters, sent: &Sent) -> Self {
        let header = received.payload.header();
        Self {
            with: received.sender.clone(),
            version: header.revision().version,
            id: header.conversation_id,
            letters: letters.clone(),
            sent: sent.clone(),
        }
    }

    /// With whom.
    pub fn counterparty(&self) -> &Participant {
        &self.with
    }

    /// Sends a message in this conversation, in the version in which the counterparty wrote. `draft` makes the message under
    /// the header that it is given, which is filled in; whatever of it is changed stays changed.
    pub fn send<M: Message>(&self, draft: impl FnOnce(Header) -> M) -> Result<MessageId, Unsendable> {
        self.send_in(Some(self.id), draft)
    }

    /// Sends a message with which a conversation of its own begins.
    pub fn begin<M: Message>(&self, draft: impl FnOnce(Header) -> M) -> Result<MessageId, Unsendable> {
        self.send_in(None, draft)
    }

    fn send_in<M: Message>(
        &self,
        conversation: Option<ConversationId>,
        draft: impl FnOnce(Header) -> M,
    ) -> Result<MessageId, Unsendable> {
        let (own, to) = (self.letters.own().role, self.with.role);
        if !M::TYPE.may_go(own, to) {
            return Err(Unsendable::OtherWay { message_type: M::TYPE, from: own, to });
        }
        let message = draft(self.letters.header(&self.with.domain, self.version, conversation));
        let id = message.header().message_id;
        self.sent.add(self.letters.letter(message.into(), self.with.clone())?);
        Ok(id)
    }
}

/// Why a message is not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unsendable {
    /// The message does not go from the one role to the other: a mistake of the caller.
    #[error("a {message_type} does not go from {from} to {to}")]
    OtherWay {
        /// The message.
        message_type: MessageType,
        /// Who would send it.
        from: crate::Role,
        /// Who would receive it.
        to: crate::Role,
    },
    /// An order or a revocation breaks these rules.
    #[error("it breaks rules: {}", RejectionReason::join(.0))]
    Broken(Vec<RejectionReason>),
    /// It cannot be signed now.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The address book cannot answer now.
    #[error(transparent)]
    AddressBook(#[from] crate::server::AddressBookError),
    /// It could not be stored.
    #[error(transparent)]
    Storage(#[from] crate::storage::StorageError),
}

impl Unsendable {
    /// Whether the same may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::OtherWay { .. } | Self::Broken(_) => false,
            Self::Signer(_) | Self::AddressBook(_) => true,
            Self::Storage(failure) => failure.is_retryable(),
        }
    }
}

impl From<Unsendable> for crate::Undecided {
    fn from(failure: Unsendable) -> Self {
        Self { cause: failure.to_string(), retry: failure.is_retryable() }
    }
}

impl From<Unsendable> for super::Processed {
    fn from(failure: Unsendable) -> Self {
        Self::Undecided(failure.into())
    }
}

impl From<Unsendable> for crate::Decision {
    fn from(failure: Unsendable) -> Self {
        Self::Undecided(failure.into())
    }
}

macro_rules! extract {
    ($($protocol:ident)+) => {
        $(
            impl<S: Sync> FromIncoming<$protocol, S> for Conversation {
                async fn from_incoming(incoming: &Incoming<$protocol>, _: &S) -> Result<Self, Rejection<$protocol>> {
                    let found = incoming.head.extensions.get::<Self>().cloned();
                    found.ok_or_else(|| tieline_service::Fault::missing::<Self>().into())
                }
            }
        )+
    };
}

extract!(Uftp Processing);
