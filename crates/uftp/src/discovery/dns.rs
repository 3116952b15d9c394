//! The address book that participants write themselves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tieline_edge::dns::{DnsAnswer, Found, Proof, Questions, TxtRecord};
use tieline_types::{Clock, Domain};

use super::cache::{Cache, Fresh};
use super::published::{self, PublishedVersion};
use super::{CacheConfig, Destination, Destinations, DiscoveryError};
use crate::server::{AddressBook, AddressBookError, KnownParticipant};
use crate::{Role, Tolerance};

/// How a [`DnsAddressBook`] reads what is published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsBookConfig {
    /// Whether only what DNSSEC proves is believed, absences included. Default: true, as the specification demands: without it
    /// everybody on the way to the name servers can put his own key in place of a participant's.
    pub dnssec_required: bool,
    /// Zones of authorities that list who may take part, in the order in which they are asked: under `authority.test`, the
    /// participant example.com is there if `_usef.example.com.authority.test` has a TXT record. With such zones only
    /// those are known that one of them lists; keys and address are taken from under it too, and from the participant's
    /// own zone if they are not there. Default: none.
    pub suffixes: Vec<Domain>,
    /// How many aliases are followed from the name of the service to the host. Default: 8.
    pub aliases: usize,
    /// What is forgiven those who are found here. Default: nothing.
    pub tolerance: Tolerance,
    /// How long what was found is kept.
    pub cache: CacheConfig,
}

impl Default for DnsBookConfig {
    fn default() -> Self {
        Self {
            dnssec_required: true,
            suffixes: Vec::new(),
            aliases: 8,
            tolerance: Tolerance::STRICT,
            cache: CacheConfig::default(),
        }
    }
}

/// Participants as they publish themselves in the domain name system: `_usef` (version), `_ROLE._usef` (keys) and
/// `_http._ROLE._usef` (an alias for the host) under their domain. A clone shares what is kept.
///
/// [`look_up`](AddressBook::look_up) asks for the keys alone and gives no endpoint: a sender needs no address to be
/// believed. [`destination`](Destinations::destination) asks for version and host.
///
/// Whether a host exists is not looked at; posting to it will tell. If the aliases lead on from a name that can be a host's, that
/// name is the host: its certificate is issued for it.
#[derive(Clone)]
pub struct DnsAddressBook<Q> {
    shared: Arc<Shared<Q>>,
    participants: Cache<(Role, Domain), Arc<KnownParticipant>>,
    destinations: Cache<(Role, Domain), Destination>,
}

struct Shared<Q> {
    questions: Q,
    config: DnsBookConfig,
}

impl<Q: Questions> DnsAddressBook<Q> {
    /// A book that asks these questions.
    pub fn new(questions: Q, config: DnsBookConfig, clock: Arc<dyn Clock>) -> Self {
        let participants = Cache::new(Arc::clone(&clock), config.cache.clone());
        let destinations = Cache::new(clock, config.cache.clone());
        Self { shared: Arc::new(Shared { questions, config }), participants, destinations }
    }

    /// [`AddressBook::look_up`], with what went wrong.
    pub async fn participant(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, DiscoveryError> {
        self.participants.get((role, domain.clone()), || self.ask_participant(role, domain)).await
    }

    /// [`Destinations::destination`], with what went wrong.
    pub async fn find_destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Destination>, DiscoveryError> {
        let ask = || {
            let (shared, domain) = (Arc::clone(&self.shared), domain.clone());
            async move { shared.destination(role, &domain).await }
        };
        self.destinations.get((role, domain.clone()), ask).await
    }

    fn ask_participant(
        &self,
        role: Role,
        domain: &Domain,
    ) -> impl Future<Output = Result<Fresh<Arc<KnownParticipant>>, DiscoveryError>> + Send + 'static {
        let (shared, domain) = (Arc::clone(&self.shared), domain.clone());
        async move { shared.participant(role, &domain).await }
    }
}

/// The shortest of the lives of answers that something was made of.
struct Life(Duration);

impl Life {
    /// Takes an answer in.
    fn of<R>(&mut self, answer: DnsAnswer<R>) -> Vec<R> {
        self.0 = self.0.min(answer.ttl);
        match answer.found {
            Found::Records(records) => records,
            Found::NoRecords | Found::NoName => Vec::new(),
        }
    }

    fn fresh<V>(self, value: Option<V>) -> Fresh<V> {
        Fresh { value, life: self.0 }
    }
}

