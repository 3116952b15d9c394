//! Where messages for a participant are posted.

use std::future::{Future, ready};
use std::sync::Arc;

use tieline_types::Domain;

use crate::oauth::TokenSource;
use crate::server::{AddressBookError, FixedAddressBook};
use crate::{Client, Delivery, Endpoint, Role};

/// Where messages for a participant are posted, and with what.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The address.
    pub endpoint: Endpoint,
    /// Where the bearer token comes from, if one is wanted.
    pub tokens: Option<TokenSource>,
}

impl Destination {
    /// Posts a sealed message there: one attempt.
    pub async fn post(&self, client: &Client, sealed: impl Into<bytes::Bytes>) -> Delivery {
        match &self.tokens {
            None => client.post(&self.endpoint, sealed).await,
            Some(tokens) => client.post_authorized(&self.endpoint, sealed, tokens).await,
        }
    }
}

impl From<Endpoint> for Destination {
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint, tokens: None }
    }
}

/// Where addresses of participants are looked up: before each attempt, since they may change while a message waits.
pub trait Destinations: Send + Sync + 'static {
    /// Where a participant takes messages, or `None` if it is unknown by now.
    fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Destination>, AddressBookError>> + Send;
}

impl<T: Destinations> Destinations for Arc<T> {
    fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Destination>, AddressBookError>> + Send {
        T::destination(self, role, domain)
    }
}

/// A book that is written down once knows addresses, too.
impl Destinations for FixedAddressBook {
    fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Destination>, AddressBookError>> + Send {
        let endpoint = self.find(role, domain).and_then(|known| known.endpoint.clone());
        ready(Ok(endpoint.map(Destination::from)))
    }
}
