//! The address book of GOPACS, the platform of the Dutch grid operators.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::ACCEPT;
use serde::Deserialize;
use tieline_types::{Clock, Domain};

use super::cache::{Cache, Fresh};
use super::{CacheConfig, Destination, Destinations, DiscoveryError};
use crate::http_answer::read_body;
use crate::oauth::TokenSource;
use crate::server::{AddressBook, AddressBookError, KnownParticipant};
use crate::{Endpoint, Role, Tolerance, VerifyingKey};

/// How the address book of GOPACS is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GopacsConfig {
    /// The address book's address, without `/participants`.
    pub base: Endpoint,
    /// Where messages for everybody in it are posted.
    pub broker: Endpoint,
    /// In which roles participants are looked up there: the address book knows domains only. Default: DSO.
    pub roles: Vec<Role>,
    /// How long a participant is kept. Default: 1 hour.
    pub keep: Duration,
    /// How long it is kept that there is no such participant. Default: 1 minute.
    pub keep_absent: Duration,
    /// What is forgiven those who are found here. Default: nothing.
    pub tolerance: Tolerance,
    /// How much of an answer is read, in bytes. Default: 64 KiB.
    pub answer_bytes: usize,
    /// How much is kept, and how often it is asked. Its shortest and longest lives bound those above.
    pub cache: CacheConfig,
}

impl GopacsConfig {
    /// The defaults for this address book and this broker.
    pub fn new(base: Endpoint, broker: Endpoint) -> Self {
        Self {
            base,
            broker,
            roles: vec![Role::Dso],
            keep: Duration::from_hours(1),
            keep_absent: Duration::from_mins(1),
            tolerance: Tolerance::STRICT,
            answer_bytes: 64 * 1024,
            cache: CacheConfig::default(),
        }
    }
}

/// A participant as GOPACS answers it. Fields that it may add are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GopacsParticipant {
    /// Its domain.
    pub domain: Domain,
    /// Its key.
    pub public_key: VerifyingKey,
}

/// Participants as the address book of GOPACS has them, version 3: their keys. Messages for all of them go to its broker,
/// which wants a bearer token, as the address book does. A clone shares what is kept.
#[derive(Clone)]
pub struct GopacsAddressBook {
    shared: Arc<Shared>,
    participants: Cache<Domain, Arc<KnownParticipant>>,
}

struct Shared {
    http: reqwest::Client,
    tokens: TokenSource,
    config: GopacsConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParticipantFile {
    domain: String,
    public_key: String,
}

/// A contract's participants: what is written down of the interface leaves open whether there may be several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    More(Vec<ParticipantFile>),
    One(ParticipantFile),
}

impl GopacsAddressBook {
    /// A book on these connections, with these tokens.
    pub fn new(
        http: reqwest::Client,
        tokens: TokenSource,
        config: GopacsConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let participants = Cache::new(clock, config.cache.clone());
        Self { shared: Arc::new(Shared { http, tokens, config }), participants }
    }

    /// [`AddressBook::look_up`] by domain, with what went wrong.
    pub async fn participant(
        &self,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, DiscoveryError> {
        self.participants.get(domain.clone(), || self.ask(domain)).await
    }

    /// Who takes part in a contract in a role: AGR or DSO. It is asked each time. Nobody, if there is no such contract.
    pub async fn contract_participants(
        &self,
        contract_id: &str,
        role: Role,
    ) -> Result<Vec<GopacsParticipant>, DiscoveryError> {
        let path = ["participants", "contracts", contract_id, "roles", role.as_str()];
        let Some(body) = self.shared.get(&path).await? else { return Ok(Vec::new()) };
        let participants = match read(&body)? {
            OneOrMore::More(participants) => participants,
            OneOrMore::One(participant) => vec![participant],
        };
        participants.into_iter().map(ParticipantFile::check).collect()
    }

    fn ask(
        &self,
        domain: &Domain,
    ) -> impl Future<Output = Result<Fresh<Arc<KnownParticipant>>, DiscoveryError>> + Send + 'static {
        let (shared, domain) = (Arc::clone(&self.shared), domain.clone());
        async move { shared.participant(&domain).await }
    }

    fn has(&self, role: Role) -> bool {
        self.shared.config.roles.contains(&role)
    }
}

impl Shared {
    async fn participant(&self, domain: &Domain) -> Result<Fresh<Arc<KnownParticipant>>, DiscoveryError> {
        let Some(body) = self.get(&["participants", domain.as_str()]).await? else {
            return Ok(Fresh { value: None, life: self.config.keep_absent });
        };
        let found = read::<ParticipantFile>(&body)?;
        if found.domain != domain.as_str() {
            let answered = found.domain.chars().take(253).collect();
            return Err(DiscoveryError::OtherParticipant { asked: domain.clone(), answered });
        }
        let known = KnownParticipant::new(vec![found.check()?.public_key])
            .at(self.config.broker.clone())
            .tolerating(self.config.tolerance);
        Ok(Fresh { value: Some(Arc::new(known)), life: self.config.keep })
    }

    /// The body of a 200, or `None` for a 404.
    async fn get(&self, path: &[&str]) -> Result<Option<Vec<u8>>, DiscoveryError> {
        let mut url = reqwest::Url::parse(&self.config.base.to_string())
            .map_err(|error| DiscoveryError::Unusable(error.to_string()))?;
        // An http or https address always has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut answer = self.tokens.send(self.http.get(url).header(ACCEPT, "application/json")).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            other => return Err(DiscoveryError::Status(other)),
        }
        read_body(&mut answer, self.config.answer_bytes).await.map(Some).map_err(DiscoveryError::Unusable)
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DiscoveryError> {
    serde_json::from_slice(body).map_err(|error| DiscoveryError::Unusable(error.to_string()))
}

impl ParticipantFile {
    fn check(self) -> Result<GopacsParticipant, DiscoveryError> {
        let domain = self.domain.parse().map_err(|_| {
            let shown: String = self.domain.chars().take(253).collect();
            DiscoveryError::Unusable(format!("{shown:?} is no UFTP domain"))
        })?;
        let public_key = self
            .public_key
            .parse()
            .map_err(|cause| DiscoveryError::Key { name: self.domain.clone(), cause })?;
        Ok(GopacsParticipant { domain, public_key })
    }
}

impl AddressBook for GopacsAddressBook {
    async fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        if !self.has(role) {
            return Ok(None);
        }
        Ok(self.participant(domain).await?)
    }

    async fn look_up_again(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        if !self.has(role) {
            return Ok(None);
        }
        Ok(self.participants.get_again(domain.clone(), || self.ask(domain)).await?)
    }
}

impl Destinations for GopacsAddressBook {
    async fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Destination>, AddressBookError> {
        let known = self.look_up(role, domain).await?;
        let (broker, tokens) = (self.shared.config.broker.clone(), self.shared.tokens.clone());
        Ok(known.map(|_| Destination { endpoint: broker, tokens: Some(tokens) }))
    }
}

impl fmt::Debug for GopacsAddressBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GopacsAddressBook").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