impl<Q: Questions> Shared<Q> {
    async fn participant(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Fresh<Arc<KnownParticipant>>, DiscoveryError> {
        let mut life = Life(Duration::MAX);
        for base in self.bases(domain, &mut life).await? {
            let name = published::keys_name(role, &base);
            let records = self.txt(&name, &mut life).await?;
            if !records.is_empty() {
                let known = KnownParticipant::new(published::keys(&name, &records)?);
                return Ok(life.fresh(Some(Arc::new(known.tolerating(self.config.tolerance)))));
            }
        }
        Ok(life.fresh(None))
    }

    async fn destination(&self, role: Role, domain: &Domain) -> Result<Fresh<Destination>, DiscoveryError> {
        let mut life = Life(Duration::MAX);
        for base in self.bases(domain, &mut life).await? {
            let name = published::host_name(role, &base);
            let Some(host) = self.host(&name, &mut life).await? else { continue };
            let version = self.version(&base, domain, &mut life).await?;
            let endpoint = published::endpoint(&host, version)
                .ok_or_else(|| DiscoveryError::NoHost { name: name.clone(), end: host.clone() })?;
            return Ok(life.fresh(Some(Destination::from(endpoint))));
        }
        Ok(life.fresh(None))
    }

    /// Under which names a participant may have its records. Without zones of authorities it is its own domain; with them, none
    /// if no authority lists it.
    async fn bases(&self, domain: &Domain, life: &mut Life) -> Result<Vec<String>, DiscoveryError> {
        if self.config.suffixes.is_empty() {
            return Ok(vec![domain.to_string()]);
        }
        for suffix in &self.config.suffixes {
            let listed = format!("{domain}.{suffix}");
            if !self.txt(&published::version_name(&listed), life).await?.is_empty() {
                return Ok(vec![listed, domain.to_string()]);
            }
        }
        Ok(Vec::new())
    }

    async fn txt(&self, name: &str, life: &mut Life) -> Result<Vec<TxtRecord>, DiscoveryError> {
        let answer = self.questions.txt(name).await?;
        self.believe(name, answer.proof)?;
        Ok(life.of(answer))
    }

    /// The version under `base`, or where an authority's zone says only that the participant is listed, under its own domain.
    async fn version(
        &self,
        base: &str,
        domain: &Domain,
        life: &mut Life,
    ) -> Result<PublishedVersion, DiscoveryError> {
        let name = published::version_name(base);
        let version = published::version(&name, &self.txt(&name, life).await?);
        if version.is_ok() || base == domain.as_str() {
            return version;
        }
        let own = published::version_name(domain.as_str());
        published::version(&own, &self.txt(&own, life).await?)
    }

    /// The host that `name` is an alias for, or `None` if it is no alias.
    async fn host(&self, name: &str, life: &mut Life) -> Result<Option<String>, DiscoveryError> {
        let mut passed = vec![name.to_ascii_lowercase()];
        let mut host: Option<String> = None;
        loop {
            let here = passed.last().map_or(name, String::as_str).to_owned();
            let answer = self.questions.cname(if passed.len() == 1 { name } else { &here }).await?;
            // Beyond the host, its certificate proves what DNSSEC may not.
            if host.is_none() {
                self.believe(&here, answer.proof)?;
            }
            let Some(next) = life.of(answer).pop() else { break };
            if passed.contains(&next) {
                return Err(DiscoveryError::AliasLoop { name: name.to_owned() });
            }
            if passed.len() > self.config.aliases {
                return Err(DiscoveryError::TooManyAliases {
                    name: name.to_owned(),
                    most: self.config.aliases,
                });
            }
            if host.is_none() && published::is_host(&next) {
                host = Some(next.clone());
            }
            passed.push(next);
        }
        match (host, passed.pop()) {
            (None, Some(end)) if !passed.is_empty() => {
                Err(DiscoveryError::NoHost { name: name.to_owned(), end })
            }
            (host, _) => Ok(host),
        }
    }

    fn believe(&self, name: &str, proof: Proof) -> Result<(), DiscoveryError> {
        if self.config.dnssec_required && proof != Proof::Secure {
            return Err(DiscoveryError::NotProved { name: name.to_owned(), proof });
        }
        Ok(())
    }
}

impl<Q: Questions> AddressBook for DnsAddressBook<Q> {
    async fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        Ok(self.participant(role, domain).await?)
    }

    async fn look_up_again(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        let ask = || self.ask_participant(role, domain);
        Ok(self.participants.get_again((role, domain.clone()), ask).await?)
    }
}

impl<Q: Questions> Destinations for DnsAddressBook<Q> {
    async fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Destination>, AddressBookError> {
        Ok(self.find_destination(role, domain).await?)
    }
}

impl<Q> fmt::Debug for DnsAddressBook<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsAddressBook").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
