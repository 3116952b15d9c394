//! Nodes from outside: on loopback, with their databases on disk, between market parties and chargers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod behind;
mod charger;
mod commands;
mod config;
mod daemon;
mod defects;
mod discovery;
mod duplicates;
mod faults;
mod fleet;
mod market;
mod metering;
mod offers;
mod operator;
mod orders;
mod portfolios;
mod probing;
mod prognoses;
mod reckoning;
mod reference;
mod registry;
mod requests;
mod reservations;
mod scene;
mod settlements;
mod starting;
mod steering;
mod tls;
mod traffic;
mod virtual_time;
mod whole_path;
