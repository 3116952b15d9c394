use std::path::{Path, PathBuf};

use serde::Deserialize;
use tieline_uftp::Role;

use super::agr::AgrFile;
use super::clock::ClockConfig;
use super::cro::CroFile;
use super::dso::{DsoFile, check_registered};
use super::ocpp::OcppFile;
use super::uftp::UftpFile;
use super::{Config, ConfigError, RegistrationConfig, RoleConfig};

/// The TOML document as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    node: NodeFile,
    clock: Option<ClockConfig>,
    uftp: UftpFile,
    agr: Option<AgrFile>,
    cro: Option<CroFile>,
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
        let tables = [
            ("agr", self.agr.is_some(), Role::Agr),
            ("ocpp", self.ocpp.is_some(), Role::Agr),
            ("cro", self.cro.is_some(), Role::Cro),
            ("dso", self.dso.is_some(), Role::Dso),
        ];
        let uftp = self.uftp.resolve(base)?;
        if let Some((table, ..)) = tables.into_iter().find(|(_, there, of)| *there && *of != uftp.role) {
            let article = if uftp.role == Role::Agr { "an" } else { "a" };
            let cause =
                format_args!("this node is {article} {}, and the table is of no use to it", uftp.role);
            return Err(ConfigError::invalid(table, cause));
        }
        RegistrationConfig::check(&uftp)?;
        let role = match uftp.role {
            Role::Agr => {
                let agr = self
                    .agr
                    .ok_or_else(|| ConfigError::invalid("agr", "an AGR needs this table"))?
                    .resolve(base)?;
                for dso in agr.reported_points.iter().map(|point| &point.dso) {
                    if !uftp.can_know(Role::Dso, dso) {
                        return Err(ConfigError::invalid(
                            "agr.congestion_point dso",
                            format_args!("{dso} is no uftp.peer with role DSO"),
                        ));
                    }
                }
                for contract in &agr.contracts {
                    if !uftp.can_know(Role::Dso, &contract.dso) {
                        return Err(ConfigError::invalid(
                            format!("agr.contract {} dso", contract.id),
                            format_args!("{} is no uftp.peer with role DSO", contract.dso),
                        ));
                    }
                }
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
                let dso = self.dso.unwrap_or_default().resolve(&uftp.calendar)?;
                if uftp.registration.is_some() {
                    check_registered(&dso.congestion_points)?;
                }
                let of_needs =
                    dso.needs.iter().map(|need| (format!("dso.need {}", need.reference), &need.aggregators));
                let of_points = dso.congestion_points.iter().map(|point| {
                    (format!("dso.congestion_point {}", point.entity_address), &point.aggregators)
                });
                for (key, aggregators) in of_needs.chain(of_points) {
                    for domain in aggregators {
                        if !uftp.can_know(Role::Agr, domain) {
                            return Err(ConfigError::invalid(
                                format!("{key} aggregators"),
                                format_args!("{domain} is no uftp.peer with role AGR"),
                            ));
                        }
                    }
                }
                RoleConfig::Dso(Box::new(dso))
            }
            Role::Cro => {
                let cro = self.cro.ok_or_else(|| ConfigError::invalid("cro", "a CRO needs this table"))?;
                RoleConfig::Cro(Box::new(cro.resolve(&uftp)?))
            }
        };
        let clock = self.clock.map(ClockConfig::resolve).transpose()?;
        Ok(Config { data: base.join(self.node.data), clock, uftp, role })
    }
}
