//! WebSocket connections (RFC 6455) with permessage-deflate (RFC 7692), on either side of hyper's HTTP/1.1 upgrade.
//!
//! A server reads the [`Handshake`] of a request, decides for itself whether the peer may come in, and only then
//! answers with [`Handshake::accept`]; nothing is upgraded before that. A client calls [`connect`]. Both get a
//! [`WebSocket`], whose [`next`](WebSocket::next) is cancel safe.
//!
//! Idle connections are cheap: the buffers are small, grow with a large message and shrink after it, and the
//! compressors live in a [`DeflatePool`] shared by all connections, so that a compressed connection
//! costs nothing extra while it is silent.

mod config;
mod connect;
mod deflate;
mod error;
mod handshake;
mod message;
mod socket;

pub use config::{Config, Deflate, DeflatePool};
pub use connect::{ConnectError, Connected, Connector, connect};
pub use error::Error;
pub use handshake::{Handshake, Refusal, Upgrade};
pub use message::{CloseCode, CloseFrame, Message, Text};
pub use socket::{Side, WebSocket};
