use std::future::{Future, ready};
use std::sync::Arc;

use tieline_types::Domain;
use tieline_uftp::server::{AddressBookError, KnownParticipant};
use tieline_uftp::{Endpoint, Revision, Role};

use crate::config::PeerConfig;

/// Everybody whom the configuration names.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook(Arc<Vec<(Role, Domain, Known)>>);

/// What is known of a participant.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) endpoint: Endpoint,
    pub(crate) revision: Revision,
    participant: Arc<KnownParticipant>,
}

impl AddressBook {
    pub(crate) fn of(peers: &[PeerConfig]) -> Self {
        let mut known = Vec::with_capacity(peers.len());
        for peer in peers {
            let endpoint = peer.endpoint.clone();
            let participant = KnownParticipant::new(peer.public_keys.clone())
                .at(endpoint.clone())
                .tolerating(peer.tolerance)
                .speaking(peer.revision.version);
            known.push((
                peer.role,
                peer.domain.clone(),
                Known { endpoint, revision: peer.revision, participant: Arc::new(participant) },
            ));
        }
        Self(Arc::new(known))
    }

    pub(crate) fn find(&self, role: Role, domain: &str) -> Option<&Known> {
        let same = |(known_role, known_domain, _): &&(Role, Domain, Known)| {
            *known_role == role && known_domain.as_str() == domain
        };
        self.0.iter().find(same).map(|(_, _, known)| known)
    }

    /// Whether messages go anywhere without TLS.
    pub(crate) fn has_plaintext(&self) -> bool {
        self.0.iter().any(|(_, _, known)| known.endpoint.uri().scheme_str() == Some("http"))
    }
}

impl tieline_uftp::server::AddressBook for AddressBook {
    fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Option<Arc<KnownParticipant>>, AddressBookError>> + Send {
        ready(Ok(self.find(role, domain.as_str()).map(|known| Arc::clone(&known.participant))))
    }
}
