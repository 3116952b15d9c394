//! The fleet's book: who is charging where, what each was told, and what its meter showed.
//!
//! These records know no version of OCPP. `bridge::ocpp` maps messages to them and back.

mod capability;
mod charger;
mod command;
mod measuring;
mod occupancy;
mod reading;
mod registered;
mod secret;
mod session;
mod set_point;
mod told;
mod transaction;

pub use capability::{ChargerCapability, Purpose, Standing};
pub(crate) use charger::{KnownCharger, Made};
pub(crate) use command::Command;
pub use command::CommandState;
pub(crate) use measuring::{energies, readings_around};
pub(crate) use occupancy::Occupancy;
pub(crate) use reading::KeptReading;
pub(crate) use registered::{ChargerCredential, ConfiguredCharger, ConfiguredChargers, RegisteredCharger};
pub(crate) use secret::{is_taken, new_password, redacted};
pub(crate) use session::{MeterReading, Session, SessionKey, StatedNeeds};
pub(crate) use set_point::{Learned, SetPoint, SetPointPeriod, SetPointState};
pub(crate) use told::ToldLimits;
pub(crate) use transaction::{StartedTransaction, TransactionNumber};
