//! Tieline's binary against the reference implementations.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests stand outside the node: they have the wall clock and threads that may block"
)]

mod agr;
mod chain;
mod charger;
mod days;
mod dso;
mod exchange;
mod kill;
mod market;
mod peers;
mod refused;
