use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tieline_edge::dns::{DnsConfig, DnsResolver};
use tieline_types::Domain;
use tieline_uftp::discovery::{CacheConfig, DnsBookConfig, GopacsConfig};
use tieline_uftp::oauth::{ClientCredentials, Secret};
use tieline_uftp::{Endpoint, Revision, Role, Tolerance};

use super::key_file::secret;
use super::{ConfigError, Interval};

const KEY: &str = "uftp.discovery";

/// Where participants are looked up that the configuration does not name: in the address book of GOPACS, then in DNS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DiscoveryConfig {
    /// The revision to write to them.
    pub revision: Revision,
    /// The address book of GOPACS.
    pub gopacs: Option<GopacsDiscovery>,
    /// The domain name system.
    pub dns: Option<DnsDiscovery>,
}

impl DiscoveryConfig {
    /// Whether anybody of this role is looked up.
    pub(super) fn has(&self, role: Role) -> bool {
        self.dns.is_some() || self.gopacs.as_ref().is_some_and(|gopacs| gopacs.book.roles.contains(&role))
    }
}

/// The address book of GOPACS, and how it lets this node in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GopacsDiscovery {
    /// Address book and broker.
    pub book: GopacsConfig,
    /// Where this node gets its tokens for both.
    pub credentials: ClientCredentials,
}

