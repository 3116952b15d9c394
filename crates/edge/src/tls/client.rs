use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::WantsClientCert;
use rustls_platform_verifier::Verifier;

use super::pem::{read_certificates, read_roots};
use super::{ALPN_HTTP_1_1, CertifiedKeyFiles, crypto_provider};
use crate::EdgeError;

/// TLS of a client: whom it trusts and, if peers ask, who it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientTls {
    /// The authorities whose servers are trusted.
    pub roots: TrustedRoots,
    /// The certificate to show a server that asks for one.
    pub identity: Option<CertifiedKeyFiles>,
}

/// The authorities a client trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedRoots {
    /// Those that the operating system trusts, and those in these PEM files.
    PlatformAnd(Vec<PathBuf>),
    /// Only those in these PEM files.
    Only(Vec<PathBuf>),
}

impl ClientTls {
    /// Trust as the operating system does, and show no certificate.
    pub fn platform() -> Self {
        Self { roots: TrustedRoots::PlatformAnd(Vec::new()), identity: None }
    }

    /// The same with other authorities.
    pub fn with_roots(mut self, roots: TrustedRoots) -> Self {
        self.roots = roots;
        self
    }

    /// The same with a certificate to show.
    pub fn with_identity(mut self, identity: CertifiedKeyFiles) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Reads the files.
    pub fn load(&self) -> Result<ClientConfig, EdgeError> {
        let builder = self.trust()?;
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(files) => {
                let (certificates, key) = files.read()?;
                builder
                    .with_client_auth_cert(certificates, key)
                    .map_err(|source| EdgeError::Certificate { path: files.certificates.clone(), source })?
            }
        };
        config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
        Ok(config)
    }

    fn trust(&self) -> Result<rustls::ConfigBuilder<ClientConfig, WantsClientCert>, EdgeError> {
        let builder = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()
            .map_err(EdgeError::Tls)?;
        match &self.roots {
            TrustedRoots::Only(paths) => Ok(builder.with_root_certificates(read_roots(paths)?)),
            TrustedRoots::PlatformAnd(paths) => {
                let mut extra = Vec::new();
                for path in paths {
                    extra.extend(read_certificates(path)?);
                }
                let verifier =
                    Verifier::new_with_extra_roots(extra, crypto_provider()).map_err(EdgeError::Tls)?;
                Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
            }
        }
    }
}
