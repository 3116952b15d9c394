//! TLS settings from PEM files.
//!
//! TLS 1.3 and 1.2 by rustls with aws-lc-rs. Suites that rustls does not have (some charging stations and OpenADR peers
//! know no others) are OpenSSL's: `StaticRsaTls`, with the feature `static-rsa`.

mod client;
mod pem;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "static-rsa")]
mod static_rsa;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use client::{ClientTls, TrustedRoots};
pub use pem::{CertifiedKeyFiles, KeyPermissions};
#[cfg(feature = "server")]
pub use server::{ClientCertificates, ServerTls};
#[cfg(feature = "static-rsa")]
pub use static_rsa::StaticRsaTls;

/// The implementation of cryptography that every TLS setting of Tieline names.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

const ALPN_HTTP_1_1: &[u8] = b"http/1.1";
