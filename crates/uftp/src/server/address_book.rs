//! Who the participants are.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::Arc;

use tieline_types::Domain;

use crate::{Endpoint, Participant, Role, Tolerance, VerifyingKey, Version};

/// Where keys and addresses of participants are looked up: a configuration, DNS, a market's register.
pub trait AddressBook: Send + Sync + 'static {
    /// What is known of a participant, or `None` if it is unknown. Asked for every received message: answers are
    /// to be kept as long as they hold, and no longer.
    fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Arc<KnownParticipant>>, AddressBookError>> + Send;

    /// What is known of a participant by now, after a signature fitted none of the keys that [`look_up`](Self::look_up)
    /// gave: `None`, or the same again, if nothing newer is to be had. Whoever forges signatures causes these calls, so a book that asks
    /// others must bound how often it does.
    ///
    /// By default nothing is newer.
    fn look_up_again(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Arc<KnownParticipant>>, AddressBookError>> + Send {
        let _ = (role, domain);
        ready(Ok(None))
    }
}

impl<T: AddressBook> AddressBook for Arc<T> {
    fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Arc<KnownParticipant>>, AddressBookError>> + Send {
        T::look_up(self, role, domain)
    }

    fn look_up_again(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Arc<KnownParticipant>>, AddressBookError>> + Send {
        T::look_up_again(self, role, domain)
    }
}

/// What is known of a participant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownParticipant {
    /// The keys that it signs with: one, or two while it changes its key.
    pub keys: Vec<VerifyingKey>,
    /// Where it takes messages, if that is known.
    pub endpoint: Option<Endpoint>,
    /// What is forgiven it.
    pub tolerance: Tolerance,
    /// The version to write to it, if that is known.
    pub version: Option<Version>,
}

impl KnownParticipant {
    /// A participant with these keys, and nothing forgiven.
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys, endpoint: None, tolerance: Tolerance::STRICT, version: None }
    }

    /// The same with an address.
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// The same, and this version is written to it.
    pub fn speaking(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// The same with something forgiven.
    pub fn tolerating(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = tolerance;
        self
    }
}

/// The address book cannot answer now. The sender of the message is told to try again.
#[derive(Debug, thiserror::Error)]
#[error("the address book cannot answer: {0}")]
pub struct AddressBookError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// An address book that is written down once.
#[derive(Debug, Clone, Default)]
pub struct FixedAddressBook {
    participants: BTreeMap<Participant, Arc<KnownParticipant>>,
}

impl FixedAddressBook {
    /// The book without an entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// The book with one entry more, in place of what it had of the same participant.
    pub fn with(mut self, role: Role, domain: Domain, known: KnownParticipant) -> Self {
        self.participants.insert(Participant { role, domain }, Arc::new(known));
        self
    }

    /// What is known of a participant.
    pub fn find(&self, role: Role, domain: &Domain) -> Option<Arc<KnownParticipant>> {
        self.participants.get(&Participant { role, domain: domain.clone() }).cloned()
    }
}

impl AddressBook for FixedAddressBook {
    fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Arc<KnownParticipant>>, AddressBookError>> + Send {
        ready(Ok(self.find(role, domain)))
    }
}
