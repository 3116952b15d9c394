//! OCPP 1.6: what a charge point reports, and how it is told limits.

use std::sync::Arc;

use tieline_ocpp::types::DateTime;
use tieline_ocpp::v16::{
    AuthorizationStatus, AuthorizeRequest, BootNotificationRequest, ChargePointErrorCode, ChargePointStatus,
    ChargingProfileStatus, ChargingRateUnit, ChargingSchedule, ChargingSchedulePeriod,
    ClearChargingProfileRequest, ClearChargingProfileResponse, ClearChargingProfileStatus,
    GetCompositeScheduleRequest, GetCompositeScheduleResponse, GetCompositeScheduleStatus, HeartbeatRequest,
    Measurand, MeterValue, MeterValuesRequest, ReadingContext, Reason, RecurrencyKind, RegistrationStatus,
    SampledValue, SetChargingProfileRequest, SetChargingProfileResponse, StartTransactionRequest,
    StatusNotificationRequest, StopTransactionRequest, UnitOfMeasure,
};
use tieline_ocpp::{CallFailure, Ocpp, Peer};
use tieline_service::{Call, Router, State};

use super::evse::Claim;
use super::link::{Boot, Delivered, Denial, is_unknown_to_peer};
use super::profile::{Kind, Period, Profile, Purpose, unit_named};
use super::report::{ChargingState, Report, What, Why};
use super::{Reading, Shared};
use crate::RateUnit;

/// The one connector.
const CONNECTOR: i32 = 1;

pub(super) fn routes(router: Router<Ocpp, Arc<Shared>>) -> Router<Ocpp, Arc<Shared>> {
    router.on(on_set_profile).on(on_clear_profile).on(on_composite)
}

pub(super) async fn boot(peer: &Peer, occupied: bool) -> Result<Boot, CallFailure> {
    let response = peer.call(BootNotificationRequest::new("Tieline", "Simulated 1.6")).await?;
    let accepted = response.status == RegistrationStatus::Accepted;
    if accepted {
        let status = if occupied { ChargePointStatus::Preparing } else { ChargePointStatus::Available };
        notify(peer, status, None).await?;
    }
    Ok(Boot { accepted, interval: response.interval.into() })
}

pub(super) async fn heartbeat(peer: &Peer) -> Result<(), CallFailure> {
    peer.call(HeartbeatRequest::new()).await.map(|_| ())
}

/// Tells the CSMS one report.
pub(super) async fn deliver(
    peer: &Peer,
    report: &Report,
    number: Option<i32>,
    id_token: &str,
) -> Result<Delivered, CallFailure> {
    let at = Some(DateTime::from_timestamp(report.at));
    match &report.what {
        What::Plugged => notify(peer, ChargePointStatus::Preparing, at).await?,
        What::Unplugged => notify(peer, ChargePointStatus::Available, at).await?,
        What::Begins(reading) => return begin(peer, report, *reading, id_token).await,
        // 1.6 has no message for what a driver needs.
        What::Needs { .. } => {}
        What::State(state, _) => notify(peer, status(*state), at).await?,
        What::Meter(reading) => {
            let value = meter_value(*reading, ReadingContext::SampleClock);
            let mut request = MeterValuesRequest::new(CONNECTOR, vec![value]);
            request.transaction_id = number;
            peer.call(request).await?;
        }
        What::Ends(reading, why) => {
            // Errata 3.18: where the answer to StartTransaction never came, the number is -1.
            let number = number.unwrap_or(-1);
            let mut request = StopTransactionRequest::new(
                whole(reading.register),
                DateTime::from_timestamp(report.at),
                number,
            );
            request.id_tag = Some(id_token.to_owned());
            request.reason = Some(match why {
                Why::Left => Reason::EVDisconnected,
                Why::Denied => Reason::DeAuthorized,
            });
            request.transaction_data = Some(vec![meter_value(*reading, ReadingContext::TransactionEnd)]);
            peer.call(request).await?;
        }
    }
    Ok(Delivered::default())
}

async fn begin(
    peer: &Peer,
    report: &Report,
    reading: Reading,
    id_token: &str,
) -> Result<Delivered, CallFailure> {
    match peer.call(AuthorizeRequest::new(id_token)).await {
        Ok(response) if response.id_tag_info.status != AuthorizationStatus::Accepted => {
            return Ok(Delivered { denied: Some(Denial::BeforeItBegan), ..Delivered::default() });
        }
        Ok(_) => {}
        Err(failure) if is_unknown_to_peer(&failure) => {}
        Err(failure) => return Err(failure),
    }
    let at = DateTime::from_timestamp(report.at);
    let request = StartTransactionRequest::new(CONNECTOR, id_token, whole(reading.register), at);
    let response = peer.call(request).await?;
    let accepted = response.id_tag_info.status == AuthorizationStatus::Accepted;
    Ok(Delivered {
        number: Some(response.transaction_id),
        denied: (!accepted).then_some(Denial::AfterItBegan),
    })
}

async fn notify(peer: &Peer, status: ChargePointStatus, at: Option<DateTime>) -> Result<(), CallFailure> {
    let mut request = StatusNotificationRequest::new(CONNECTOR, ChargePointErrorCode::NoError, status);
    request.timestamp = at;
    peer.call(request).await.map(|_| ())
}

