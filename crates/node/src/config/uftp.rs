use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tieline_edge::HttpClient;
use tieline_types::{Domain, IspCalendar, IspDuration};
use tieline_uftp::value::TimeZoneName;
use tieline_uftp::{Endpoint, Limits, OwnKeys, Revision, Role, Tolerance, VerifyingKey};

use super::client::ClientFile;
use super::discovery::{DiscoveryConfig, DiscoveryFile};
use super::key_file::signing_key;
use super::tls::{TlsFile, Transport, transport};
use super::{ConfigError, Interval, ListenerLimits, RegistrationConfig, path};

/// The market side of a node.
#[derive(Debug)]
#[non_exhaustive]
pub struct UftpConfig {
    /// The role in which this node signs.
    pub role: Role,
    /// The domain in whose name this node signs.
    pub domain: Domain,
    /// The keys with which it signs.
    pub signing_keys: OwnKeys,
    /// Where peers post to.
    pub listen: SocketAddr,
    /// The path they post to.
    pub path: String,
    /// How the listener protects connections.
    pub transport: Transport,
    /// The revision of the protocol that this node writes, where a peer sets no other.
    pub revision: Revision,
    /// The calendar that the market trades by.
    pub calendar: IspCalendar,
    /// How delivery is retried.
    pub retry: RetryConfig,
    /// A message that can't be decided after so many attempts is set aside.
    pub attempts: u32,
    /// Messages waiting to be decided, at the most; beyond it a peer is asked to come back later.
    pub backlog: u64,
    /// Bytes of posted messages that may be held before they are answered, all peers together; beyond it a peer is asked to
    /// come back later.
    pub bodies_bytes: usize,
    /// What the listener bears.
    pub limits: ListenerLimits,
    /// Everybody this node talks to by name.
    pub peers: Vec<PeerConfig>,
    /// Where everybody else is looked up, if anywhere.
    pub discovery: Option<DiscoveryConfig>,
    /// With whom the node registers; without it with nobody.
    pub registration: Option<RegistrationConfig>,
    /// How messages are posted.
    pub client: HttpClient,
}

/// How an undelivered message is retried.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RetryConfig {
    /// The pause after the first attempt; it doubles from there.
    pub first: Interval,
    /// The longest pause.
    pub max: Interval,
    /// How long a message is tried at all; the specification asks for an hour or more.
    pub give_up_after: Interval,
    /// How often in a row a peer must refuse the same message for good before that is believed; then the message is given up
    /// and nothing is delivered to that peer until it is released.
    pub believe_refusal_after: u32,
    /// How long an answer is waited for before it is reported missing.
    pub reply_within: Interval,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            first: Interval::from_secs(1),
            max: Interval::from_secs(300),
            give_up_after: Interval::from_secs(2 * 3600),
            believe_refusal_after: 1,
            reply_within: Interval::from_secs(4 * 3600),
        }
    }
}

impl RetryConfig {
    /// Without a pause, what can't be delivered would be posted without end.
    fn check(self) -> Result<(), ConfigError> {
        if self.first.get().is_zero() {
            return Err(ConfigError::invalid("uftp.retry.first", "is longer than 0"));
        }
        if self.max < self.first {
            return Err(ConfigError::invalid("uftp.retry.max", "is not shorter than uftp.retry.first"));
        }
        if self.believe_refusal_after == 0 {
            return Err(ConfigError::invalid("uftp.retry.believe_refusal_after", "is 1 or more"));
        }
        Ok(())
    }
}

/// One market party that this node knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerConfig {
    /// Its domain.
    pub domain: Domain,
    /// The role in which it is known under these keys.
    pub role: Role,
    /// Where it takes messages.
    pub endpoint: Endpoint,
    /// Its public keys: one, or two while it rotates.
    pub public_keys: Vec<VerifyingKey>,
    /// The revision to write to it.
    pub revision: Revision,
    /// What is forgiven in its messages.
    pub tolerance: Tolerance,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UftpFile {
    role: Role,
    domain: Domain,
    signing_key_file: Option<PathBuf>,
    signing_key_env: Option<String>,
    next_signing_key: Option<NextKeyFile>,
    listen: SocketAddr,
    #[serde(default = "default_path")]
    path: String,
    tls: Option<TlsFile>,
    #[serde(default)]
    plaintext: bool,
    #[serde(default = "default_version")]
    version: String,
    time_zone: String,
    isp_duration: IspDuration,
    #[serde(default)]
    retry: RetryConfig,
    #[serde(default = "default_attempts")]
    attempts: u32,
    #[serde(default = "default_backlog")]
    backlog: u64,
    #[serde(default = "default_bodies_bytes")]
    bodies_bytes: usize,
    #[serde(default)]
    limits: ListenerLimits,
    #[serde(default)]
    peer: Vec<PeerFile>,
    discovery: Option<DiscoveryFile>,
    cro: Option<RegistrationConfig>,
    #[serde(default)]
    client: ClientFile,
}

