//! The order's way through the crate: baseline, offer, split, measurement, settlement.
#![allow(clippy::unwrap_used, reason = "what a test can not go on without ends it")]

mod books;
mod chance;
mod defects;
mod deliverability;
//! The order's way through the crate: baseline, offer, split, dispatch; and what it does to drivers.
mod backtests;
mod dispatches;
mod exact;
mod fleets;
mod forecasts;
mod measured;
mod offers;
mod settlement;
mod splits;
mod trees;
