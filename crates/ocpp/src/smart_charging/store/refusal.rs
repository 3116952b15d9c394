//! Why a profile is not installed.

use ocpp_kit::standard::reason_codes::ReasonCode;

use super::super::profile::{Purpose, RateUnit};
use super::super::profile_error::ProfileError;
use crate::v16;

/// Why a profile is not installed, and what is told of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The profile is none, whatever the station.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The station has no such EVSE (K01.FR.28).
    #[error("there is no EVSE {0}")]
    UnknownEvse(i32),
    /// The station does not serve this purpose.
    #[error("profiles with the purpose {0:?} are not supported")]
    Purpose(Purpose),
    /// The station does not carry out dynamic profiles.
    #[error("dynamic profiles are not supported")]
    Dynamic,
    /// The stack level is above the highest.
    #[error("the stack level {level} is above {most}")]
    StackLevel {
        /// The profile's.
        level: i32,
        /// The highest of the station.
        most: i32,
    },
    /// The station does not take limits in this unit (K01.FR.26).
    #[error("limits in {0:?} are not supported")]
    RateUnit(RateUnit),
    /// A schedule has too many periods.
    #[error("a schedule has {periods} periods, more than {most}")]
    Periods {
        /// Of the schedule.
        periods: usize,
        /// Of the station.
        most: usize,
    },
    /// As many profiles are installed as the station can keep.
    #[error("no more than {0} profiles can be installed")]
    Full(usize),
    /// A CSMS must not set external constraints (K01.FR.22).
    #[error("external constraints are not set by a CSMS")]
    ExternalConstraints,
    /// What an owner of the station sets is ChargingStationExternalConstraints or LocalGeneration.
    #[error("the purpose {0:?} is the CSMS's to set")]
    NotExternal(Purpose),
    /// The id is that of a profile which the other side, CSMS or station, has set (K01.FR.05).
    #[error("the id {0} is taken by a profile of another source")]
    Id(i32),
    /// A ChargingStationMaxProfile is for the whole station.
    #[error("a profile for the whole station is on EVSE {0}")]
    StationMaxOnEvse(i32),
    /// A ChargingStationMaxProfile has no transaction that it could be relative to (K01.FR.38).
    #[error("a profile for the whole station can't be relative")]
    StationMaxRelative,
    /// A TxProfile is for one EVSE.
    #[error("a TxProfile is on EVSE {0}")]
    TxOnStation(i32),
    /// A TxProfile does not name its transaction (2.x, K01.FR.03).
    #[error("a TxProfile has no transactionId")]
    NoTransaction,
    /// The EVSE has no transaction, or not this one (K01.FR.09, K01.FR.33).
    #[error("the transaction of the TxProfile does not run on EVSE {0}")]
    TxNotFound(i32),
    /// Only a TxProfile names a transaction (2.x).
    #[error("a profile that is no TxProfile names a transaction")]
    Transaction,
    /// A profile of a request to start names a transaction, or is no TxProfile (F01, K05).
    #[error("a request to start has a TxProfile without transactionId")]
    NotForStart,
    /// Another profile has the same purpose, level and EVSE at the same time (2.x, K01.FR.06, K01.FR.39, K01.FR.52, K01.FR.53).
    #[error("profile {0} has the same purpose and stack level at the same time")]
    Duplicate(i32),
    /// An EVSE with direct current has no phases to name (2.x).
    #[error("the EVSE has no phases")]
    DirectCurrent,
    /// The EVSE can't choose its phase (2.x, K01.FR.20).
    #[error("the EVSE can't choose a phase")]
    PhaseToUse,
    /// Something that the station does not carry out.
    #[error("{0} is not supported")]
    Member(&'static str),
    /// Random delays are for TxProfile and TxDefaultProfile only (2.1).
    #[error("randomizedDelay is for TxProfile and TxDefaultProfile only")]
    Delay,
}

impl Refusal {
    /// The reason of 2.x for it (2.1 appendices, chapter 5).
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::Profile(error) => error.reason(),
            Self::UnknownEvse(_) => ReasonCode::UnknownEvse,
            Self::Purpose(_) => ReasonCode::UnsupportedPurpose,
            Self::Dynamic => ReasonCode::UnsupportedKind,
            Self::StackLevel { .. } => ReasonCode::InvalidStackLevel,
            Self::RateUnit(_) => ReasonCode::UnsupportedRateUnit,
            Self::Periods { .. } => ReasonCode::TooManyElements,
            Self::Full(_) => ReasonCode::OutOfStorage,
            Self::ExternalConstraints
            | Self::NotExternal(_)
            | Self::StationMaxRelative
            | Self::Transaction
            | Self::NotForStart => ReasonCode::InvalidProfile,
            Self::Id(_) => ReasonCode::InvalidProfileId,
            Self::StationMaxOnEvse(_) | Self::TxOnStation(_) => ReasonCode::InvalidValue,
            Self::NoTransaction => ReasonCode::MissingParam,
            Self::TxNotFound(_) => ReasonCode::TxNotFound,
            Self::Duplicate(_) => ReasonCode::DuplicateProfile,
            Self::DirectCurrent => ReasonCode::NoPhaseForDC,
            Self::PhaseToUse | Self::Delay => ReasonCode::InvalidSchedule,
            Self::Member(_) => ReasonCode::UnsupportedParam,
        }
    }

    /// The status of 1.6 for it: NotSupported where the station has no such profiles, else Rejected (§7.11).
    pub const fn status_v16(&self) -> v16::ChargingProfileStatus {
        match self {
            Self::Purpose(_) => v16::ChargingProfileStatus::NotSupported,
            _ => v16::ChargingProfileStatus::Rejected,
        }
    }
}
