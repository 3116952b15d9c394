use std::path::{Path, PathBuf};

use serde::Deserialize;
use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ServerTls};

use super::ConfigError;

/// How a listener protects its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS with this certificate chain and private key, both PEM files.
    Tls {
        /// Certificate chain, leaf first.
        certificate: PathBuf,
        /// The leaf's private key.
        private_key: PathBuf,
    },
    /// No protection: for loopback, or behind a proxy that terminates TLS.
    Plaintext,
}

/// The `tls` table of a listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    certificate: PathBuf,
    private_key: PathBuf,
}

/// TLS unless the file says `plaintext = true`; both at once is a contradiction.
pub(super) fn transport(
    key: &str,
    base: &Path,
    tls: Option<TlsFile>,
    plaintext: bool,
) -> Result<Transport, ConfigError> {
    match (tls, plaintext) {
        (Some(tls), false) => {
            let (certificate, private_key) = (base.join(tls.certificate), base.join(tls.private_key));
            // Read now, so that a mistake is told before anything is bound; the listener reads them again.
            ServerTls::load(CertifiedKeyFiles::new(&certificate, &private_key), ClientCertificates::NotAsked)
                .map_err(|error| ConfigError::invalid(format!("{key}.tls"), error))?;
            Ok(Transport::Tls { certificate, private_key })
        }
        (None, true) => Ok(Transport::Plaintext),
        (None, false) => Err(ConfigError::invalid(
            format!("{key}.tls"),
            "a certificate and a private key are needed; or write plaintext = true for loopback or behind a proxy",
        )),
        (Some(_), true) => Err(ConfigError::invalid(key, "has both tls and plaintext = true")),
    }
}
