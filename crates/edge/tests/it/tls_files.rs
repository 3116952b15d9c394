//! Files that cannot be used are refused with their name and the reason.

use std::error::Error;
use std::fs;

use tieline_edge::EdgeError;
use tieline_edge::tls::{CertifiedKeyFiles, ClientCertificates, ClientTls, ServerTls, TrustedRoots};

use crate::authority::{Authority, set_mode};

fn load(files: CertifiedKeyFiles) -> Result<ServerTls, EdgeError> {
    ServerTls::load(files, ClientCertificates::NotAsked)
}

#[cfg(unix)]
#[test]
fn a_key_open_to_everyone_is_refused_unless_told() {
    let (files, _authority) = Authority::issue_one();
    for mode in [0o644, 0o604, 0o602] {
        set_mode(&files.key, mode);
        let error = load(files.clone()).unwrap_err();
        assert!(matches!(error, EdgeError::KeyExposed { mode: found, .. } if found == mode), "{error}");
        assert!(error.to_string().contains("localhost.key"), "{error}");
    }
    load(files.clone().with_unchecked_permissions()).unwrap();
    for mode in [0o600, 0o640, 0o400] {
        set_mode(&files.key, mode);
        load(files.clone()).unwrap();
    }
}

#[test]
fn a_missing_file_is_named() {
    let (mut files, _authority) = Authority::issue_one();
    files.key.set_file_name("missing.key");
    let error = load(files).unwrap_err();
    assert!(matches!(error, EdgeError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("missing.key"), "{error}");
    assert!(!error.is_retryable());
}

#[test]
fn a_file_without_the_right_pem_is_named() {
    let (files, _authority) = Authority::issue_one();
    let swapped = CertifiedKeyFiles::new(&files.key, &files.key);
    let error = load(swapped).unwrap_err();
    assert!(error.to_string().contains("localhost.key holds no usable certificate"), "{error}");
    fs::write(&files.key, "-----BEGIN PRIVATE KEY-----\nAAA").unwrap();
    let error = load(files).unwrap_err();
    assert!(error.to_string().contains("localhost.key holds no usable private key"), "{error}");
}

#[test]
fn a_huge_file_is_not_read() {
    let (files, _authority) = Authority::issue_one();
    fs::write(&files.certificates, vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    let error = load(files).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("larger than 1 MiB"), "{error:?}");
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let (files, authority) = Authority::issue_one();
    let (other, _) = authority.issue("other.example.com");
    let mixed = CertifiedKeyFiles::new(files.certificates, other.key);
    assert!(matches!(load(mixed), Err(EdgeError::Certificate { .. })));
}

#[test]
fn client_certificates_need_an_authority() {
    let (files, authority) = Authority::issue_one();
    let error = ServerTls::load(files.clone(), ClientCertificates::Required(Vec::new())).unwrap_err();
    assert!(matches!(error, EdgeError::ClientCertificates(_)), "{error:?}");
    ServerTls::load(files, ClientCertificates::Required(vec![authority.root()])).unwrap();
}

#[test]
fn a_client_names_the_file_it_cannot_use() {
    let (files, authority) = Authority::issue_one();
    let tls = ClientTls::platform().with_roots(TrustedRoots::Only(vec![files.key]));
    assert!(tls.load().unwrap_err().to_string().contains("localhost.key"));
    let tls = ClientTls::platform().with_roots(TrustedRoots::Only(vec![authority.root()]));
    tls.load().unwrap();
}

impl Authority {
    fn issue_one() -> (CertifiedKeyFiles, Self) {
        let authority = Self::new("market");
        (authority.issue("localhost").0, authority)
    }
}
