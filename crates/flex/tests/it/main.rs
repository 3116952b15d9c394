//! The order's way through the crate: baseline, offer, split, dispatch, measurement, settlement; and what it does to drivers.
#![allow(clippy::unwrap_used, reason = "what a test can not go on without ends it")]

mod backtests;
mod books;
mod chance;
mod defects;
mod deliverability;
mod dispatches;
mod exact;
mod fleets;
mod forecasts;
mod measured;
mod offers;
mod settlement;
mod splits;
mod trees;
