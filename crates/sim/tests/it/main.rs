//! The time server with participants, and chargers with a CSMS, over loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod absence;
mod behaviour;
mod conversation;
mod csms;
mod day;
mod pace;
mod profiles;
mod restart;
mod shared_time;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;

/// When virtual time begins.
const MIDNIGHT: Timestamp = Timestamp::UNIX_EPOCH;

/// Any free port of this machine.
fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}
