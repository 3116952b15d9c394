//! What is wrong with a charging profile by itself.

use ocpp_kit::standard::reason_codes::ReasonCode;

/// Why a message's profile is none, whatever the station and whatever else is installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// A value that the version does not define. What it means would be a guess.
    #[error("{member} has the unknown value {value}")]
    UnknownValue {
        /// The member.
        member: &'static str,
        /// Its value.
        value: String,
    },
    /// The stack level is negative.
    #[error("the stack level {0} is negative")]
    StackLevel(i32),
    /// A recurring profile does not say how often it recurs.
    #[error("a recurring profile has no recurrencyKind")]
    NoRecurrency,
    /// There is no schedule, or more than three.
    #[error("a profile has one to three schedules, not {0}")]
    Schedules(usize),
    /// A schedule has no periods.
    #[error("a schedule has no periods")]
    NoPeriods,
    /// The first period does not begin at 0 (K01.FR.31).
    #[error("the first period begins at {0}, not at 0")]
    FirstPeriod(i32),
    /// A period does not begin after the one before it (K01.FR.35).
    #[error("a period begins at {0}, not after the one before it")]
    Order(i32),
    /// An absolute or recurring schedule has no start (K01.FR.40).
    #[error("an absolute or recurring schedule has no startSchedule")]
    NoStart,
    /// A relative schedule has a start (K01.FR.41).
    #[error("a relative schedule has a startSchedule")]
    Start,
    /// A dynamic profile has other than one schedule of one period.
    #[error("a dynamic profile has one schedule of one period")]
    Dynamic,
    /// Seconds that are negative.
    #[error("{member} is negative: {value}")]
    Negative {
        /// The member.
        member: &'static str,
        /// Its value.
        value: i32,
    },
    /// validTo is not after validFrom.
    #[error("validTo is not after validFrom")]
    NeverValid,
    /// Not one to three phases.
    #[error("numberPhases is {0}, not 1 to 3")]
    NumberPhases(i32),
    /// Not phase 1 to 3, or more than one phase is used (K01.FR.19).
    #[error("phaseToUse is {0}: it is 1 to 3, and only for one phase")]
    PhaseToUse(i32),
    /// A period has no limit although its operation mode needs one.
    #[error("the period at {0} has no limit")]
    NoLimit(i32),
    /// Of the limits of L2 and L3 one is given without the other, or without that of L1.
    #[error("the period at {0} has limits for some phases and not for others")]
    SomePhases(i32),
    /// A limit of discharging is positive.
    #[error("the period at {0} limits discharging with a positive value")]
    DischargeSign(i32),
    /// useLocalTime, for which the station would have to know its time zone.
    #[error("useLocalTime is not supported")]
    LocalTime,
}

impl ProfileError {
    /// The reason of 2.x for it (2.1 appendices, chapter 5).
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::UnknownValue { .. } => ReasonCode::InvalidValue,
            Self::StackLevel(_) => ReasonCode::InvalidStackLevel,
            Self::NoRecurrency | Self::NeverValid => ReasonCode::InvalidProfile,
            Self::LocalTime => ReasonCode::UnsupportedParam,
            _ => ReasonCode::InvalidSchedule,
        }
    }
}
