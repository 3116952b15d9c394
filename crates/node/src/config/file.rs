use std::path::{Path, PathBuf};

use serde::Deserialize;
use tieline_uftp::Role;

use super::agr::AgrFile;
use super::clock::ClockConfig;
use super::dso::DsoFile;
use super::ocpp::OcppFile;
use super::uftp::UftpFile;
use super::{Config, ConfigError, RoleConfig};

/// The TOML document as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    node: NodeFile,
    clock: Option<ClockConfig>,
    uftp: UftpFile,
    agr: Option<AgrFile>,
    dso: Option<DsoFile>,
    ocpp: Option<OcppFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    data: PathBuf,
}

impl ConfigFile {
    /// Reads the files that the document names and checks that its parts fit each other.
    pub fn resolve(self, base: &Path) -> Result<Config, ConfigError> {
        let uftp = self.uftp.resolve(base)?;
        let role = match uftp.role {
            Role::Agr => {
                if self.dso.is_some() {
                    return Err(ConfigError::invalid("dso", "this node is an AGR"));
                }
                let agr = self
                    .agr
                    .ok_or_else(|| ConfigError::invalid("agr", "an AGR needs this table"))?
                    .resolve()?;
                let ocpp = self
                    .ocpp
                    .ok_or_else(|| {
                        ConfigError::invalid("ocpp", "an AGR needs this table: it is what it steers")
                    })?
                    .resolve(base)?;
                for charger in &ocpp.chargers {
                    if !agr.connections.iter().any(|known| known.entity_address == charger.connection) {
                        return Err(ConfigError::invalid(
                            format!("ocpp.charger {} connection", charger.identity),
                            format_args!("{} is no agr.connection", charger.connection),
                        ));
                    }
                }
                RoleConfig::Agr(Box::new(agr), Box::new(ocpp))
            }
            Role::Dso => {
                if self.agr.is_some() || self.ocpp.is_some() {
                    return Err(ConfigError::invalid(
                        "agr",
                        "this node is a DSO: it has neither agr nor ocpp",
                    ));
                }
                let dso = self.dso.unwrap_or_default().resolve()?;
                for need in &dso.needs {
                    for domain in &need.aggregators {
                        if !uftp.peers.iter().any(|peer| peer.domain == *domain && peer.role == Role::Agr) {
                            return Err(ConfigError::invalid(
                                format!("dso.need {} aggregators", need.reference),
                                format_args!("{domain} is no uftp.peer with role AGR"),
                            ));
                        }
                    }
                }
                RoleConfig::Dso(Box::new(dso))
            }
            other @ Role::Cro => {
                return Err(ConfigError::invalid("uftp.role", format_args!("a node can't be {other} yet")));
            }
        };
        let clock = self.clock.map(ClockConfig::resolve).transpose()?;
        Ok(Config { data: base.join(self.node.data), clock, uftp, role })
    }
}
