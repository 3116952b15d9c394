//! A charging station at work: it registers with its CSMS, comes back when the connection breaks, keeps what it owes
//! over power cuts, and does what it is told.
//!
//! A [`ChargePoint`] stands on a [`ChargingStation`](crate::client::ChargingStation), which can connect, and on
//! [`Hardware`], which its maker provides (or a simulation). Drivers and vehicles come in by [`ChargePoint::present`],
//! [`plug_in`](ChargePoint::plug_in) and their like; everything that follows for the CSMS is told in the version that was
//! agreed:
//!
//! ```no_run
//! use std::sync::Arc;
//! use tieline_ocpp::Version;
//! use tieline_ocpp::charge_point::{ChargePoint, ChargingStationInfo, Hardware, IdToken, Meter, Transfer};
//! use tieline_ocpp::client::ChargingStation;
//!
//! #[derive(Debug)]
//! struct Wallbox;
//!
//! impl Hardware for Wallbox {
//!     fn meter(&self, _: i32) -> Meter {
//!         Meter::new(4_711_000).with_power(11_000)
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = ChargingStation::new("wss://csms.example.com/ocpp", "CS001", [Version::V2_0_1, Version::V1_6])?;
//! let info = ChargingStationInfo::new("Takara", "Optimus");
//! let (point, running) = ChargePoint::builder(connection, info, 1, Arc::new(Wallbox)).build()?;
//! tokio::spawn(running.run());
//! point.plug_in(1);
//! println!("{:?}", point.present(1, IdToken::card("24782")).await);
//! point.transfer(1, Transfer::Charging);
//! # Ok(()) }
//! ```
//!
//! What else the owner knows he says by [`observe`](ChargePoint::observe) (a variable of 2.x has another value),
//! [`notify_charging_needs`](ChargePoint::notify_charging_needs), [`notify_charging_schedule`](ChargePoint::notify_charging_schedule),
//! [`set_external_limit`](ChargePoint::set_external_limit), [`prioritize`](ChargePoint::prioritize),
//! [`notify_der_alarm`](ChargePoint::notify_der_alarm) and [`fault`](ChargePoint::fault).
//!
//! What must reach the CSMS (everything about transactions, events, limits) waits in a queue, is sent in order, one
//! at a time, and again after a refusal, as the version prescribes. With a [`FileStore`] for the queue and a
//! [`SnapshotFile`] for the rest it outlives a power cut. What only says how things are now is told when there is a
//! connection, and after it has come back if it is different.

/// An expression in which `$said` is the module of the version that is spoken: `spoken!(version, said => said::status(…))`.
macro_rules! spoken {
    ($version:expr, $said:ident => $expression:expr) => {
        match $version {
            $crate::Version::V1_6 => {
                use $crate::charge_point::v16 as $said;
                $expression
            }
            $crate::Version::V2_0_1 => {
                use $crate::charge_point::v201 as $said;
                $expression
            }
            _ => {
                use $crate::charge_point::v21 as $said;
                $expression
            }
        }
    };
}

/// The same for what only 2.x has: `None` in 1.6.
macro_rules! spoken_2x {
    ($version:expr, $said:ident => $expression:expr) => {
        match $version {
            $crate::Version::V1_6 => None,
            $crate::Version::V2_0_1 => {
                use $crate::charge_point::v201 as $said;
                Some($expression)
            }
            _ => {
                use $crate::charge_point::v21 as $said;
                Some($expression)
            }
        }
    };
}

mod boot;
mod charging;
mod customer;
mod der;
mod display;
mod driver;
mod dynamic;
mod evse;
mod hardware;
mod link;
mod linking;
mod model;
mod monitoring;
mod networks;
mod outbox;
mod point;
mod profiles;
mod remote;
mod settings;
mod snapshot;
mod state;
mod status;
mod timers;
mod transactions;
mod upkeep;
mod v16;
mod v201;
mod v21;

pub use boot::{ChargingStationInfo, Registration};
pub use charging::ChargingError;
pub use customer::Customer;
pub use display::{Display, DisplayMessage, MessageContent, MessagePriority};
pub use driver::Presented;
pub use evse::{IdToken, Transfer};
pub use hardware::{
    CertificateHash, Certified, FirmwareRequest, Hardware, LogRequest, Meter, Unlocked, UploadFailure,
};
pub use link::{Link, LinkState, LinkTimes};
pub use monitoring::{EventDetails, Monitor, MonitorKind, ObserveError, Preset};
pub use networks::{Network, NetworkProfile};
pub use ocpp_kit::engine::{Backoff, FileStore, MemStore, MessageStore, RetryPolicy, StoreError};
pub use ocpp_kit::station::authorization::AuthorizationStatus;
pub use ocpp_kit::station::device_model::{ComponentKey, DataType, Mutability, VariableKey, VariableSpec};
pub use point::{Builder, ChargePoint, Running, StartError};
pub use profiles::Allowed;
pub use snapshot::{Forgetful, SnapshotFile, SnapshotStore};

pub(crate) use outbox::Owed;
