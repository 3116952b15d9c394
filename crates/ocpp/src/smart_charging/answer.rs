//! Composite schedules as the versions' messages have them.
//!
//! 1.6 and 2.0.1 take one digit after the point. Limits are cut towards zero, so that what is told is never more than what
//! applies, and periods that are alike then are one. Where nothing limits, these messages can't say so: a rating of the
//! EVSE or the station gives the number, and without one the question is rejected.

use super::composite::{Composite, CompositeError, CompositePeriod};
use super::profile::{Limits, RateUnit};
use super::supply::cut;
use crate::types::Decimal;
use crate::{v16, v21, v201};

/// Digits after the point of limits in 1.6 (`multipleOf 0.1`) and 2.0.1 ("at most one digit fraction").
const TENTHS: u8 = 1;

/// The answer of OCPP 1.6 (§5.7).
pub fn v16(composite: &Result<Composite, CompositeError>) -> v16::GetCompositeScheduleResponse {
    let rejected = v16::GetCompositeScheduleResponse::new(v16::GetCompositeScheduleStatus::Rejected);
    let Ok(composite) = composite else { return rejected };
    let Ok(tenths) = tenths(composite) else { return rejected };
    let unit = match composite.unit {
        RateUnit::A => v16::ChargingRateUnit::A,
        RateUnit::W => v16::ChargingRateUnit::W,
    };
    let periods = tenths.into_iter().map(|period| {
        let mut told = v16::ChargingSchedulePeriod::new(period.start, period.limit);
        told.number_phases = period.number_phases;
        told
    });
    let schedule = v16::ChargingSchedule::new(unit, periods.collect())
        .with_duration(seconds(composite.duration))
        .with_start_schedule(composite.start);
    v16::GetCompositeScheduleResponse::new(v16::GetCompositeScheduleStatus::Accepted)
        .with_connector_id(composite.evse)
        .with_schedule_start(composite.start)
        .with_charging_schedule(schedule)
}

/// The answer of OCPP 2.0.1 (K08).
pub fn v201(composite: &Result<Composite, CompositeError>) -> v201::GetCompositeScheduleResponse {
    let told = composite.as_ref().map_err(CompositeError::clone).and_then(|composite| {
        let periods = tenths(composite)?.into_iter().map(|period| {
            let mut told = v201::ChargingSchedulePeriod::new(period.start, period.limit);
            told.number_phases = period.number_phases;
            told.phase_to_use = period.phase_to_use;
            told
        });
        let unit = match composite.unit {
            RateUnit::A => v201::ChargingRateUnit::A,
            RateUnit::W => v201::ChargingRateUnit::W,
        };
        let duration = seconds(composite.duration);
        Ok(v201::CompositeSchedule::new(periods.collect(), composite.evse, duration, composite.start, unit))
    });
    match told {
        Ok(schedule) => {
            v201::GetCompositeScheduleResponse::new(v201::GenericStatus::Accepted).with_schedule(schedule)
        }
        Err(error) => v201::GetCompositeScheduleResponse::new(v201::GenericStatus::Rejected)
            .with_status_info(v201::StatusInfo::new(error.reason().as_str())),
    }
}

/// The answer of OCPP 2.1 (K08).
pub fn v21(composite: &Result<Composite, CompositeError>) -> v21::GetCompositeScheduleResponse {
    let told = composite.as_ref().map_err(CompositeError::clone).and_then(|composite| {
        let periods = composite.periods.iter().map(period_v21).collect::<Result<_, _>>()?;
        let unit = match composite.unit {
            RateUnit::A => v21::ChargingRateUnit::A,
            RateUnit::W => v21::ChargingRateUnit::W,
        };
        let duration = seconds(composite.duration);
        Ok(v21::CompositeSchedule::new(composite.evse, duration, composite.start, unit, periods))
    });
    match told {
        Ok(schedule) => {
            v21::GetCompositeScheduleResponse::new(v21::GenericStatus::Accepted).with_schedule(schedule)
        }
        Err(error) => v21::GetCompositeScheduleResponse::new(v21::GenericStatus::Rejected)
            .with_status_info(v21::StatusInfo::new(error.reason().as_str())),
    }
}

fn period_v21(period: &CompositePeriod) -> Result<v21::ChargingSchedulePeriod, CompositeError> {
    use v21::OperationMode::ChargingOnly;
    let mut told = period
        .carried
        .as_deref()
        .cloned()
        .unwrap_or_else(|| v21::ChargingSchedulePeriod::new(seconds(period.start)));
    if period.limits.is_unlimited() && matches!(told.operation_mode, None | Some(ChargingOnly)) {
        return Err(CompositeError::Unlimited { after: period.start });
    }
    told.start_period = seconds(period.start);
    (told.limit, told.limit_l2, told.limit_l3) = (period.limits.limit, period.limits.l2, period.limits.l3);
    told.discharge_limit = period.discharge.limit;
    (told.discharge_limit_l2, told.discharge_limit_l3) = (period.discharge.l2, period.discharge.l3);
    (told.number_phases, told.phase_to_use) = (period.number_phases, period.phase_to_use);
    Ok(told)
}

#[derive(PartialEq)]
struct Tenths {
    start: i32,
    limit: Decimal,
    number_phases: Option<i32>,
    phase_to_use: Option<i32>,
}

fn tenths(composite: &Composite) -> Result<Vec<Tenths>, CompositeError> {
    let mut told: Vec<Tenths> = Vec::with_capacity(composite.periods.len());
    for period in &composite.periods {
        let limit = one(period.limits).ok_or(CompositeError::Unlimited { after: period.start })?;
        let next = Tenths {
            start: seconds(period.start),
            limit: cut(limit, TENTHS),
            number_phases: period.number_phases,
            phase_to_use: period.phase_to_use,
        };
        if told.last().is_none_or(|last| *last != Tenths { start: last.start, ..next }) {
            told.push(next);
        }
    }
    Ok(told)
}

/// One limit for all phases which exceeds that of no phase. In watts, too, it is that of the phase with the least: the vehicle
/// might take all of them on one phase.
fn one(limits: Limits) -> Option<Decimal> {
    match (limits.limit, limits.l2, limits.l3) {
        (Some(l1), Some(l2), Some(l3)) => Some(l1.min(l2).min(l3)),
        (limit, _, _) => limit,
    }
}

fn seconds(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
