//! OCPP 2.0.1: what a charging station reports, and how it is told limits.

use std::sync::Arc;

use tieline_ocpp::types::{DateTime, Decimal};
use tieline_ocpp::v201::{
    ACChargingParameters, AuthorizationStatus, AuthorizeRequest, BootNotificationRequest, BootReason,
    ChargingNeeds, ChargingProfileStatus, ChargingRateUnit, ChargingSchedulePeriod,
    ChargingState as State201, ChargingStation, ClearChargingProfileRequest, ClearChargingProfileResponse,
    ClearChargingProfileStatus, CompositeSchedule, ConnectorStatus, EVSE, EnergyTransferMode, GenericStatus,
    GetCompositeScheduleRequest, GetCompositeScheduleResponse, HeartbeatRequest, IdToken, IdTokenEnum,
    Measurand, MeterValue, NotifyEVChargingNeedsRequest, ReadingContext, Reason, RecurrencyKind,
    RegistrationStatus, SampledValue, SetChargingProfileRequest, SetChargingProfileResponse,
    StatusNotificationRequest, Transaction, TransactionEventEnum, TransactionEventRequest, TriggerReason,
    UnitOfMeasure,
};
use tieline_ocpp::{CallFailure, Ocpp, Peer};
use tieline_service::{Call, Router, State};

use super::evse::Claim;
use super::link::{Boot, Delivered, Denial, is_unknown_to_peer};
use super::profile::{Kind, Period, Profile, Purpose, unit_named};
use super::report::{ChargingState, Report, What, Why};
use super::{Reading, Shared};
use crate::vehicle::VOLTAGE;
use crate::{RateUnit, SessionSpec};

/// The one EVSE and its one connector.
const EVSE_ID: i32 = 1;

pub(super) fn routes(router: Router<Ocpp, Arc<Shared>>) -> Router<Ocpp, Arc<Shared>> {
    router.on(on_set_profile).on(on_clear_profile).on(on_composite)
}

pub(super) async fn boot(peer: &Peer, occupied: bool, now: DateTime) -> Result<Boot, CallFailure> {
    let station = ChargingStation::new("Simulated 2.0.1", "Tieline");
    let response = peer.call(BootNotificationRequest::new(station, BootReason::PowerUp)).await?;
    let accepted = response.status == RegistrationStatus::Accepted;
    if accepted {
        notify(peer, occupied, now).await?;
    }
    Ok(Boot { accepted, interval: response.interval.into() })
}

pub(super) async fn heartbeat(peer: &Peer) -> Result<(), CallFailure> {
    peer.call(HeartbeatRequest::new()).await.map(|_| ())
}

/// Tells the CSMS one report. `offline` says that it happened while there was no connection.
pub(super) async fn deliver(
    peer: &Peer,
    report: &Report,
    session: Option<&SessionSpec>,
    id_token: &str,
    offline: bool,
) -> Result<Delivered, CallFailure> {
    let at = DateTime::from_timestamp(report.at);
    match &report.what {
        What::Plugged => notify(peer, true, at).await?,
        What::Unplugged => notify(peer, false, at).await?,
        What::Needs { departure, energy } => {
            let Some(session) = session else { return Ok(Delivered::default()) };
            let watt_hours = i32::try_from(energy.watt_seconds() / 3600).unwrap_or(i32::MAX);
            peer.call(needs(session, watt_hours, DateTime::from_timestamp(*departure))).await?;
        }
        What::Begins(_) | What::State(..) | What::Meter(_) | What::Ends(..) => {
            return transaction_event(peer, report, id_token, offline).await;
        }
    }
    Ok(Delivered::default())
}

