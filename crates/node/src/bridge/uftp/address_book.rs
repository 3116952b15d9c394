use std::sync::Arc;

use tieline_edge::dns::DnsResolver;
use tieline_edge::{EdgeError, HttpClient};
use tieline_types::{Clock, Domain};
use tieline_uftp::discovery::{AddressBooks, Destination, Destinations, DnsAddressBook, GopacsAddressBook};
use tieline_uftp::oauth::TokenSource;
use tieline_uftp::server::{AddressBookError, KnownParticipant};
use tieline_uftp::{Endpoint, Revision, Role};

use crate::config::{DiscoveryConfig, GopacsDiscovery, PeerConfig, UftpConfig};

/// Everybody whom the configuration names, then everybody whom it has looked up.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook {
    named: Arc<Vec<(Role, Domain, Known)>>,
    looked_up: AddressBooks,
    /// The revision to write to those who are looked up.
    revision: Option<Revision>,
    has_plaintext: bool,
}

/// What is known of a participant whom the configuration names.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) endpoint: Endpoint,
    pub(crate) revision: Revision,
    participant: Arc<KnownParticipant>,
}

impl AddressBook {
    pub(crate) fn of(uftp: &UftpConfig, clock: &Arc<dyn Clock>) -> Result<Self, EdgeError> {
        let named: Vec<_> = uftp.peers.iter().map(named).collect();
        let gopacs = uftp.discovery.as_ref().and_then(|discovery| discovery.gopacs.as_ref());
        let endpoints = named.iter().map(|(_, _, known)| &known.endpoint);
        let has_plaintext = endpoints.chain(gopacs.map(|gopacs| &gopacs.book.broker)).any(is_plaintext);
        Ok(Self {
            named: Arc::new(named),
            looked_up: uftp
                .discovery
                .as_ref()
                .map_or_else(|| Ok(AddressBooks::new()), |discovery| books(discovery, &uftp.client, clock))?,
            revision: uftp.discovery.as_ref().map(|discovery| discovery.revision),
            has_plaintext,
        })
    }

    pub(crate) fn find(&self, role: Role, domain: &str) -> Option<&Known> {
        let same = |(known_role, known_domain, _): &&(Role, Domain, Known)| {
            *known_role == role && known_domain.as_str() == domain
        };
        self.named.iter().find(same).map(|(_, _, known)| known)
    }

    /// The revision to write to a participant, unless it is the node's own.
    pub(crate) fn revision(&self, role: Role, domain: &Domain) -> Option<Revision> {
        self.find(role, domain.as_str()).map(|known| known.revision).or(self.revision)
    }

    /// Whether messages go anywhere without TLS.
    pub(crate) fn has_plaintext(&self) -> bool {
        self.has_plaintext
    }
}

fn named(peer: &PeerConfig) -> (Role, Domain, Known) {
    let endpoint = peer.endpoint.clone();
    let participant = KnownParticipant::new(peer.public_keys.clone())
        .at(endpoint.clone())
        .tolerating(peer.tolerance)
        .speaking(peer.revision.version);
    let known = Known { endpoint, revision: peer.revision, participant: Arc::new(participant) };
    (peer.role, peer.domain.clone(), known)
}

fn is_plaintext(endpoint: &Endpoint) -> bool {
    endpoint.uri().scheme_str() == Some("http")
}

/// The address book of a market first: who is in it trades there.
fn books(
    discovery: &DiscoveryConfig,
    http: &HttpClient,
    clock: &Arc<dyn Clock>,
) -> Result<AddressBooks, EdgeError> {
    let mut books = AddressBooks::new();
    if let Some(config) = &discovery.gopacs {
        books = books.with(gopacs(config, http.clone(), clock)?);
    }
    if let Some(config) = &discovery.dns {
        let resolver = DnsResolver::new(&config.resolver)?;
        books = books.with(DnsAddressBook::new(resolver, config.book.clone(), Arc::clone(clock)));
    }
    Ok(books)
}

fn gopacs(
    config: &GopacsDiscovery,
    mut http: HttpClient,
    clock: &Arc<dyn Clock>,
) -> Result<GopacsAddressBook, EdgeError> {
    if [&config.book.base, &config.credentials.token_endpoint].into_iter().any(is_plaintext) {
        tracing::warn!("the address book of GOPACS, or its authorization server, is asked without TLS");
        http = http.allowing_plain_text();
    }
    let http = http.build()?;
    let tokens = TokenSource::new(http.clone(), config.credentials.clone(), Arc::clone(clock));
    Ok(GopacsAddressBook::new(http, tokens, config.book.clone(), Arc::clone(clock)))
}

impl Destinations for AddressBook {
    async fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Destination>, AddressBookError> {
        match self.find(role, domain.as_str()) {
            Some(known) => Ok(Some(known.endpoint.clone().into())),
            None => self.looked_up.destination(role, domain).await,
        }
    }
}

impl tieline_uftp::server::AddressBook for AddressBook {
    async fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        match self.find(role, domain.as_str()) {
            Some(known) => Ok(Some(Arc::clone(&known.participant))),
            None => self.looked_up.look_up(role, domain).await,
        }
    }

    async fn look_up_again(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        match self.find(role, domain.as_str()) {
            Some(_) => Ok(None),
            None => self.looked_up.look_up_again(role, domain).await,
        }
    }
}
