//! One form of charging profile for all versions.

use crate::types::{DateTime, Decimal};
use crate::v21;

/// What a profile is for (2.1 ChargingProfilePurposeEnumType; 1.6 §7.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Purpose {
    /// ChargingStationExternalConstraints: a limit from outside of the CSMS (2.x).
    ExternalConstraints,
    /// ChargingStationMaxProfile, in 1.6 ChargePointMaxProfile: a ceiling for the whole station.
    StationMax,
    /// TxDefaultProfile: what applies to a transaction without a profile of its own.
    TxDefault,
    /// TxProfile: what applies to one transaction.
    Tx,
    /// PriorityCharging: takes the place of the two before while priority charging is on (2.1).
    PriorityCharging,
    /// LocalGeneration: capacity made on the site, on top of what the others allow (2.1).
    LocalGeneration,
}

/// How often a recurring schedule begins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrency {
    /// Every 24 hours.
    Daily,
    /// Every seven days.
    Weekly,
}

impl Recurrency {
    /// The seconds from one beginning to the next.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Daily => 86_400,
            Self::Weekly => 604_800,
        }
    }
}

/// What the schedule's seconds count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From startSchedule.
    Absolute,
    /// From the last recurrence of startSchedule.
    Recurring(Recurrency),
    /// From the start of the transaction.
    Relative,
    /// From the last update (2.1). It has one period, which updates change.
    Dynamic,
}

/// The unit of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateUnit {
    /// Amperes for each phase.
    A,
    /// Watts for all phases together.
    W,
}

/// A charging profile, checked: it has a schedule, each schedule has periods that begin at 0 and ascend.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// chargingProfileId.
    pub id: i32,
    /// Of the profiles of one purpose the one with the highest level leads. Not negative.
    pub stack_level: i32,
    /// What it is for.
    pub purpose: Purpose,
    /// What its seconds count from.
    pub kind: Kind,
    /// The transaction it is for. In 1.6 the number as text.
    pub transaction: Option<String>,
    /// It is not in force before this second.
    pub valid_from: Option<DateTime>,
    /// It is not in force from this second on.
    pub valid_to: Option<DateTime>,
    /// Seconds for which it stays in force while the station is offline (2.1). Absent: without end.
    pub max_offline_duration: Option<i64>,
    /// Whether it stays out of force after it was once offline for too long (2.1).
    pub invalid_after_offline: bool,
    /// Seconds from one update to when the station asks for the next (2.1, dynamic). Never zero.
    pub update_interval: Option<i64>,
    /// When it was last updated (2.1, dynamic).
    pub updated: Option<DateTime>,
    /// One schedule, or in 2.x up to three that a vehicle chooses from. Never empty.
    pub schedules: Vec<Schedule>,
    /// Which of the schedules applies: the first until another was chosen.
    pub selected: usize,
}

impl Profile {
    /// The schedule that applies.
    pub fn schedule(&self) -> &Schedule {
        self.schedules.get(self.selected).unwrap_or(&self.schedules[0])
    }
}

/// Limits over time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Schedule {
    /// The schedule's id. 0 in 1.6, where schedules have none.
    pub id: i32,
    /// startSchedule.
    pub start: Option<DateTime>,
    /// Seconds from its start to its end. Absent: the last period goes on.
    pub duration: Option<i64>,
    /// The unit of its limits.
    pub unit: RateUnit,
    /// The least rate at which the vehicle charges well, in the same unit. It limits nothing.
    pub min_charging_rate: Option<Decimal>,
    /// At least one; the first begins at 0, and each later than the one before it.
    pub periods: Vec<Period>,
}

/// A part of a schedule, until the next begins.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Period {
    /// Seconds after the schedule's start.
    pub start: i64,
    /// How much may be charged. Without it the period limits nothing (2.1, in modes that go without).
    pub limits: Limits,
    /// How much may be discharged: zero or negative (2.1).
    pub discharge: Limits,
    /// How many phases may be used, 1 to 3. Absent: 3.
    pub number_phases: Option<i32>,
    /// Which phase is used if it is one, 1 to 3.
    pub phase_to_use: Option<i32>,
    /// The period as 2.1 has it, with set-points, operation mode and curves, if it says any of this.
    pub carried: Option<Box<v21::ChargingSchedulePeriod>>,
}

/// A limit for all phases, or one for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// With L2 and L3: of phase L1. Otherwise amperes of each phase, or watts of all of them.
    pub limit: Option<Decimal>,
    /// Of phase L2. Given if L3 is.
    pub l2: Option<Decimal>,
    /// Of phase L3. Given if L2 is.
    pub l3: Option<Decimal>,
}

impl Limits {
    /// One limit for all phases.
    pub const fn uniform(limit: Option<Decimal>) -> Self {
        Self { limit, l2: None, l3: None }
    }

    /// Whether nothing is limited.
    pub const fn is_unlimited(self) -> bool {
        self.limit.is_none() && self.l2.is_none() && self.l3.is_none()
    }

    /// Whether each phase has a limit of its own.
    pub(super) const fn is_split(self) -> bool {
        self.l2.is_some() || self.l3.is_some()
    }
}

/// The second in which an instant lies, since 1970. All instants are cut in this way, so that an instant and one less than
/// a second later never change places.
pub(crate) fn second(at: DateTime) -> i64 {
    let whole = at.timestamp().as_second();
    if at.timestamp().subsec_nanosecond() < 0 { whole - 1 } else { whole }
}
