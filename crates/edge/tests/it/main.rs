//! The edge over loopback sockets, with certificates made for each test.

#![cfg(all(feature = "server", feature = "client"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authority;
mod drain;
mod http_client;
mod limits;
#[cfg(feature = "static-rsa")]
mod static_rsa;
mod tls;
mod tls_files;
