use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::EdgeError;

/// Largest PEM file that is read, in bytes. A bundle of all public authorities has a quarter of that.
const MAX_FILE: u64 = 1024 * 1024;

/// A certificate chain and its private key, in PEM files. They may be one and the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedKeyFiles {
    /// The certificate, followed by the intermediate ones up to, and without, the root.
    pub certificates: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// Who may be able to read the key's file.
    pub key_permissions: KeyPermissions,
}

/// What is demanded of the permissions of a private key's file. On systems without Unix permissions nothing is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPermissions {
    /// The file may be open to its owner and group only.
    Private,
    /// The file may be readable by every user: something else guards it, such as a container's volume.
    Unchecked,
}

impl CertifiedKeyFiles {
    /// The files, with a private key that only owner and group may read.
    pub fn new(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { certificates: certificates.into(), key: key.into(), key_permissions: KeyPermissions::Private }
    }

    /// The same files without a check of the key file's permissions.
    pub fn with_unchecked_permissions(mut self) -> Self {
        self.key_permissions = KeyPermissions::Unchecked;
        self
    }

    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), EdgeError> {
        let certificates = read_certificates(&self.certificates)?;
        let text = read_limited(&self.key, self.key_permissions)?;
        let key = PrivateKeyDer::from_pem_slice(&text);
        let key = key.map_err(|source| refuse(&self.key, "private key", source))?;
        Ok((certificates, key))
    }
}

/// Reads at least one certificate.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, EdgeError> {
    let text = read_limited(path, KeyPermissions::Unchecked)?;
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(refuse(path, "certificate", pem::Error::NoItemsFound)),
        Err(source) => Err(refuse(path, "certificate", source)),
    }
}

/// Reads certificates of authorities to be trusted.
pub(super) fn read_roots(paths: &[PathBuf]) -> Result<RootCertStore, EdgeError> {
    let mut roots = RootCertStore::empty();
    for path in paths {
        for certificate in read_certificates(path)? {
            roots.add(certificate).map_err(|source| EdgeError::TrustAnchor { path: path.clone(), source })?;
        }
    }
    Ok(roots)
}

fn refuse(path: &Path, expected: &'static str, source: pem::Error) -> EdgeError {
    EdgeError::Pem { path: path.to_owned(), expected, source }
}

/// The permissions are those of the opened file, so nobody can swap it in between.
fn read_limited(path: &Path, permissions: KeyPermissions) -> Result<Vec<u8>, EdgeError> {
    let failed = |source| EdgeError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if permissions == KeyPermissions::Private {
        check_private(path, &file)?;
    }
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is larger than 1 MiB")));
    }
    Ok(text)
}

/// The permission bits of those who are neither owner nor in the group.
#[cfg(unix)]
const EVERYONE: u32 = 0o007;

#[cfg(unix)]
fn check_private(path: &Path, file: &File) -> Result<(), EdgeError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata().map_err(|source| EdgeError::File { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & EVERYONE == 0 { Ok(()) } else { Err(EdgeError::KeyExposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where permissions can be checked")]
fn check_private(_: &Path, _: &File) -> Result<(), EdgeError> {
    Ok(())
}
