//! A book that is written down once knows addresses, too.

use std::future::{Future, ready};

use tieline_types::Domain;

use super::{Destination, Destinations};
use crate::Role;
use crate::server::{AddressBookError, FixedAddressBook};

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