/// The domain name system, and what is believed of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DnsDiscovery {
    /// Whom to ask.
    pub resolver: DnsConfig,
    /// What to make of the answers.
    pub book: DnsBookConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscoveryFile {
    version: Option<String>,
    #[serde(default)]
    tolerances: Vec<String>,
    #[serde(default)]
    cache: CacheFile,
    gopacs: Option<GopacsFile>,
    dns: Option<DnsFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheFile {
    shortest: Option<Interval>,
    longest: Option<Interval>,
    absent_shortest: Option<Interval>,
    absent_longest: Option<Interval>,
    failed: Option<Interval>,
    again_after: Option<Interval>,
    entries: Option<usize>,
    at_once: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GopacsFile {
    address_book: String,
    broker: String,
    token_endpoint: String,
    client_id: String,
    client_secret_file: Option<PathBuf>,
    client_secret_env: Option<String>,
    scope: Option<String>,
    audience: Option<String>,
    renew_before: Option<Interval>,
    roles: Option<Vec<Role>>,
    keep: Option<Interval>,
    keep_absent: Option<Interval>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsFile {
    #[serde(default)]
    servers: Vec<SocketAddr>,
    #[serde(default = "yes")]
    dnssec: bool,
    trust_anchor_file: Option<PathBuf>,
    #[serde(default)]
    suffixes: Vec<Domain>,
    aliases: Option<usize>,
    attempt_timeout: Option<Interval>,
    retries: Option<usize>,
    timeout: Option<Interval>,
}

const fn yes() -> bool {
    true
}

impl DiscoveryFile {
    pub(super) fn resolve(self, default: Revision, base: &Path) -> Result<DiscoveryConfig, ConfigError> {
        if self.gopacs.is_none() && self.dns.is_none() {
            return Err(ConfigError::invalid(KEY, "needs the table dns or gopacs, or both"));
        }
        let mut tolerance = Tolerance::default();
        for name in &self.tolerances {
            tolerance.set(name).map_err(|error| invalid("tolerances", error))?;
        }
        let revision = match self.version {
            None => default,
            Some(version) => version.parse().map_err(|error| invalid("version", error))?,
        };
        let cache = self.cache.resolve()?;
        Ok(DiscoveryConfig {
            revision,
            gopacs: self.gopacs.map(|file| file.resolve(tolerance, cache.clone(), base)).transpose()?,
            dns: self.dns.map(|file| file.resolve(tolerance, cache.clone(), base)).transpose()?,
        })
    }
}

fn invalid(key: &str, cause: impl std::fmt::Display) -> ConfigError {
    ConfigError::invalid(format!("{KEY}.{key}"), cause)
}

/// Puts in what the file has, where it has it.
fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl CacheFile {
    fn resolve(self) -> Result<CacheConfig, ConfigError> {
        let mut cache = CacheConfig::default();
        set(&mut cache.shortest, self.shortest.map(Interval::get));
        set(&mut cache.longest, self.longest.map(Interval::get));
        set(&mut cache.absent_shortest, self.absent_shortest.map(Interval::get));
        set(&mut cache.absent_longest, self.absent_longest.map(Interval::get));
        set(&mut cache.failed, self.failed.map(Interval::get));
        set(&mut cache.again_after, self.again_after.map(Interval::get));
        set(&mut cache.entries, self.entries);
        set(&mut cache.at_once, self.at_once);
        if cache.longest < cache.shortest {
            return Err(invalid("cache.longest", "is not shorter than cache.shortest"));
        }
        if cache.absent_longest < cache.absent_shortest {
            return Err(invalid("cache.absent_longest", "is not shorter than cache.absent_shortest"));
        }
        if cache.again_after.is_zero() {
            return Err(invalid("cache.again_after", "is longer than 0"));
        }
        if cache.entries == 0 || cache.at_once == 0 {
            return Err(invalid("cache", "entries and at_once are 1 or more"));
        }
        Ok(cache)
    }
}

impl GopacsFile {
    fn resolve(
        self,
        tolerance: Tolerance,
        cache: CacheConfig,
        base: &Path,
    ) -> Result<GopacsDiscovery, ConfigError> {
        let address = |key: &str, text: &str| -> Result<Endpoint, ConfigError> {
            text.parse().map_err(|error| invalid(&format!("gopacs.{key}"), error))
        };
        let secret = client_secret(base, self.client_secret_file, self.client_secret_env)?;
        let token_endpoint = address("token_endpoint", &self.token_endpoint)?;
        let mut credentials = ClientCredentials::new(token_endpoint, self.client_id, secret);
        credentials.scope = self.scope;
        credentials.audience = self.audience;
        set(&mut credentials.renew_before, self.renew_before.map(Interval::get));
        let mut book =
            GopacsConfig::new(address("address_book", &self.address_book)?, address("broker", &self.broker)?);
        set(&mut book.roles, self.roles);
        set(&mut book.keep, self.keep.map(Interval::get));
        set(&mut book.keep_absent, self.keep_absent.map(Interval::get));
        book.tolerance = tolerance;
        book.cache = cache;
        if book.roles.is_empty() {
            return Err(invalid("gopacs.roles", "has at least one role"));
        }
        Ok(GopacsDiscovery { book, credentials })
    }
}

/// The client's secret.
fn client_secret(
    base: &Path,
    file: Option<PathBuf>,
    variable: Option<String>,
) -> Result<Secret, ConfigError> {
    let text = secret("uftp.discovery.gopacs.client_secret", base, file, variable)?;
    match text.trim() {
        "" => Err(invalid("gopacs", "the client's secret is empty")),
        secret => Ok(Secret::new(secret)),
    }
}

impl DnsFile {
    fn resolve(
        self,
        tolerance: Tolerance,
        cache: CacheConfig,
        base: &Path,
    ) -> Result<DnsDiscovery, ConfigError> {
        let mut resolver = DnsConfig::default().with_servers(self.servers);
        resolver.dnssec = self.dnssec;
        resolver.trust_anchor = self.trust_anchor_file.map(|file| base.join(file));
        set(&mut resolver.attempt_timeout, self.attempt_timeout.map(Interval::get));
        set(&mut resolver.retries, self.retries);
        set(&mut resolver.timeout, self.timeout.map(Interval::get));
        if !resolver.dnssec && resolver.trust_anchor.is_some() {
            return Err(invalid("dns.trust_anchor_file", "has no use without dnssec"));
        }
        if resolver.attempt_timeout.is_zero() || resolver.timeout.is_zero() {
            return Err(invalid("dns", "timeout and attempt_timeout are longer than 0"));
        }
        // What it reads can be read now, and the operator is told before the node runs.
        DnsResolver::new(&resolver).map_err(|error| invalid("dns", error))?;
        let mut book = DnsBookConfig::default();
        book.dnssec_required = self.dnssec;
        book.suffixes = self.suffixes;
        set(&mut book.aliases, self.aliases);
        book.tolerance = tolerance;
        book.cache = cache;
        Ok(DnsDiscovery { resolver, book })
    }
}
