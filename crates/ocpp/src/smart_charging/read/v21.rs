//! Profiles of OCPP 2.1 (Part 2, ChargingProfileType).

use super::super::profile::{Kind, Limits, Period, Profile, Purpose, RateUnit, Recurrency, Schedule};
use super::super::profile_error::ProfileError;
use super::{check, seconds, unknown};
use crate::v21;
use crate::v21::OperationMode;

impl Profile {
    /// Reads a profile of OCPP 2.1.
    ///
    /// # Errors
    ///
    /// It has a value that 2.1 does not define, or can't be carried out whatever the station.
    pub fn from_v21(profile: &v21::ChargingProfile) -> Result<Self, ProfileError> {
        let interval = seconds("dynUpdateInterval", profile.dyn_update_interval)?;
        check(Self {
            id: profile.id,
            stack_level: profile.stack_level,
            purpose: purpose(&profile.charging_profile_purpose)?,
            kind: kind(profile)?,
            transaction: profile.transaction_id.clone(),
            valid_from: profile.valid_from,
            valid_to: profile.valid_to,
            max_offline_duration: seconds("maxOfflineDuration", profile.max_offline_duration)?,
            invalid_after_offline: profile.invalid_after_offline_duration.unwrap_or(false),
            update_interval: interval.filter(|seconds| *seconds > 0),
            updated: profile.dyn_update_time,
            schedules: profile.charging_schedule.iter().map(schedule).collect::<Result<_, _>>()?,
            selected: 0,
        })
    }
}

pub(in super::super) fn purpose(purpose: &v21::ChargingProfilePurpose) -> Result<Purpose, ProfileError> {
    match purpose {
        v21::ChargingProfilePurpose::ChargingStationExternalConstraints => Ok(Purpose::ExternalConstraints),
        v21::ChargingProfilePurpose::ChargingStationMaxProfile => Ok(Purpose::StationMax),
        v21::ChargingProfilePurpose::TxDefaultProfile => Ok(Purpose::TxDefault),
        v21::ChargingProfilePurpose::TxProfile => Ok(Purpose::Tx),
        v21::ChargingProfilePurpose::PriorityCharging => Ok(Purpose::PriorityCharging),
        v21::ChargingProfilePurpose::LocalGeneration => Ok(Purpose::LocalGeneration),
        other => unknown("chargingProfilePurpose", other),
    }
}

pub(in super::super) fn unit(unit: &v21::ChargingRateUnit) -> Result<RateUnit, ProfileError> {
    match unit {
        v21::ChargingRateUnit::A => Ok(RateUnit::A),
        v21::ChargingRateUnit::W => Ok(RateUnit::W),
        other => unknown("chargingRateUnit", other),
    }
}

fn kind(profile: &v21::ChargingProfile) -> Result<Kind, ProfileError> {
    match &profile.charging_profile_kind {
        v21::ChargingProfileKind::Absolute => Ok(Kind::Absolute),
        v21::ChargingProfileKind::Relative => Ok(Kind::Relative),
        v21::ChargingProfileKind::Dynamic => Ok(Kind::Dynamic),
        v21::ChargingProfileKind::Recurring => match &profile.recurrency_kind {
            Some(v21::RecurrencyKind::Daily) => Ok(Kind::Recurring(Recurrency::Daily)),
            Some(v21::RecurrencyKind::Weekly) => Ok(Kind::Recurring(Recurrency::Weekly)),
            Some(other) => unknown("recurrencyKind", other),
            None => Err(ProfileError::NoRecurrency),
        },
        other => unknown("chargingProfileKind", other),
    }
}

fn schedule(schedule: &v21::ChargingSchedule) -> Result<Schedule, ProfileError> {
    if schedule.use_local_time == Some(true) {
        return Err(ProfileError::LocalTime);
    }
    Ok(Schedule {
        id: schedule.id,
        start: schedule.start_schedule,
        duration: seconds("duration", schedule.duration)?,
        unit: unit(&schedule.charging_rate_unit)?,
        min_charging_rate: schedule.min_charging_rate,
        periods: schedule.charging_schedule_period.iter().map(period).collect::<Result<_, _>>()?,
    })
}

fn period(period: &v21::ChargingSchedulePeriod) -> Result<Period, ProfileError> {
    if let Some(OperationMode::UnknownValue(value)) = &period.operation_mode {
        return unknown("operationMode", value);
    }
    let needs_limit = matches!(period.operation_mode, None | Some(OperationMode::ChargingOnly));
    if needs_limit && period.limit.is_none() {
        return Err(ProfileError::NoLimit(period.start_period));
    }
    let discharge = Limits {
        limit: period.discharge_limit,
        l2: period.discharge_limit_l2,
        l3: period.discharge_limit_l3,
    };
    if [discharge.limit, discharge.l2, discharge.l3].into_iter().flatten().any(|limit| limit.signum() > 0) {
        return Err(ProfileError::DischargeSign(period.start_period));
    }
    Ok(Period {
        start: period.start_period.into(),
        limits: Limits { limit: period.limit, l2: period.limit_l2, l3: period.limit_l3 },
        discharge,
        number_phases: period.number_phases,
        phase_to_use: period.phase_to_use,
        carried: carried(period),
    })
}

/// The whole period, if it says what only 2.1 can say.
fn carried(period: &v21::ChargingSchedulePeriod) -> Option<Box<v21::ChargingSchedulePeriod>> {
    let mut plain = v21::ChargingSchedulePeriod::new(period.start_period);
    plain.limit = period.limit;
    plain.limit_l2 = period.limit_l2;
    plain.limit_l3 = period.limit_l3;
    plain.number_phases = period.number_phases;
    plain.phase_to_use = period.phase_to_use;
    plain.discharge_limit = period.discharge_limit;
    plain.discharge_limit_l2 = period.discharge_limit_l2;
    plain.discharge_limit_l3 = period.discharge_limit_l3;
    (plain != *period).then(|| {
        let mut carried = period.clone();
        carried.start_period = 0;
        Box::new(carried)
    })
}
