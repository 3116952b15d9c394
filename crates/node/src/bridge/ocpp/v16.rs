//! OCPP 1.6: what a charge point reports, and how it is told a limit.

use tieline_ocpp::types::DateTime;
use tieline_ocpp::v16::{
    AuthorizationStatus, AuthorizeRequest, AuthorizeResponse, BootNotificationRequest,
    BootNotificationResponse, ChargePointStatus, ChargingProfile, ChargingProfileKind,
    ChargingProfilePurpose, ChargingProfileStatus, ChargingRateUnit, ChargingSchedule,
    ChargingSchedulePeriod, HeartbeatRequest, HeartbeatResponse, IdTagInfo, Measurand, MeterValue,
    MeterValuesRequest, MeterValuesResponse, RegistrationStatus, SampledValue, SetChargingProfileRequest,
    StartTransactionRequest, StartTransactionResponse, StatusNotificationRequest, StatusNotificationResponse,
    StopTransactionRequest, StopTransactionResponse,
};
use tieline_ocpp::{Ocpp, Peer};
use tieline_service::{After, Call, Router, State};
use tracing::info;

use super::booking::{Beginning, Report, power, register};
use super::steering::{Profile, Told};
use super::{Chargers, NotServed};
use crate::config::ProfileUnit;
use crate::fleet::{Made, MeterReading, Purpose, Session, SessionKey};

pub(super) fn routes(router: Router<Ocpp, Chargers>) -> Router<Ocpp, Chargers> {
    router
        .on(on_boot)
        .on(on_heartbeat)
        .on(on_authorize)
        .on(on_status)
        .on(on_start)
        .on(on_meter_values)
        .on(on_stop)
}

async fn on_boot(
    call: Call<BootNotificationRequest>,
    State(chargers): State<Chargers>,
    peer: Peer,
) -> Result<(BootNotificationResponse, After), NotServed> {
    info!(charger = %peer.identity(), vendor = call.charge_point_vendor, model = call.charge_point_model, "booted");
    let made = Made {
        vendor: call.charge_point_vendor.clone(),
        model: call.charge_point_model.clone(),
        serial_number: call.charge_point_serial_number.clone(),
        firmware: call.firmware_version.clone(),
        booted: chargers.now().timestamp(),
    };
    let after = chargers.booted(&peer, made).await?;
    let (now, interval) = (chargers.now(), chargers.heartbeat_seconds());
    Ok((BootNotificationResponse::new(RegistrationStatus::Accepted, now, interval), after))
}

async fn on_heartbeat(_call: Call<HeartbeatRequest>, State(chargers): State<Chargers>) -> HeartbeatResponse {
    HeartbeatResponse::new(chargers.now())
}

async fn on_authorize(call: Call<AuthorizeRequest>, State(chargers): State<Chargers>) -> AuthorizeResponse {
    AuthorizeResponse::new(id_tag_info(&chargers, &call.id_tag))
}

async fn on_status(
    call: Call<StatusNotificationRequest>,
    State(chargers): State<Chargers>,
    peer: Peer,
) -> Result<StatusNotificationResponse, NotServed> {
    info!(charger = %peer.identity(), connector = call.connector_id, status = ?call.status, error = ?call.error_code, "status");
    let takes = match call.status {
        ChargePointStatus::Charging | ChargePointStatus::SuspendedEVSE => Some(true),
        ChargePointStatus::SuspendedEV => Some(false),
        _ => None,
    };
    if let (Some(takes), Ok(connector)) = (takes, u16::try_from(call.connector_id))
        && let Some(session) = chargers.session_at(peer.identity().as_str(), connector).await?
    {
        let at = call.timestamp.map_or_else(|| chargers.now().timestamp(), DateTime::timestamp);
        chargers.report(&session, &Report { takes: Some((at, takes)), ..Report::default() }).await?;
    }
    Ok(StatusNotificationResponse::new())
}

async fn on_start(
    call: Call<StartTransactionRequest>,
    State(chargers): State<Chargers>,
    peer: Peer,
) -> Result<StartTransactionResponse, NotServed> {
    let number = chargers
        .start_numbered(
            peer.identity().as_str(),
            call.connector_id,
            call.timestamp.timestamp(),
            call.meter_start,
        )
        .await?;
    Ok(StartTransactionResponse::new(id_tag_info(&chargers, &call.id_tag), number))
}

