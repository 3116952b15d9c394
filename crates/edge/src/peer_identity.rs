use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;

/// Who is at the other end of a connection, as far as the connection itself tells.
///
/// [`serve`](crate::serve()) puts it in the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerIdentity {
    /// The address the connection comes from: the peer's, or that of a proxy in between.
    pub remote: SocketAddr,
    /// What the TLS handshake told; `None` if the peer showed no certificate, or without TLS.
    pub tls: Option<TlsIdentity>,
}

impl PeerIdentity {
    /// A peer that showed no certificate.
    pub fn new(remote: SocketAddr) -> Self {
        Self { remote, tls: None }
    }

    /// The same peer with the certificate it showed.
    pub fn with_tls(mut self, identity: TlsIdentity) -> Self {
        self.tls = Some(identity);
        self
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remote.fmt(f)?;
        match &self.tls {
            Some(tls) => write!(f, " ({tls})"),
            None => Ok(()),
        }
    }
}

/// The certificate that a peer proved to own. A clone shares it.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsIdentity(Arc<Leaf>);

#[derive(PartialEq, Eq)]
struct Leaf {
    certificate: CertificateDer<'static>,
    fingerprint: [u8; 32],
}

impl TlsIdentity {
    /// The identity of the owner of this end-entity certificate. Only for a certificate whose private key the peer
    /// proved to have and whose chain was verified.
    pub fn new(certificate: CertificateDer<'static>) -> Self {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &certificate).as_ref());
        Self(Arc::new(Leaf { certificate, fingerprint }))
    }

    /// The end-entity certificate, in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.0.certificate
    }

    /// The SHA-256 of the certificate's DER.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.fingerprint
    }
}

impl fmt::Display for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.fingerprint().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsIdentity({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_fingerprint() {
        let peer = PeerIdentity::new("192.0.2.1:4000".parse().unwrap());
        assert_eq!(peer.to_string(), "192.0.2.1:4000");
        // SHA-256 of "abc", FIPS 180-2, B.1.
        let peer = peer.with_tls(TlsIdentity::new(CertificateDer::from(b"abc".to_vec())));
        assert_eq!(
            peer.to_string(),
            "192.0.2.1:4000 (sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad)"
        );
    }
}
