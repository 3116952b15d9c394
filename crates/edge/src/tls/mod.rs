//! TLS settings from PEM files.
//!
//! TLS 1.3 and 1.2 by rustls with aws-lc-rs. Suites that rustls does not have (some charging stations and OpenADR peers
//! know no others) need a terminating proxy in front.

mod client;
mod pem;
#[cfg(feature = "server")]
mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use client::{ClientTls, TrustedRoots};
pub use pem::{CertifiedKeyFiles, KeyPermissions};
#[cfg(feature = "server")]
pub use server::{ClientCertificates, ServerTls};

/// The implementation of cryptography that every TLS setting of Tieline names.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

const ALPN_HTTP_1_1: &[u8] = b"http/1.1";
