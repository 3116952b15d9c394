//! The time server with participants over loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod absence;
mod conversation;
mod pace;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;

/// When virtual time begins.
const MIDNIGHT: Timestamp = Timestamp::UNIX_EPOCH;

/// Any free port of this machine.
fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}
