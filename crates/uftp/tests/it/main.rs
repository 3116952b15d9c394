//! The crate from outside, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "client")]
mod client;
mod cro;
mod crossing;
#[cfg(feature = "discovery")]
mod discovery;
mod fixtures;
mod forms;
#[cfg(all(feature = "server", target_os = "linux"))]
mod large_bodies;
mod mutations;
mod negative;
mod parse_errors;
mod protocol;
#[cfg(feature = "server")]
mod receiver;
mod recorded;
mod round_trip;
mod rules;
mod service;
