//! Profiles of OCPP 2.0.1 (Part 2, ChargingProfileType).

use super::super::profile::{Kind, Limits, Period, Profile, Purpose, RateUnit, Recurrency, Schedule};
use super::super::profile_error::ProfileError;
use super::{check, seconds, unknown};
use crate::v201;

impl Profile {
    /// Reads a profile of OCPP 2.0.1.
    ///
    /// # Errors
    ///
    /// It has a value that 2.0.1 does not define, or can't be carried out whatever the station.
    pub fn from_v201(profile: &v201::ChargingProfile) -> Result<Self, ProfileError> {
        check(Self {
            id: profile.id,
            stack_level: profile.stack_level,
            purpose: purpose(&profile.charging_profile_purpose)?,
            kind: kind(profile)?,
            transaction: profile.transaction_id.clone(),
            valid_from: profile.valid_from,
            valid_to: profile.valid_to,
            max_offline_duration: None,
            invalid_after_offline: false,
            update_interval: None,
            updated: None,
            schedules: profile.charging_schedule.iter().map(schedule).collect::<Result<_, _>>()?,
            selected: 0,
        })
    }
}

pub(in super::super) fn purpose(purpose: &v201::ChargingProfilePurpose) -> Result<Purpose, ProfileError> {
    match purpose {
        v201::ChargingProfilePurpose::ChargingStationExternalConstraints => Ok(Purpose::ExternalConstraints),
        v201::ChargingProfilePurpose::ChargingStationMaxProfile => Ok(Purpose::StationMax),
        v201::ChargingProfilePurpose::TxDefaultProfile => Ok(Purpose::TxDefault),
        v201::ChargingProfilePurpose::TxProfile => Ok(Purpose::Tx),
        other => unknown("chargingProfilePurpose", other),
    }
}

pub(in super::super) fn unit(unit: &v201::ChargingRateUnit) -> Result<RateUnit, ProfileError> {
    match unit {
        v201::ChargingRateUnit::A => Ok(RateUnit::A),
        v201::ChargingRateUnit::W => Ok(RateUnit::W),
        other => unknown("chargingRateUnit", other),
    }
}

fn kind(profile: &v201::ChargingProfile) -> Result<Kind, ProfileError> {
    match &profile.charging_profile_kind {
        v201::ChargingProfileKind::Absolute => Ok(Kind::Absolute),
        v201::ChargingProfileKind::Relative => Ok(Kind::Relative),
        v201::ChargingProfileKind::Recurring => match &profile.recurrency_kind {
            Some(v201::RecurrencyKind::Daily) => Ok(Kind::Recurring(Recurrency::Daily)),
            Some(v201::RecurrencyKind::Weekly) => Ok(Kind::Recurring(Recurrency::Weekly)),
            Some(other) => unknown("recurrencyKind", other),
            None => Err(ProfileError::NoRecurrency),
        },
        other => unknown("chargingProfileKind", other),
    }
}

fn schedule(schedule: &v201::ChargingSchedule) -> Result<Schedule, ProfileError> {
    let periods = schedule.charging_schedule_period.iter().map(|period| Period {
        start: period.start_period.into(),
        limits: Limits::uniform(Some(period.limit)),
        discharge: Limits::default(),
        number_phases: period.number_phases,
        phase_to_use: period.phase_to_use,
        carried: None,
    });
    Ok(Schedule {
        id: schedule.id,
        start: schedule.start_schedule,
        duration: seconds("duration", schedule.duration)?,
        unit: unit(&schedule.charging_rate_unit)?,
        min_charging_rate: schedule.min_charging_rate,
        periods: periods.collect(),
    })
}
