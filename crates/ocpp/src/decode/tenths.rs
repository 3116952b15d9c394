//! `multipleOf 0.1`, which the schemas of OCPP 1.6 demand of limits and those of 2.x do not.

use std::any::Any;

use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
use ocpp_kit::types::Decimal;

use crate::v16::{
    ChargingSchedule, GetCompositeScheduleResponse, RemoteStartTransactionRequest, SetChargingProfileRequest,
};

/// Whether all limits are multiples of 0.1, if the message has any.
pub(super) fn check(message: &dyn Any) -> Result<(), DecodeError> {
    if let Some(set) = message.downcast_ref::<SetChargingProfileRequest>() {
        return check_schedule(
            "/csChargingProfiles/chargingSchedule",
            &set.cs_charging_profiles.charging_schedule,
        );
    }
    if let Some(start) = message.downcast_ref::<RemoteStartTransactionRequest>()
        && let Some(profile) = &start.charging_profile
    {
        return check_schedule("/chargingProfile/chargingSchedule", &profile.charging_schedule);
    }
    if let Some(composite) = message.downcast_ref::<GetCompositeScheduleResponse>()
        && let Some(schedule) = &composite.charging_schedule
    {
        return check_schedule("/chargingSchedule", schedule);
    }
    Ok(())
}

fn check_schedule(path: &str, schedule: &ChargingSchedule) -> Result<(), DecodeError> {
    if let Some(rate) = schedule.min_charging_rate {
        is_multiple(rate, || format!("{path}/minChargingRate"))?;
    }
    for (index, period) in schedule.charging_schedule_period.iter().enumerate() {
        is_multiple(period.limit, || format!("{path}/chargingSchedulePeriod/{index}/limit"))?;
    }
    Ok(())
}

fn is_multiple(value: Decimal, path: impl FnOnce() -> String) -> Result<(), DecodeError> {
    if value.normalized().scale() <= 1 {
        return Ok(());
    }
    let reason = format!("multipleOf 0.1 violated (got {value})");
    Err(DecodeError::new(DecodeErrorKind::Property, path(), reason))
}
