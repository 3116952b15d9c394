//! The crate from outside, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;
mod forms;
mod negative;
mod parse_errors;
mod recorded;
mod round_trip;