/// The key that takes the place of the present one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextKeyFile {
    file: Option<PathBuf>,
    env: Option<String>,
    from: jiff::Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerFile {
    domain: Domain,
    role: Role,
    endpoint: String,
    public_keys: Vec<String>,
    version: Option<String>,
    #[serde(default)]
    tolerances: Vec<String>,
}

fn default_path() -> String {
    "/shapeshifter/api/v3/message".to_owned()
}

fn default_version() -> String {
    "3.1.0".to_owned()
}

const fn default_attempts() -> u32 {
    10
}

const fn default_backlog() -> u64 {
    100_000
}

const fn default_bodies_bytes() -> usize {
    64 * 1024 * 1024
}

impl UftpConfig {
    /// Whether this node can find out who has this role at `domain`: it is named, or looked up.
    pub(super) fn can_know(&self, role: Role, domain: &Domain) -> bool {
        let named = self.peers.iter().any(|peer| peer.domain == *domain && peer.role == role);
        named || self.discovery.as_ref().is_some_and(|discovery| discovery.has(role))
    }
}

impl UftpFile {
    pub(super) fn resolve(self, base: &Path) -> Result<UftpConfig, ConfigError> {
        let revision = revision("uftp.version", &self.version)?;
        let zone = jiff::tz::TimeZone::get(&self.time_zone)
            .map_err(|error| ConfigError::invalid("uftp.time_zone", error))?;
        self.time_zone
            .parse::<TimeZoneName>()
            .map_err(|error| ConfigError::invalid("uftp.time_zone", error))?;
        let calendar = IspCalendar::new(zone, self.isp_duration);
        path::check("uftp.path", &self.path)?;
        self.retry.check()?;
        if self.attempts == 0 {
            return Err(ConfigError::invalid("uftp.attempts", "is 1 or more"));
        }
        let largest = Limits::default().envelope_bytes;
        if self.bodies_bytes < largest {
            let cause = format_args!("is {largest} or more: one message may be as long");
            return Err(ConfigError::invalid("uftp.bodies_bytes", cause));
        }
        let limits = self.limits.check("uftp")?;
        let key = signing_key("uftp.signing_key", base, self.signing_key_file, self.signing_key_env)?;
        let mut signing_keys = OwnKeys::new(key);
        if let Some(next) = self.next_signing_key {
            let key = signing_key("uftp.next_signing_key", base, next.file, next.env)?;
            signing_keys = signing_keys.changing_at(next.from, key);
        }
        let peers: Vec<PeerConfig> =
            self.peer.into_iter().map(|peer| peer.resolve(revision)).collect::<Result<_, _>>()?;
        for (index, peer) in peers.iter().enumerate() {
            let same = |other: &PeerConfig| other.domain == peer.domain && other.role == peer.role;
            if peers.iter().take(index).any(same) {
                let key = format!("uftp.peer {}", peer.domain);
                return Err(ConfigError::invalid(
                    key,
                    format_args!("is there twice with role {}", peer.role),
                ));
            }
        }
        Ok(UftpConfig {
            role: self.role,
            domain: self.domain,
            signing_keys,
            listen: self.listen,
            path: self.path,
            transport: transport("uftp", base, self.tls, self.plaintext)?,
            revision,
            calendar,
            retry: self.retry,
            attempts: self.attempts,
            backlog: self.backlog,
            bodies_bytes: self.bodies_bytes,
            limits,
            peers,
            discovery: self.discovery.map(|file| file.resolve(revision, base)).transpose()?,
            registration: self.cro,
            client: self.client.resolve(base)?,
        })
    }
}

impl PeerFile {
    fn resolve(self, default: Revision) -> Result<PeerConfig, ConfigError> {
        let key = format!("uftp.peer {}", self.domain);
        let public_keys = self
            .public_keys
            .iter()
            .map(|text| {
                text.parse().map_err(|error: tieline_uftp::KeyError| ConfigError::invalid(&key, error))
            })
            .collect::<Result<Vec<VerifyingKey>, _>>()?;
        if public_keys.is_empty() {
            return Err(ConfigError::invalid(key, "needs at least one public key"));
        }
        let mut tolerance = Tolerance::default();
        for name in &self.tolerances {
            tolerance.set(name).map_err(|error| ConfigError::invalid(format!("{key} tolerances"), error))?;
        }
        Ok(PeerConfig {
            revision: self.version.map_or(Ok(default), |text| revision(&format!("{key} version"), &text))?,
            domain: self.domain,
            role: self.role,
            endpoint: self
                .endpoint
                .parse()
                .map_err(|error| ConfigError::invalid(format!("{key} endpoint"), error))?,
            public_keys,
            tolerance,
        })
    }
}

fn revision(key: &str, text: &str) -> Result<Revision, ConfigError> {
    text.parse().map_err(|error| ConfigError::invalid(key, error))
}
