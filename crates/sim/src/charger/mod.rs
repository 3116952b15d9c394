//! A simulated charger: its physical side, what it says in OCPP 1.6 or 2.0.1, and how it misbehaves.
//!
//! What it does not do: configuration (GetConfiguration, GetVariables and their like), remote start and stop, firmware, reservations and local
//! lists are answered with NotImplemented or NotSupported. Meter values are sent during transactions only. A charging profile in the unit that is not
//! the charger's own is rejected, and so is one with several schedules.

mod behaviour;
mod evse;
mod link;
mod meter;
mod outcome;
mod profile;
mod report;
mod running;
mod shared;
mod v16;
mod v201;

pub use behaviour::{Behaviour, Scenario};
pub use meter::Reading;
pub use outcome::{AppliedLimit, ChargerOutcome, SessionOutcome, Violation};

pub(crate) use evse::Evse;
pub(crate) use meter::Meter;
pub(crate) use running::{Charger, Heartbeat, Record};
pub(crate) use shared::Shared;