async fn transaction_event(
    peer: &Peer,
    report: &Report,
    id_token: &str,
    offline: bool,
) -> Result<Delivered, CallFailure> {
    let token = IdToken::new(id_token, IdTokenEnum::ISO14443);
    let begins = matches!(report.what, What::Begins(_));
    if begins {
        match peer.call(AuthorizeRequest::new(token.clone())).await {
            Ok(response) if response.id_token_info.status != AuthorizationStatus::Accepted => {
                return Ok(Delivered { denied: Some(Denial::BeforeItBegan), ..Delivered::default() });
            }
            Ok(_) => {}
            Err(failure) if is_unknown_to_peer(&failure) => {}
            Err(failure) => return Err(failure),
        }
    }
    let mut request = event(report);
    request.offline = offline.then_some(true);
    request.evse = Some(EVSE::new(EVSE_ID).with_connector_id(1));
    request.id_token = begins.then_some(token);
    let response = peer.call(request).await?;
    let refused = response.id_token_info.is_some_and(|info| info.status != AuthorizationStatus::Accepted);
    let denied = (begins && refused).then_some(Denial::AfterItBegan);
    Ok(Delivered { denied, ..Delivered::default() })
}

fn event(report: &Report) -> TransactionEventRequest {
    use TransactionEventEnum::{Ended, Started, Updated};
    let (kind, trigger, state, reading, context) = match report.what {
        What::Begins(reading) => (
            Started,
            TriggerReason::CablePluggedIn,
            Some(State201::EVConnected),
            Some(reading),
            ReadingContext::TransactionBegin,
        ),
        What::State(state, reading) => (
            Updated,
            TriggerReason::ChargingStateChanged,
            Some(charging_state(state)),
            Some(reading),
            ReadingContext::Other,
        ),
        What::Meter(reading) => {
            (Updated, TriggerReason::MeterValueClock, None, Some(reading), ReadingContext::SampleClock)
        }
        What::Ends(reading, Why::Left) => (
            Ended,
            TriggerReason::EVDeparted,
            Some(State201::Idle),
            Some(reading),
            ReadingContext::TransactionEnd,
        ),
        What::Ends(reading, Why::Denied) => (
            Ended,
            TriggerReason::Deauthorized,
            Some(State201::EVConnected),
            Some(reading),
            ReadingContext::TransactionEnd,
        ),
        What::Plugged | What::Unplugged | What::Needs { .. } => {
            (Updated, TriggerReason::Trigger, None, None, ReadingContext::Other)
        }
    };
    let mut transaction = Transaction::new(report.transaction.to_string());
    transaction.charging_state = state;
    transaction.stopped_reason = match report.what {
        What::Ends(_, Why::Left) => Some(Reason::EVDisconnected),
        What::Ends(_, Why::Denied) => Some(Reason::DeAuthorized),
        _ => None,
    };
    let at = DateTime::from_timestamp(report.at);
    let mut request = TransactionEventRequest::new(kind, at, trigger, report.sequence, transaction);
    request.meter_value = reading.map(|reading| vec![meter_value(reading, &context)]);
    request
}

fn needs(session: &SessionSpec, watt_hours: i32, departure: DateTime) -> NotifyEVChargingNeedsRequest {
    let vehicle = session.vehicle;
    let mode =
        if vehicle.phases > 1 { EnergyTransferMode::ACThreePhase } else { EnergyTransferMode::ACSinglePhase };
    let volts = i32::try_from(VOLTAGE).unwrap_or(i32::MAX);
    let mut needs = ChargingNeeds::new(mode);
    needs.ac_charging_parameters =
        Some(ACChargingParameters::new(watt_hours, 6, vehicle.maximum_current.into(), volts));
    needs.departure_time = Some(departure);
    NotifyEVChargingNeedsRequest::new(needs, EVSE_ID)
}

async fn notify(peer: &Peer, occupied: bool, at: DateTime) -> Result<(), CallFailure> {
    let status = if occupied { ConnectorStatus::Occupied } else { ConnectorStatus::Available };
    peer.call(StatusNotificationRequest::new(at, status, EVSE_ID, 1)).await.map(|_| ())
}

