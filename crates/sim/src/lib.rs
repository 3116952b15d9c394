//! Simulations of Tieline's world: what surrounds a node, on the real protocols and over real sockets.
//!
//! - [`TimeServer`]: virtual time, shared by all processes of a simulation.

#![forbid(unsafe_code)]

mod time_server;

pub use time_server::{ParticipantState, Status, TimeServer};
