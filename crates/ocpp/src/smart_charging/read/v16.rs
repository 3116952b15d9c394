//! Profiles of OCPP 1.6 (§7.8).

use super::super::profile::{Kind, Limits, Period, Profile, Purpose, RateUnit, Recurrency, Schedule};
use super::super::profile_error::ProfileError;
use super::{check, seconds, unknown};
use crate::v16;

impl Profile {
    /// Reads a profile of OCPP 1.6.
    ///
    /// # Errors
    ///
    /// It has a value that 1.6 does not define, or can't be carried out whatever the station.
    pub fn from_v16(profile: &v16::ChargingProfile) -> Result<Self, ProfileError> {
        check(Self {
            id: profile.charging_profile_id,
            stack_level: profile.stack_level,
            purpose: purpose(&profile.charging_profile_purpose)?,
            kind: kind(profile)?,
            transaction: profile.transaction_id.map(|id| id.to_string()),
            valid_from: profile.valid_from,
            valid_to: profile.valid_to,
            max_offline_duration: None,
            invalid_after_offline: false,
            update_interval: None,
            updated: None,
            schedules: vec![schedule(&profile.charging_schedule)?],
            selected: 0,
        })
    }
}

pub(in super::super) fn purpose(purpose: &v16::ChargingProfilePurpose) -> Result<Purpose, ProfileError> {
    match purpose {
        v16::ChargingProfilePurpose::ChargePointMaxProfile => Ok(Purpose::StationMax),
        v16::ChargingProfilePurpose::TxDefaultProfile => Ok(Purpose::TxDefault),
        v16::ChargingProfilePurpose::TxProfile => Ok(Purpose::Tx),
        other => unknown("chargingProfilePurpose", other),
    }
}

pub(in super::super) fn unit(unit: &v16::ChargingRateUnit) -> Result<RateUnit, ProfileError> {
    match unit {
        v16::ChargingRateUnit::A => Ok(RateUnit::A),
        v16::ChargingRateUnit::W => Ok(RateUnit::W),
        other => unknown("chargingRateUnit", other),
    }
}

fn kind(profile: &v16::ChargingProfile) -> Result<Kind, ProfileError> {
    match &profile.charging_profile_kind {
        v16::ChargingProfileKind::Absolute => Ok(Kind::Absolute),
        v16::ChargingProfileKind::Relative => Ok(Kind::Relative),
        v16::ChargingProfileKind::Recurring => match &profile.recurrency_kind {
            Some(v16::RecurrencyKind::Daily) => Ok(Kind::Recurring(Recurrency::Daily)),
            Some(v16::RecurrencyKind::Weekly) => Ok(Kind::Recurring(Recurrency::Weekly)),
            Some(other) => unknown("recurrencyKind", other),
            None => Err(ProfileError::NoRecurrency),
        },
        other => unknown("chargingProfileKind", other),
    }
}

fn schedule(schedule: &v16::ChargingSchedule) -> Result<Schedule, ProfileError> {
    let periods = schedule.charging_schedule_period.iter().map(|period| Period {
        start: period.start_period.into(),
        limits: Limits::uniform(Some(period.limit)),
        discharge: Limits::default(),
        number_phases: period.number_phases,
        phase_to_use: None,
        carried: None,
    });
    Ok(Schedule {
        id: 0,
        start: schedule.start_schedule,
        duration: seconds("duration", schedule.duration)?,
        unit: unit(&schedule.charging_rate_unit)?,
        min_charging_rate: schedule.min_charging_rate,
        periods: periods.collect(),
    })
}
