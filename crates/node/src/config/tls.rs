use std::path::{Path, PathBuf};

use serde::Deserialize;
#[cfg(feature = "static-rsa")]
use tieline_edge::tls::StaticRsaTls;
use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ServerTls};

use super::ConfigError;

/// How a listener protects its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS.
    Tls(TlsConfig),
    /// No protection: for loopback, or behind a proxy that terminates TLS.
    Plaintext,
}

impl Transport {
    /// Whether peers may show a certificate.
    pub(crate) fn asks_for_certificates(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.clients != ClientCertificates::NotAsked)
    }
}

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsConfig {
    /// Certificate chain and private key.
    pub files: CertifiedKeyFiles,
    /// Whether clients are asked for a certificate, and who may have issued it.
    pub clients: ClientCertificates,
    /// Suites without forward secrecy, too.
    pub static_rsa: Option<StaticRsaConfig>,
}

/// For peers that know only suites of static RSA, which OpenSSL serves (OCPP security whitepaper A00.FR.317, 421).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaticRsaConfig {
    /// A second certificate, whose key is of another kind than the first one's: OCPP wants one of RSA and one of ECDSA.
    pub second: Option<CertifiedKeyFiles>,
}

impl TlsConfig {
    /// What rustls serves.
    pub(crate) fn server(&self) -> Result<ServerTls, tieline_edge::EdgeError> {
        ServerTls::load(self.files.clone(), self.clients.clone())
    }

    /// What OpenSSL serves.
    #[cfg(feature = "static-rsa")]
    pub(crate) fn openssl(&self, config: &StaticRsaConfig) -> Result<StaticRsaTls, tieline_edge::EdgeError> {
        let files = [self.files.clone()].into_iter().chain(config.second.clone());
        StaticRsaTls::load(files.collect(), self.clients.clone())
    }

    /// Reads the files, so that a mistake is told before anything is bound; the listener reads them again.
    fn check(self, key: &str) -> Result<Self, ConfigError> {
        let checked = match &self.static_rsa {
            None => self.server().map(drop),
            #[cfg(feature = "static-rsa")]
            Some(config) => self.openssl(config).map(drop),
            #[cfg(not(feature = "static-rsa"))]
            Some(_) => {
                let cause = "needs a node that was built with the feature static-rsa";
                return Err(ConfigError::invalid(format!("{key}.tls.static_rsa"), cause));
            }
        };
        checked.map(|()| self).map_err(|error| ConfigError::invalid(format!("{key}.tls"), error))
    }
}

/// The `tls` table of the market's listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    certificate: PathBuf,
    private_key: PathBuf,
}

/// The `tls` table of the chargers' listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChargersTlsFile {
    certificate: PathBuf,
    private_key: PathBuf,
    #[serde(default)]
    client_authorities: Vec<PathBuf>,
    #[serde(default)]
    static_rsa: bool,
    second_certificate: Option<PathBuf>,
    second_private_key: Option<PathBuf>,
}

/// A `tls` table.
pub(super) trait TlsTable {
    fn resolve(self, key: &str, base: &Path) -> Result<TlsConfig, ConfigError>;
}

impl TlsTable for TlsFile {
    fn resolve(self, _: &str, base: &Path) -> Result<TlsConfig, ConfigError> {
        let files = CertifiedKeyFiles::new(base.join(self.certificate), base.join(self.private_key));
        Ok(TlsConfig { files, clients: ClientCertificates::NotAsked, static_rsa: None })
    }
}

impl TlsTable for ChargersTlsFile {
    fn resolve(self, key: &str, base: &Path) -> Result<TlsConfig, ConfigError> {
        let files = CertifiedKeyFiles::new(base.join(self.certificate), base.join(self.private_key));
        let clients = match self.client_authorities.as_slice() {
            [] => ClientCertificates::NotAsked,
            // Chargers of lower security profiles connect to the same address.
            paths => ClientCertificates::Optional(paths.iter().map(|path| base.join(path)).collect()),
        };
        let second = match (self.second_certificate, self.second_private_key) {
            (Some(certificate), Some(private_key)) => {
                Some(CertifiedKeyFiles::new(base.join(certificate), base.join(private_key)))
            }
            (None, None) => None,
            _ => {
                let cause = "needs second_certificate and second_private_key, or neither";
                return Err(ConfigError::invalid(format!("{key}.tls"), cause));
            }
        };
        if second.is_some() && !self.static_rsa {
            let cause = "is for static_rsa = true";
            return Err(ConfigError::invalid(format!("{key}.tls.second_certificate"), cause));
        }
        let static_rsa = self.static_rsa.then_some(StaticRsaConfig { second });
        Ok(TlsConfig { files, clients, static_rsa })
    }
}

/// TLS unless the file says `plaintext = true`; both at once is a contradiction.
pub(super) fn transport(
    key: &str,
    base: &Path,
    tls: Option<impl TlsTable>,
    plaintext: bool,
) -> Result<Transport, ConfigError> {
    match (tls, plaintext) {
        (Some(tls), false) => tls.resolve(key, base)?.check(key).map(Transport::Tls),
        (None, true) => Ok(Transport::Plaintext),
        (None, false) => Err(ConfigError::invalid(
            format!("{key}.tls"),
            "a certificate and a private key are needed; or write plaintext = true for loopback or behind a proxy",
        )),
        (Some(_), true) => Err(ConfigError::invalid(key, "has both tls and plaintext = true")),
    }
}
