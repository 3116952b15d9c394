//! A certificate authority in a temporary folder.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tieline_edge::tls::CertifiedKeyFiles;

pub(crate) struct Authority {
    pub(crate) folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("root.pem"), root.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// Issues a certificate for this name and writes it with its key, of ECDSA.
    pub(crate) fn issue(&self, name: &str) -> (CertifiedKeyFiles, Certificate) {
        self.certify(name, name, &KeyPair::generate().unwrap())
    }

    /// The same with a key of RSA.
    #[cfg(feature = "static-rsa")]
    pub(crate) fn issue_rsa(&self, name: &str) -> (CertifiedKeyFiles, Certificate) {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        self.certify(name, &format!("{name}-rsa"), &key)
    }

    fn certify(&self, name: &str, file: &str, key: &KeyPair) -> (CertifiedKeyFiles, Certificate) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        let paths = ["pem", "key"].map(|kind| self.folder.path().join(format!("{file}.{kind}")));
        fs::write(&paths[0], certificate.pem()).unwrap();
        fs::write(&paths[1], key.serialize_pem()).unwrap();
        set_mode(&paths[1], 0o600);
        let [certificates, key] = paths;
        (CertifiedKeyFiles::new(certificates, key), certificate)
    }
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_: &std::path::Path, _: u32) {}
