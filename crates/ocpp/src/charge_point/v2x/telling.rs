//! What a charge point says in 2.x.

use ocpp_kit::station::authorization::IdTokenInfo;
use serde_json::value::RawValue;

use super::messages::{
    AuthorizationStatus, AuthorizeRequest, ChargingState, ConnectorStatus, EVSE, FirmwareStatus,
    FirmwareStatusNotificationRequest, LogStatusNotificationRequest, Measurand, MeterValue,
    MeterValuesRequest, ReadingContext, Reason, ReservationStatusUpdateRequest, ReservationUpdateStatus,
    SampledValue, SecurityEventNotificationRequest, StatusNotificationRequest, Transaction,
    TransactionEventEnum, TransactionEventRequest, TransactionEventResponse, TriggerReason, UnitOfMeasure,
    UploadLogStatus,
};
use super::{VERSION, id_token, messages};
use crate::charge_point::evse::IdToken;
use crate::charge_point::hardware::Meter;
use crate::charge_point::state::status_named;
use crate::charge_point::status::Status;
use crate::charge_point::transactions::{Kind, Step};
use crate::charge_point::upkeep::Way;
use crate::charge_point::{ChargePoint, Link, Owed};
use crate::types::{DateTime, Decimal};
use crate::{CallFailure, Tolerance};

/// Keeps what a step of a transaction must tell (E01 to E07).
pub(in crate::charge_point) fn tell(link: &Link, step: &Step<'_>) {
    let kind = TransactionEventEnum::from_wire(step.kind.as_str());
    let trigger = TriggerReason::from_wire(step.trigger);
    let mut transaction = Transaction::new(step.transaction.id.as_str());
    transaction.charging_state = Some(ChargingState::from_wire(step.charging_state));
    transaction.stopped_reason = step
        .reason
        .map(Reason::from_wire)
        .map(|reason| if reason.is_known() { reason } else { Reason::Other });
    let driver = step.transaction.authorization.as_ref();
    // F02.FR.01: by which the CSMS knows its request again.
    transaction.remote_start_id = driver.and_then(|driver| driver.remote_start_id);
    let mut event = TransactionEventRequest::new(kind, step.at, trigger, step.sequence, transaction);
    event.meter_value = step.meter.map(|(meter, context)| vec![meter_value(meter, context, step.at)]);
    event.offline = step.offline.then_some(true);
    event.evse = Some(EVSE::new(step.evse).with_connector_id(1));
    // E03.FR.01: with the first event after the authorization, and no more.
    event.id_token = step.token.map(|driver| id_token(&driver.token));
    event.reservation_id = step.transaction.reservation.filter(|_| step.kind == Kind::Started);
    link.owe(&event);
}

/// What follows from the answer to a TransactionEvent (E05).
pub(in crate::charge_point) fn delivered(
    point: &ChargePoint,
    owed: &Owed,
    result: Result<&RawValue, &CallFailure>,
) {
    let Ok(result) = result else { return };
    if owed.action != "TransactionEvent" {
        return;
    }
    let read = crate::decode::decode::<TransactionEventResponse>(
        VERSION,
        "TransactionEvent",
        result,
        &Tolerance::default(),
    );
    let response = match read {
        Ok(response) => response,
        Err(cause) => {
            tracing::warn!(protocol = "ocpp", %cause, "the answer to a TransactionEvent cannot be read");
            return;
        }
    };
    let Some(info) = response.id_token_info else { return };
    let Ok(event) = serde_json::from_str::<TransactionEventRequest>(owed.payload.get()) else { return };
    if let Some(token) = &event.id_token {
        point.locked().authorizer.remember(&token.id_token, info_of(&info));
    }
    let transaction = event.transaction_info.transaction_id;
    if info.status != AuthorizationStatus::Accepted {
        let evse = point.locked().evse_of(&transaction).map(|evse| evse.id);
        if let Some(evse) = evse {
            point.deauthorized(evse, &transaction);
        }
    }
}

