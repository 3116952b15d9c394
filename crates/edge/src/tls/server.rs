use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::pem::read_roots;
use super::{ALPN_HTTP_1_1, CertifiedKeyFiles, crypto_provider};
use crate::EdgeError;

/// Whether clients show certificates. The files hold the authorities that may have issued them, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Clients are not asked.
    NotAsked,
    /// A client may show one. One that is not issued by these authorities ends the handshake.
    Optional(Vec<PathBuf>),
    /// A client without one gets no connection.
    Required(Vec<PathBuf>),
}

/// TLS of a server: its certificate, and what it asks of clients. A clone shares the loaded state.
///
/// [`reload`](Self::reload) reads the files again, so that a renewed certificate needs no restart.
#[derive(Clone, Debug)]
pub struct ServerTls {
    files: CertifiedKeyFiles,
    clients: ClientCertificates,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl ServerTls {
    /// Reads the files.
    pub fn load(files: CertifiedKeyFiles, clients: ClientCertificates) -> Result<Self, EdgeError> {
        let current = Arc::new(RwLock::new(load(&files, &clients)?));
        Ok(Self { files, clients, current })
    }

    /// Reads the files again. New connections use what they hold now; if reading fails, the old state stays.
    pub fn reload(&self) -> Result<(), EdgeError> {
        let config = load(&self.files, &self.clients)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The settings for the next connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn load(files: &CertifiedKeyFiles, clients: &ClientCertificates) -> Result<Arc<ServerConfig>, EdgeError> {
    let builder = ServerConfig::builder_with_provider(crypto_provider())
        .with_safe_default_protocol_versions()
        .map_err(EdgeError::Tls)?;
    let builder = match client_verifier(clients)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let (certificates, key) = files.read()?;
    let mut config = builder
        .with_single_cert(certificates, key)
        .map_err(|source| EdgeError::Certificate { path: files.certificates.clone(), source })?;
    config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(clients: &ClientCertificates) -> Result<Option<Arc<dyn ClientCertVerifier>>, EdgeError> {
    let (paths, optional) = match clients {
        ClientCertificates::NotAsked => return Ok(None),
        ClientCertificates::Optional(paths) => (paths, true),
        ClientCertificates::Required(paths) => (paths, false),
    };
    let roots = Arc::new(read_roots(paths)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, crypto_provider());
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    builder.build().map(Some).map_err(EdgeError::ClientCertificates)
}
