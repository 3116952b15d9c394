use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Name};

use super::pem::read_certificates;
use super::{CertifiedKeyFiles, ClientCertificates};
use crate::EdgeError;

/// TLS 1.2: first what keeps past connections secret when the key is lost, then the two suites of static RSA.
const TLS_1_2_SUITES: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
     ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-GCM-SHA384";
const TLS_1_3_SUITES: &str = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/// TLS of a server by OpenSSL, for peers that know nothing but `TLS_RSA_WITH_AES_128_GCM_SHA256` and
/// `TLS_RSA_WITH_AES_256_GCM_SHA384`. A clone shares the loaded state.
///
/// These suites agree on a key by RSA encryption: whoever obtains the server's private key can read what was recorded
/// before. rustls leaves them out for that. OCPP demands them of a CSMS (security whitepaper, A00.FR.317 and 421), since
/// charging stations may know no others; whoever knows better ones gets those, TLS 1.3 included.
#[derive(Clone, Debug)]
pub struct StaticRsaTls {
    files: Vec<CertifiedKeyFiles>,
    clients: ClientCertificates,
    current: Arc<RwLock<SslContext>>,
}

impl StaticRsaTls {
    /// Reads the files: at most one certificate for each kind of key. OCPP wants two, one of an RSA key and one of an
    /// ECDSA key; a certificate of an ECDSA key alone never meets a peer of static RSA.
    pub fn load(files: Vec<CertifiedKeyFiles>, clients: ClientCertificates) -> Result<Self, EdgeError> {
        let current = Arc::new(RwLock::new(load(&files, &clients)?));
        Ok(Self { files, clients, current })
    }

    /// Reads the files again. New connections use what they hold now; if reading fails, the old state stays.
    pub fn reload(&self) -> Result<(), EdgeError> {
        let context = load(&self.files, &self.clients)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = context;
        Ok(())
    }

    /// The state of the next connection.
    pub(crate) fn connection(&self) -> Result<Ssl, ErrorStack> {
        Ssl::new(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn load(files: &[CertifiedKeyFiles], clients: &ClientCertificates) -> Result<SslContext, EdgeError> {
    let mut context = empty().map_err(EdgeError::OpenSsl)?;
    for each in files {
        add(&mut context, each)?;
    }
    match clients {
        ClientCertificates::NotAsked => context.set_verify(SslVerifyMode::NONE),
        ClientCertificates::Optional(paths) => ask(&mut context, paths, SslVerifyMode::PEER)?,
        ClientCertificates::Required(paths) => {
            ask(&mut context, paths, SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT)?;
        }
    }
    Ok(context.build())
}

/// No certificate yet. Sessions are not resumed: each connection shows its certificate, and proves it.
fn empty() -> Result<SslContextBuilder, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_options(
        SslOptions::CIPHER_SERVER_PREFERENCE
            | SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_TICKET,
    );
    context.set_mode(SslMode::RELEASE_BUFFERS | SslMode::ACCEPT_MOVING_WRITE_BUFFER);
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_num_tickets(0)?;
    context.set_cipher_list(TLS_1_2_SUITES)?;
    context.set_ciphersuites(TLS_1_3_SUITES)?;
    Ok(context)
}

/// Each kind of key has a chain of its own, which OpenSSL reads from the file only.
fn add(context: &mut SslContextBuilder, files: &CertifiedKeyFiles) -> Result<(), EdgeError> {
    let (_, key) = files.read()?;
    let mut set = || {
        context.set_certificate_chain_file(&files.certificates)?;
        let key = PKey::private_key_from_der(key.secret_der())?;
        context.set_private_key(&key)?;
        context.check_private_key()
    };
    set().map_err(|source| EdgeError::OpenSslCertificate { path: files.certificates.clone(), source })
}

fn ask(context: &mut SslContextBuilder, roots: &[PathBuf], mode: SslVerifyMode) -> Result<(), EdgeError> {
    let mut store = X509StoreBuilder::new().map_err(EdgeError::OpenSsl)?;
    let mut names: Stack<X509Name> = Stack::new().map_err(EdgeError::OpenSsl)?;
    let mut any = false;
    for path in roots {
        for der in read_certificates(path)? {
            let mut trust = || {
                let root = X509::from_der(&der)?;
                names.push(root.subject_name().to_owned()?)?;
                store.add_cert(root)
            };
            trust().map_err(|source| EdgeError::OpenSslCertificate { path: path.clone(), source })?;
            any = true;
        }
    }
    if !any {
        return Err(EdgeError::NoClientAuthorities);
    }
    context.set_verify_cert_store(store.build()).map_err(EdgeError::OpenSsl)?;
    context.set_client_ca_list(names);
    context.set_verify(mode);
    Ok(())
}