fn status(state: ChargingState) -> ChargePointStatus {
    match state {
        ChargingState::Connected => ChargePointStatus::Preparing,
        ChargingState::Charging => ChargePointStatus::Charging,
        ChargingState::SuspendedByVehicle => ChargePointStatus::SuspendedEV,
        ChargingState::SuspendedByCharger => ChargePointStatus::SuspendedEVSE,
    }
}

fn meter_value(reading: Reading, context: ReadingContext) -> MeterValue {
    let mut register = SampledValue::new(reading.register.to_string());
    register.measurand = Some(Measurand::EnergyActiveImportRegister);
    register.unit = Some(UnitOfMeasure::Wh);
    register.context = Some(context.clone());
    let mut power = SampledValue::new(reading.power.watts().to_string());
    power.measurand = Some(Measurand::PowerActiveImport);
    power.unit = Some(UnitOfMeasure::W);
    power.context = Some(context);
    MeterValue::new(DateTime::from_timestamp(reading.at), vec![register, power])
}

fn whole(register: i64) -> i32 {
    i32::try_from(register).unwrap_or(i32::MAX)
}

async fn on_set_profile(
    call: Call<SetChargingProfileRequest>,
    State(charger): State<Arc<Shared>>,
) -> SetChargingProfileResponse {
    let claim = call.cs_charging_profiles.transaction_id.map_or(Claim::Any, Claim::Number);
    let accepted = charger.take(profile(&call), &claim);
    SetChargingProfileResponse::new(if accepted {
        ChargingProfileStatus::Accepted
    } else {
        ChargingProfileStatus::Rejected
    })
}

/// `None` for what this charge point cannot do, or what makes no sense.
fn profile(request: &SetChargingProfileRequest) -> Option<Profile> {
    let told = &request.cs_charging_profiles;
    let schedule = &told.charging_schedule;
    let recurrency = told.recurrency_kind.as_ref().map(RecurrencyKind::as_str);
    let start = schedule.start_schedule.map(DateTime::timestamp);
    let periods = schedule.charging_schedule_period.iter();
    Some(Profile {
        id: told.charging_profile_id,
        stack_level: told.stack_level,
        purpose: Purpose::named(told.charging_profile_purpose.as_str())
            .filter(|purpose| purpose.is_of(request.connector_id))?,
        kind: Kind::named(told.charging_profile_kind.as_str(), recurrency, start)?,
        valid_from: told.valid_from.map(DateTime::timestamp),
        valid_to: told.valid_to.map(DateTime::timestamp),
        duration: schedule.duration.map(i64::from),
        unit: unit_named(schedule.charging_rate_unit.as_str())?,
        periods: periods
            .map(|one| Period::told(one.start_period, one.limit, one.number_phases))
            .collect::<Option<_>>()?,
    })
}

async fn on_clear_profile(
    call: Call<ClearChargingProfileRequest>,
    State(charger): State<Arc<Shared>>,
) -> ClearChargingProfileResponse {
    let wanted = call.charging_profile_purpose.as_ref().map(|purpose| Purpose::named(purpose.as_str()));
    let any = charger.clear(|profile| match call.id {
        Some(id) => profile.id == id,
        None => {
            wanted.is_none_or(|wanted| wanted == Some(profile.purpose))
                && call.stack_level.is_none_or(|level| level == profile.stack_level)
                && call.connector_id.is_none_or(|connector| (0..=CONNECTOR).contains(&connector))
        }
    });
    let status = if any { ClearChargingProfileStatus::Accepted } else { ClearChargingProfileStatus::Unknown };
    ClearChargingProfileResponse::new(status)
}

async fn on_composite(
    call: Call<GetCompositeScheduleRequest>,
    State(charger): State<Arc<Shared>>,
) -> GetCompositeScheduleResponse {
    if !(0..=CONNECTOR).contains(&call.connector_id) || call.duration <= 0 {
        return GetCompositeScheduleResponse::new(GetCompositeScheduleStatus::Rejected);
    }
    let asked = call.charging_rate_unit.as_ref().and_then(|unit| unit_named(unit.as_str()));
    let (unit, (start, periods)) = {
        let evse = charger.evse();
        (asked.unwrap_or(evse.charger.unit), evse.composite(call.duration.into(), asked))
    };
    let unit = match unit {
        RateUnit::Watts => ChargingRateUnit::W,
        RateUnit::Amperes => ChargingRateUnit::A,
    };
    let period = |(second, limit): (i32, rust_decimal::Decimal)| {
        Some(ChargingSchedulePeriod::new(
            second,
            limit.to_string().parse::<tieline_ocpp::types::Decimal>().ok()?,
        ))
    };
    let mut schedule = ChargingSchedule::new(unit, periods.into_iter().filter_map(period).collect());
    schedule.duration = Some(call.duration);
    schedule.start_schedule = Some(DateTime::from_timestamp(start));
    let mut response = GetCompositeScheduleResponse::new(GetCompositeScheduleStatus::Accepted);
    response.connector_id = Some(call.connector_id);
    response.schedule_start = schedule.start_schedule;
    response.charging_schedule = Some(schedule);
    response
}