fn charging_state(state: ChargingState) -> State201 {
    match state {
        ChargingState::Connected => State201::EVConnected,
        ChargingState::Charging => State201::Charging,
        ChargingState::SuspendedByVehicle => State201::SuspendedEV,
        ChargingState::SuspendedByCharger => State201::SuspendedEVSE,
    }
}

fn meter_value(reading: Reading, context: &ReadingContext) -> MeterValue {
    let sample = |value: i64, measurand, unit: &str| {
        let mut sample = SampledValue::new(Decimal::from(value));
        sample.measurand = Some(measurand);
        sample.context = Some(context.clone());
        let mut of = UnitOfMeasure::new();
        of.unit = Some(unit.to_owned());
        sample.unit_of_measure = Some(of);
        sample
    };
    let register = sample(reading.register, Measurand::EnergyActiveImportRegister, "Wh");
    let power = sample(reading.power.watts(), Measurand::PowerActiveImport, "W");
    MeterValue::new(vec![register, power], DateTime::from_timestamp(reading.at))
}

async fn on_set_profile(
    call: Call<SetChargingProfileRequest>,
    State(charger): State<Arc<Shared>>,
) -> SetChargingProfileResponse {
    // K01.FR.03: a TxProfile names its transaction.
    let claim = Claim::Name(call.charging_profile.transaction_id.clone().unwrap_or_default());
    let accepted = charger.take(profile(&call), &claim);
    SetChargingProfileResponse::new(if accepted {
        ChargingProfileStatus::Accepted
    } else {
        ChargingProfileStatus::Rejected
    })
}

/// `None` for what this station cannot do, or what makes no sense.
fn profile(request: &SetChargingProfileRequest) -> Option<Profile> {
    let told = &request.charging_profile;
    // Several schedules are for a car that chooses one (ISO 15118); this one takes what it is told.
    let [schedule] = told.charging_schedule.as_slice() else { return None };
    let recurrency = told.recurrency_kind.as_ref().map(RecurrencyKind::as_str);
    let start = schedule.start_schedule.map(DateTime::timestamp);
    let periods = schedule.charging_schedule_period.iter();
    Some(Profile {
        id: told.id,
        stack_level: told.stack_level,
        purpose: Purpose::named(told.charging_profile_purpose.as_str())
            .filter(|purpose| purpose.is_of(request.evse_id))?,
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
    let criteria = call.charging_profile_criteria.as_ref();
    let wanted = criteria.and_then(|criteria| criteria.charging_profile_purpose.as_ref());
    let wanted = wanted.map(|purpose| Purpose::named(purpose.as_str()));
    let level = criteria.and_then(|criteria| criteria.stack_level);
    let evse = criteria.and_then(|criteria| criteria.evse_id);
    let any = charger.clear(|profile| match call.charging_profile_id {
        Some(id) => profile.id == id,
        None => {
            wanted.is_none_or(|wanted| wanted == Some(profile.purpose))
                && level.is_none_or(|level| level == profile.stack_level)
                && evse.is_none_or(|evse| (0..=EVSE_ID).contains(&evse))
        }
    });
    let status = if any { ClearChargingProfileStatus::Accepted } else { ClearChargingProfileStatus::Unknown };
    ClearChargingProfileResponse::new(status)
}

async fn on_composite(
    call: Call<GetCompositeScheduleRequest>,
    State(charger): State<Arc<Shared>>,
) -> GetCompositeScheduleResponse {
    if !(0..=EVSE_ID).contains(&call.evse_id) || call.duration <= 0 {
        return GetCompositeScheduleResponse::new(GenericStatus::Rejected);
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
        Some(ChargingSchedulePeriod::new(second, limit.to_string().parse::<Decimal>().ok()?))
    };
    let periods = periods.into_iter().filter_map(period).collect();
    let start = DateTime::from_timestamp(start);
    let mut response = GetCompositeScheduleResponse::new(GenericStatus::Accepted);
    response.schedule = Some(CompositeSchedule::new(periods, call.evse_id, call.duration, start, unit));
    response
}
