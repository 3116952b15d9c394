//! Sending to one participant, by roles.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tieline_types::Domain;

use super::Unsendable;
use super::desk::{Desk, binds};
use super::role::{Agr, Cro, Dso, Goes, RoleType};
use crate::server::AddressBook;
use crate::storage::{Step, Storage};
use crate::value::ConversationId;
use crate::{Header, Participant, Payload, Revision, Version};

/// An AGR's messages to a DSO.
pub type AgrDsoClient<S, A> = RoleClient<Agr, Dso, S, A>;
/// An AGR's messages to a CRO.
pub type AgrCroClient<S, A> = RoleClient<Agr, Cro, S, A>;
/// A DSO's messages to an AGR.
pub type DsoAgrClient<S, A> = RoleClient<Dso, Agr, S, A>;
/// A DSO's messages to a CRO.
pub type DsoCroClient<S, A> = RoleClient<Dso, Cro, S, A>;
/// A CRO's messages to an AGR.
pub type CroAgrClient<S, A> = RoleClient<Cro, Agr, S, A>;
/// A CRO's messages to a DSO.
pub type CroDsoClient<S, A> = RoleClient<Cro, Dso, S, A>;

/// Sends the messages that go from the role `From` to the role `To`, to one participant.
///
/// What is sent is owed: it is durable when [`send`](Self::send) returns, and delivered in the background until its recipient has
/// it, in the order of its conversation, across restarts. To send from within a handler there is
/// [`Conversation`](super::Conversation), which makes it one with the decision.
///
/// A message of another direction does not compile:
///
/// ```compile_fail
/// use tieline_uftp::message::FlexRequest;
/// use tieline_uftp::server::FixedAddressBook;
/// use tieline_uftp::service::AgrDsoClient;
/// use tieline_uftp::storage::MemoryStorage;
///
/// async fn ask(dso: AgrDsoClient<MemoryStorage, FixedAddressBook>, request: FlexRequest) {
///     let _ = dso.send(|header| FlexRequest { header, ..request }).await;
/// }
/// ```
pub struct RoleClient<From, To, S, A> {
    pub(super) recipient: Domain,
    pub(super) version: Option<Version>,
    pub(super) conversation: Option<ConversationId>,
    pub(super) shared: Arc<Sending<S, A>>,
    pub(super) roles: PhantomData<(From, To)>,
}

/// What all clients of a participant share.
#[derive(Debug)]
pub(super) struct Sending<S, A> {
    pub(super) desk: Arc<Desk<S>>,
    pub(super) address_book: A,
    pub(super) revision: Revision,
}

impl<From: RoleType, To: RoleType, S: Storage, A: AddressBook> RoleClient<From, To, S, A> {
    /// The same, in a conversation that has begun.
    pub fn in_conversation(&self, conversation: ConversationId) -> Self {
        Self { conversation: Some(conversation), ..self.clone() }
    }

    /// The same, in this version whatever the address book says.
    pub fn in_version(&self, version: Version) -> Self {
        Self { version: Some(version), ..self.clone() }
    }

    /// Sends the message that `draft` makes under the header that it is given. The header is filled in: the version that the
    /// recipient is known to speak or our own, both domains, the time, a new message identifier, the conversation or a new
    /// one; whatever of it is changed stays changed.
    ///
    /// Returns the header of what was sent, once that is durable. An order and a revocation are looked at by the
    /// [rules](crate::rules) first, and not sent if they break one.
    pub async fn send<M: Goes<From, To>>(
        &self,
        draft: impl FnOnce(Header) -> M,
    ) -> Result<Header, Unsendable> {
        let recipient = Participant { role: To::ROLE, domain: self.recipient.clone() };
        let version = match self.version {
            Some(version) => version,
            None => self.shared.version_for(&recipient).await?,
        };
        let message = draft(self.shared.desk.letters.header(&self.recipient, version, self.conversation));
        let header = message.header().clone();
        self.shared.send(message.into(), recipient).await?;
        Ok(header)
    }
}

impl<S: Storage, A: AddressBook> Sending<S, A> {
    async fn send(&self, message: Payload, recipient: Participant) -> Result<(), Unsendable> {
        let turn = if binds(&message) { Some(self.desk.one_at_a_time.lock().await) } else { None };
        self.desk.check(&message, &recipient).await?;
        let letter = self.desk.letters.letter(message, recipient)?;
        self.desk.commit(Step { letters: vec![letter], ..Step::default() }).await?;
        drop(turn);
        Ok(())
    }

    async fn version_for(&self, recipient: &Participant) -> Result<Version, Unsendable> {
        let known = self.address_book.look_up(recipient.role, &recipient.domain).await?;
        Ok(known.and_then(|known| known.version).unwrap_or(self.revision.version))
    }
}

impl<From, To, S, A> Clone for RoleClient<From, To, S, A> {
    fn clone(&self) -> Self {
        Self {
            recipient: self.recipient.clone(),
            version: self.version,
            conversation: self.conversation,
            shared: Arc::clone(&self.shared),
            roles: PhantomData,
        }
    }
}

impl<From: RoleType, To: RoleType, S, A> fmt::Debug for RoleClient<From, To, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleClient")
            .field("from", &From::ROLE)
            .field("to", &To::ROLE)
            .field("recipient", &self.recipient)
            .finish_non_exhaustive()
    }
}
