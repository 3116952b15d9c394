//! OCPP as the published schemas have it, and with the implementations of others.
#![expect(clippy::print_stdout, reason = "what was counted belongs to the outcome")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
mod book;
mod conforming;
mod exceptions;
mod judged;
mod libraries;
mod mutated;
mod proxied_day;
mod random;
mod raw;
mod same;
mod shape;
mod spelled;
mod tally;
mod wire;
