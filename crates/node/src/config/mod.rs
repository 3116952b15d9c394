//! What an operator writes in the configuration file, and what the node makes of it.
//!
//! [`ConfigFile`] is the TOML document: unknown keys are errors. [`Config`] is the same after its
//! keys have been read, its references resolved and its contradictions refused; only a `Config`
//! starts a node.

mod agr;
mod client;
mod clock;
mod contract;
mod cro;
mod discovery;
mod dso;
mod error;
mod expected_load;
mod file;
mod interval;
mod key_file;
mod limits;
mod ocpp;
mod path;
mod proxy;
mod registration;
mod tls;
mod uftp;

use std::path::{Path, PathBuf};

pub use agr::{AgrConfig, ConnectionConfig, OperatorTerms, ReportedPoint, SettlementCheck};
pub use clock::ClockConfig;
pub use contract::{ContractConfig, ReleaseUntil};
pub use cro::CroConfig;
pub use discovery::{DiscoveryConfig, DnsDiscovery, GopacsDiscovery};
pub use dso::{
    CongestionPointConfig, DsoConfig, NeedConfig, NeedIsp, RedispatchBy, SettlementConfig, SettlementPeriod,
};
pub use error::ConfigError;
pub use expected_load::ExpectedLoad;
pub use file::ConfigFile;
pub use interval::Interval;
pub use limits::ListenerLimits;
pub(crate) use ocpp::checked_charger;
pub use ocpp::{ChargerConfig, IdTokens, OcppConfig, ProfileUnit};
pub use proxy::ProxyConfig;
pub use registration::RegistrationConfig;
pub use tls::{StaticRsaConfig, TlsConfig, Transport};
pub use uftp::{PeerConfig, RetryConfig, UftpConfig};

/// A configuration that can be run: everything read, resolved and consistent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// The directory that holds the database.
    pub data: PathBuf,
    /// The virtual clock of a simulation; the wall clock without it.
    pub clock: Option<ClockConfig>,
    /// The market side.
    pub uftp: UftpConfig,
    /// What this node is in the market, with what only that role has.
    pub role: RoleConfig,
}

/// The market role of a node, with its settings.
#[derive(Debug)]
#[non_exhaustive]
pub enum RoleConfig {
    /// An aggregator with the chargers that it steers.
    Agr(Box<AgrConfig>, Box<OcppConfig>),
    /// A common reference operator.
    Cro(Box<CroConfig>),
    /// A distribution system operator with the needs that it declared.
    Dso(Box<DsoConfig>),
}

impl Config {
    /// Reads, resolves and checks the file at `path`; relative paths in it start at its directory.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base)
    }

    /// Resolves and checks `text`; relative paths in it start at `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ConfigError> {
        let file: ConfigFile =
            toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        file.resolve(base)
    }
}