pub(super) fn info_of(info: &messages::IdTokenInfo) -> IdTokenInfo {
    let mut known = IdTokenInfo::new(status_named(info.status.as_str()));
    known.expires = info.cache_expiry_date_time;
    known.group_id = info.group_id_token.as_ref().map(|group| group.id_token.clone());
    known
}

/// Asks whether a driver may charge (C01).
pub(in crate::charge_point) async fn authorize(
    link: &Link,
    token: &IdToken,
) -> Result<IdTokenInfo, CallFailure> {
    let response = link.call(AuthorizeRequest::new(id_token(token))).await?;
    Ok(info_of(&response.id_token_info))
}

/// Meter values outside of any transaction (J01).
pub(in crate::charge_point) async fn meter_values(
    link: &Link,
    evse: i32,
    meter: Meter,
    context: &str,
) -> Result<(), CallFailure> {
    let values = MeterValuesRequest::new(evse, vec![meter_value(meter, context, link.now())]);
    link.answer(&values).await.map(|_| ())
}

fn meter_value(meter: Meter, context: &str, at: DateTime) -> MeterValue {
    let sample = |value: i64, measurand, unit: &str| {
        let mut sample = SampledValue::new(Decimal::from(value));
        sample.context = Some(ReadingContext::from_wire(context));
        sample.measurand = Some(measurand);
        let mut of = UnitOfMeasure::new();
        of.unit = Some(unit.to_owned());
        sample.unit_of_measure = Some(of);
        sample
    };
    let mut values = vec![sample(meter.import_register, Measurand::EnergyActiveImportRegister, "Wh")];
    values.extend(meter.power.map(|power| sample(power, Measurand::PowerActiveImport, "W")));
    values.extend(meter.state_of_charge.map(|charge| sample(charge, Measurand::SoC, "Percent")));
    MeterValue::new(values, at)
}

/// Tells how a connector is (G01). `asked`: by a TriggerMessage.
pub(in crate::charge_point) async fn status(
    link: &Link,
    status: &Status,
    asked: bool,
) -> Result<(), CallFailure> {
    let state = ConnectorStatus::from_wire(status.word);
    let request = StatusNotificationRequest::new(link.now(), state, status.evse, 1);
    if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
}

/// Tells how firmware stands (L01).
pub(in crate::charge_point) async fn firmware_status(
    link: &Link,
    status: &str,
    way: Way,
    asked: bool,
) -> Result<(), CallFailure> {
    let mut request = FirmwareStatusNotificationRequest::new(FirmwareStatus::from_wire(status));
    request.request_id = number(status, way);
    if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
}

/// Tells how an upload stands (N01).
pub(in crate::charge_point) async fn log_status(
    link: &Link,
    status: &str,
    way: Way,
    asked: bool,
) -> Result<(), CallFailure> {
    let mut request = LogStatusNotificationRequest::new(UploadLogStatus::from_wire(status));
    request.request_id = number(status, way);
    if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
}

/// The number of the request, unless nothing is going on (L01.FR.20, N01.FR.18).
fn number(status: &str, way: Way) -> Option<i32> {
    match way {
        Way::Numbered(number) if status != "Idle" => Some(number),
        _ => None,
    }
}

/// Tells that a reservation has ended without its driver (H04).
pub(in crate::charge_point) async fn reservation_ended(link: &Link, reservation: i32, how: &str) {
    let how = ReservationUpdateStatus::from_wire(how);
    if let Err(failure) = link.call(ReservationStatusUpdateRequest::new(reservation, how)).await {
        tracing::warn!(protocol = "ocpp", reservation, %failure, "the CSMS does not know that a reservation has ended");
    }
}

/// Keeps a SecurityEventNotification (A04.FR.02: it is queued).
pub(in crate::charge_point) fn security_event(link: &Link, kind: &str, details: Option<&str>) {
    let mut request = SecurityEventNotificationRequest::new(kind, link.now());
    request.tech_info = details.map(|details| details.chars().take(255).collect());
    link.owe(&request);
}
