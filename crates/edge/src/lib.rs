//! Where Tieline meets the network.
//!
//! Everything below this crate is told the time and handed bytes. Here are the real clock, the sockets, TLS and the HTTP
//! client, each with its limits.
//!
//! - [`SystemClock`]: the machine's wall clock.
//! - [`Ids`] and [`RandomIds`]: where identifiers and chance come from.
//! - [`Backoff`]: pauses between attempts.
//! - [`work`]: loops over what is durable, with bells that wake them.
//! - [`tls`]: TLS settings from PEM files, for servers and clients. The crypto provider is always named explicitly
//!   (aws-lc-rs); no process-wide default is needed or set.
//! - [`listener`] (feature `server`): [`TlsListener`](listener::TlsListener) and, for those who ask for plain text by
//!   name, [`PlainListener`](listener::PlainListener). Both say who connected: a [`PeerIdentity`]. With the feature
//!   `static-rsa` there is `StaticRsaListener`, by OpenSSL, for peers that know only suites that rustls leaves out.
//! - [`serve`](serve()) (feature `server`): HTTP/1.1 with upgrades, limits and a graceful end, for any tower service.
//! - [`HttpClient`] (feature `client`): the one way to make a `reqwest` client.
//! - [`dns`] (feature `dns`): questions to the domain name system, with DNSSEC.
//! - [`websocket`] (feature `websocket`): WebSocket connections on either side.
//! - [`virtual_clock`] (feature `virtual-clock`): a clock that several processes share, for simulations.

#![forbid(unsafe_code)]

mod backoff;
#[cfg(feature = "dns")]
pub mod dns;
mod error;
#[cfg(feature = "client")]
mod http_client;
mod ids;
#[cfg(feature = "server")]
pub mod listener;
#[cfg(feature = "server")]
mod peer_identity;
#[cfg(feature = "server")]
mod serve;
mod system_clock;
pub mod tls;
#[cfg(feature = "virtual-clock")]
pub mod virtual_clock;
#[cfg(feature = "websocket")]
pub mod websocket;
pub mod work;

pub use backoff::Backoff;
pub use error::EdgeError;
#[cfg(feature = "client")]
pub use http_client::{HttpClient, Proxy};
pub use ids::{Ids, RandomIds};
#[cfg(feature = "server")]
pub use peer_identity::{PeerIdentity, TlsIdentity};
#[cfg(feature = "server")]
pub use serve::{Drained, ServeConfig, serve};
pub use system_clock::SystemClock;
