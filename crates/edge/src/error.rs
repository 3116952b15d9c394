use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustls_pki_types::pem;

/// What goes wrong while the edge is set up. Once it runs, trouble with one peer is logged and ends that
/// peer's connection only.
///
/// Each is the configuration's or the machine's fault, never a peer's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is not PEM, or does not hold what it should.
    #[error("{} holds no usable {expected}: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// "certificate" or "private key".
        expected: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// A certificate authority's certificate cannot serve as a trust anchor.
    #[error("a certificate in {} is no trust anchor", path.display())]
    TrustAnchor {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A private key lies open to every user of the machine.
    #[error("{} holds a private key and every user may read it (mode {mode:04o}): run chmod 600", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Certificate and key do not go together, or cannot be used.
    #[error("the certificate in {} cannot be used with its key", path.display())]
    Certificate {
        /// The file of the certificate chain.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The settings of TLS contradict each other, or the platform's trusted certificates cannot be loaded.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The check of client certificates cannot be set up.
    #[error("client certificates cannot be checked: {0}")]
    ClientCertificates(#[source] rustls::server::VerifierBuilderError),
    /// Client certificates are asked for, and no authority may issue them.
    #[cfg(feature = "static-rsa")]
    #[error("client certificates cannot be checked: no authority is named")]
    NoClientAuthorities,
    /// OpenSSL cannot be set up.
    #[cfg(feature = "static-rsa")]
    #[error("OpenSSL cannot be set up: {0}")]
    OpenSsl(#[source] openssl::error::ErrorStack),
    /// OpenSSL cannot use a certificate or its key.
    #[cfg(feature = "static-rsa")]
    #[error("the certificate in {} cannot be used by OpenSSL: {source}", path.display())]
    OpenSslCertificate {
        /// The file of the certificate.
        path: PathBuf,
        /// What is wrong.
        source: openssl::error::ErrorStack,
    },
    /// The name servers of the machine cannot be read, or the resolver cannot be set up.
    #[cfg(feature = "dns")]
    #[error("DNS cannot be set up: {0}")]
    Dns(String),
    /// A file holds no trust anchor of DNSSEC.
    #[cfg(feature = "dns")]
    #[error("{} holds no usable DNSKEY records: {cause}", path.display())]
    DnsTrustAnchor {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The HTTP client cannot be set up.
    #[cfg(feature = "client")]
    #[error("the HTTP client cannot be set up")]
    HttpClient(#[source] reqwest::Error),
}

impl EdgeError {
    /// Whether trying again without a change may help: only an address in use may become free.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}
