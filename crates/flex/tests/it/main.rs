//! The order's way through the crate: baseline, offer, split, dispatch; and what it does to drivers.
#![allow(clippy::unwrap_used, reason = "what a test can not go on without ends it")]

mod backtests;
mod defects;
mod dispatches;
mod exact;
mod fleets;
mod offers;
mod splits;
