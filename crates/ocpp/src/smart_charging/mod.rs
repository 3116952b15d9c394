//! Smart charging: charging profiles of all versions, and what they allow together.
//!
//! A charging station obeys its profiles, and a CSMS has to know what a station will do that does: both reckon here. There is
//! no clock and no IO; instants come in.
//!
//! ```
//! use tieline_ocpp::smart_charging::{Evse, Profile, Question, RateUnit, Station, Supply, Transaction, answer, composite};
//! use tieline_ocpp::types::{DateTime, Decimal};
//! use tieline_ocpp::v16::*;
//!
//! let noon: DateTime = "2026-06-01T12:00:00Z".parse()?;
//! let periods = vec![
//!     ChargingSchedulePeriod::new(0, Decimal::from_i64(16)),
//!     ChargingSchedulePeriod::new(3600, Decimal::from_i64(6)),
//! ];
//! let schedule = ChargingSchedule::new(ChargingRateUnit::A, periods);
//! let profile = Profile::from_v16(&ChargingProfile::new(
//!     1,
//!     0,
//!     ChargingProfilePurpose::TxDefaultProfile,
//!     ChargingProfileKind::Relative,
//!     schedule,
//! ))?;
//!
//! let station = Station {
//!     evses: vec![Evse::new(1).with_transaction(Transaction::new("7", noon))],
//!     supply: Some(Supply::new(Decimal::from_i64(230), 3)?),
//!     ..Station::default()
//! };
//! let question = Question::new(1, noon, 7200).in_unit(RateUnit::W);
//! let schedule = composite(&[(0, &profile)], &station, &question);
//! assert_eq!(schedule.as_ref().unwrap().limit_at(0), Some(Decimal::from_i64(11_040)));
//! assert_eq!(schedule.as_ref().unwrap().limit_at(3600), Some(Decimal::from_i64(4_140)));
//! assert_eq!(answer::v16(&schedule).status, GetCompositeScheduleStatus::Accepted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is reckoned
//!
//! - Of each purpose the profile with the highest stack level leads of those that are valid and have a period *at that moment*
//!   (1.6 §3.13.3; 2.x Part 2, K, 3.5). One that has ended, or has not begun, leaves the place to lower levels.
//! - PriorityCharging, while it is on, goes before TxProfile, TxProfile before TxDefaultProfile, and the default of an EVSE before
//!   that of EVSE 0. What comes first is followed alone.
//! - It is kept within ChargingStationMaxProfile (1.6: ChargePointMaxProfile) and ChargingStationExternalConstraints, both
//!   the EVSE's own and the station's. Then LocalGeneration is added on top of the composite, as 2.1 has it (Part 2, K, 3.6);
//!   ratings of the hardware are never exceeded.
//! - *Within* means that each limit is kept: amperes are compared with amperes of a phase, watts with watts of all phases, the
//!   phases are the fewest that are named. 16 A on one phase within 10 A on three are 10 A on one.
//! - A question about EVSE 0 is answered with the sum of the EVSEs within the station's limits. In amperes the sum is that of a
//!   phase which all of them use. An EVSE that nothing limits, not even a rating, makes the sum unlimited.
//! - All instants are cut to whole seconds. validFrom belongs to the validity, validTo and the end of a duration do not.
//! - A recurring schedule ends where it begins again, and says nothing before its first start. A relative one says nothing without a
//!   transaction, as one that is set for the station's connection always is. A dynamic one begins at its last update; a duration counts from there.
//! - What is turned from one unit into the other is cut towards zero at a thousandth. Limits of 1.6 and 2.0.1 are told in tenths.
//! - Absent phases are three, or as many as the supply has.
//! - Work and answers are bounded by the [`Question`]: time is passed from change to change and never second by second.
//!
//! Random delays, limits at a state of charge, and tariffs are told by messages and carried out by the station. They change no
//! limit here.

pub mod answer;
mod combine;
mod composite;
mod profile;
mod profile_error;
mod read;
mod segment;
mod station;
mod store;
mod supply;
mod sweep;

pub use composite::{Composite, CompositeError, CompositePeriod, Question, composite};
pub(crate) use profile::second;
pub use profile::{Kind, Limits, Period, Profile, Purpose, RateUnit, Recurrency, Schedule};
pub use profile_error::ProfileError;
pub use station::{Evse, Station, Transaction};
pub use store::{
    CSO, Capabilities, ChargingProfile, Clear, EvseCapabilities, Installed, ProfileStore, Refusal,
    SavedProfile, SavedTransaction, Snapshot,
};
pub use supply::{Rating, Supply, SupplyError};