/// A transaction that another CSMS has given this number.
pub(super) fn beginning(peer: &Peer, start: &StartTransactionRequest, number: i32) -> Beginning {
    let at = start.timestamp.timestamp();
    let register = register(start.meter_start.into(), None, 0);
    Beginning {
        key: key(peer, number),
        evse: u16::try_from(start.connector_id).unwrap_or(Session::UNKNOWN_EVSE),
        at,
        reading: register.map(|energy| MeterReading { at, energy, power: None }),
    }
}

async fn on_meter_values(
    call: Call<MeterValuesRequest>,
    State(chargers): State<Chargers>,
    peer: Peer,
) -> Result<MeterValuesResponse, NotServed> {
    if let Some(number) = call.transaction_id {
        let report = Report { readings: readings(&call.meter_value), ..Report::default() };
        chargers.report(&key(&peer, number), &report).await?;
    }
    Ok(MeterValuesResponse::new())
}

async fn on_stop(
    call: Call<StopTransactionRequest>,
    State(chargers): State<Chargers>,
    peer: Peer,
) -> Result<StopTransactionResponse, NotServed> {
    let at = call.timestamp.timestamp();
    let mut readings = readings(call.transaction_data.as_deref().unwrap_or_default());
    let last = register(call.meter_stop.into(), None, 0);
    readings.extend(last.map(|energy| MeterReading { at, energy, power: None }));
    let report = Report { readings, ended: Some(at), ..Report::default() };
    chargers.report(&key(&peer, call.transaction_id), &report).await?;
    Ok(StopTransactionResponse::new())
}

fn id_tag_info(chargers: &Chargers, id_tag: &str) -> IdTagInfo {
    IdTagInfo::new(if chargers.config.id_tokens.accepts(id_tag) {
        AuthorizationStatus::Accepted
    } else {
        AuthorizationStatus::Invalid
    })
}

fn key(peer: &Peer, number: i32) -> SessionKey {
    SessionKey { charger: peer.identity().as_str().to_owned(), transaction: number.to_string() }
}

fn readings(values: &[MeterValue]) -> Vec<MeterReading> {
    let of_value = |value: &MeterValue| {
        let whole = |kind: Measurand| {
            let is_it = move |sample: &&SampledValue| {
                sample.measurand.as_ref().unwrap_or(&Measurand::EnergyActiveImportRegister) == &kind
                    && sample.phase.is_none()
            };
            let sample = value.sampled_value.iter().find(is_it)?;
            Some((sample.value.trim().parse().ok()?, sample.unit.as_ref().map(ToString::to_string)))
        };
        let (energy, unit) = whole(Measurand::EnergyActiveImportRegister)?;
        let energy = register(energy, unit.as_deref(), 0)?;
        let power =
            whole(Measurand::PowerActiveImport).and_then(|(watts, unit)| power(watts, unit.as_deref(), 0));
        Some(MeterReading { at: value.timestamp.timestamp(), energy, power })
    };
    values.iter().filter_map(of_value).collect()
}

/// Tells a session its limits: a profile that starts and ends.
pub(super) async fn tell(peer: &Peer, profile: &Profile) -> Result<Told, tieline_ocpp::CallFailure> {
    let periods =
        profile.periods.iter().map(|(second, limit)| ChargingSchedulePeriod::new(*second, *limit)).collect();
    let unit = match profile.unit {
        ProfileUnit::W => ChargingRateUnit::W,
        ProfileUnit::A => ChargingRateUnit::A,
    };
    let mut schedule = ChargingSchedule::new(unit, periods);
    schedule.duration = Some(profile.duration);
    schedule.start_schedule = Some(profile.start);
    let (purpose, connector) = match profile.purpose {
        Purpose::Transaction => (ChargingProfilePurpose::TxProfile, profile.evse),
        Purpose::Default => (ChargingProfilePurpose::TxDefaultProfile, profile.evse),
        Purpose::Station => (ChargingProfilePurpose::ChargePointMaxProfile, 0),
    };
    let kind = ChargingProfileKind::Absolute;
    let mut charging_profile = ChargingProfile::new(profile.id, profile.stack_level, purpose, kind, schedule);
    if profile.purpose == Purpose::Transaction {
        charging_profile.transaction_id = profile.transaction.parse().ok();
    }
    let request = SetChargingProfileRequest::new(connector, charging_profile);
    let response = peer.call(request).await?;
    Ok(match response.status {
        ChargingProfileStatus::Accepted => Told::Accepted,
        other => Told::Refused(format!("{other:?}")),
    })
}
