//! Simulations of Tieline's world: what surrounds a node, on the real protocols and over real sockets.
//!
//! - [`TimeServer`]: virtual time, shared by all processes of a simulation.
//! - [`distribution`]: when cars come, how long they stay and what they need, and where the numbers are from.
//! - [`Population`]: chargers, connections and cars, as a seed determines them.
//! - [`Fleet`]: these chargers at work, each speaking OCPP 1.6 or 2.0.1 to a CSMS. Some misbehave ([`Behaviour`], [`Scenario`]).
//! - [`grid`]: what a grid operator sees at its transformer, and what change it needs.
//!
//! Nothing here knows a node: it is tested, and shown, from outside.

#![forbid(unsafe_code)]

mod chance;
mod charger;
mod charging;
pub mod distribution;
mod fleet;
pub mod grid;
mod population;
mod session;
mod time_server;
mod trace;
mod vehicle;

pub use chance::Chance;
pub use charger::{AppliedLimit, Behaviour, ChargerOutcome, Reading, Scenario, SessionOutcome, Violation};
pub use distribution::{Quantiles, QuantilesError, SiteKind, StatedDeparture};
pub use fleet::{Fleet, FleetConfig, FleetError, Outcome};
pub use population::{ChargerSpec, ConnectionSpec, Population, PopulationConfig, PopulationError, RateUnit};
pub use session::SessionSpec;
pub use time_server::{ParticipantState, Status, TimeServer};
pub use trace::{Segment, Trace};
pub use vehicle::{VOLTAGE, Vehicle};
