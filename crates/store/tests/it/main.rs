//! What every store promises, and what only the one on disk can be held to.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod battery;
mod crash;
mod equal;
mod sample;
mod sqlite;
