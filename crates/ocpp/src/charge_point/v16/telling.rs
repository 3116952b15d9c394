//! What a charge point says in 1.6.

use ocpp_kit::station::authorization::IdTokenInfo;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::charge_point::evse::IdToken;
use crate::charge_point::hardware::Meter;
use crate::charge_point::state::status_named;
use crate::charge_point::status::Status;
use crate::charge_point::transactions::{Kind, Step};
use crate::charge_point::upkeep::Way;
use crate::charge_point::{ChargePoint, Link, Owed};
use crate::decode::{Payload, decode};
use crate::types::DateTime;
use crate::v16::{
    AuthorizationStatus, AuthorizeRequest, ChargePointErrorCode, ChargePointStatus, DiagnosticsStatus,
    DiagnosticsStatusNotificationRequest, FirmwareStatus, FirmwareStatusNotificationRequest, IdTagInfo,
    LogStatusNotificationRequest, Measurand, MeterValue, MeterValuesRequest, ReadingContext, Reason,
    SampledValue, SecurityEventNotificationRequest, SignedFirmwareStatus,
    SignedFirmwareStatusNotificationRequest, StartTransactionRequest, StartTransactionResponse,
    StatusNotificationRequest, StopTransactionRequest, StopTransactionResponse, UnitOfMeasure,
    UploadLogStatus,
};
use crate::{CallFailure, Tolerance, Version};

/// Keeps what a step of a transaction must tell.
pub(in crate::charge_point) fn tell(link: &Link, step: &Step<'_>) {
    let number = step.transaction.number;
    let register = i32::try_from(step.register).unwrap_or(i32::MAX);
    match step.kind {
        Kind::Started => {
            let token = step.transaction.authorization.as_ref().map_or("", |driver| &driver.token.id_token);
            let mut start = StartTransactionRequest::new(step.evse, token, register, step.at);
            start.reservation_id = step.transaction.reservation;
            link.owe_with(&start, (OURS, number.into()));
        }
        Kind::Updated => {
            // Other updates are steps of 2.x; here a StatusNotification tells them.
            let Some((meter, context)) = step.meter else { return };
            let mut values = MeterValuesRequest::new(step.evse, vec![meter_value(meter, context, step.at)]);
            values.transaction_id = Some(number);
            link.owe(&values);
        }
        Kind::Ended => {
            let mut end = StopTransactionRequest::new(register, step.at, number);
            end.reason = step.reason.map(Reason::from_wire).filter(Reason::is_known).or(Some(Reason::Other));
            end.id_tag = step.transaction.authorization.as_ref().map(|driver| driver.token.id_token.clone());
            end.transaction_data =
                step.meter.map(|(meter, context)| vec![meter_value(meter, context, step.at)]);
            link.owe(&end);
        }
    }
}

/// The member in which messages that wait name their transaction by our number. A StartTransaction has none on the wire.
const OURS: &str = "transactionId";

/// The payload with the number that the CSMS has given to the transaction (1.6 §4.8); -1 where its answer was lost
/// (errata 4.0 §3.18).
pub(in crate::charge_point) fn complete(point: &ChargePoint, owed: &Owed) -> Box<RawValue> {
    let Ok(Value::Object(mut payload)) = serde_json::from_str(owed.payload.get()) else {
        return owed.payload.clone();
    };
    let Some(ours) = payload.remove(OURS) else { return owed.payload.clone() };
    if owed.action != "StartTransaction" {
        let ours = ours.as_i64().and_then(|ours| i32::try_from(ours).ok());
        let theirs = ours.and_then(|ours| point.locked().snapshot.numbers.get(&ours).copied());
        payload.insert(OURS.to_owned(), theirs.unwrap_or(-1).into());
    }
    to_raw_value(&payload).unwrap_or_else(|_| owed.payload.clone())
}

/// What follows from the answer to a message about a transaction.
pub(in crate::charge_point) fn delivered(
    point: &ChargePoint,
    owed: &Owed,
    result: Result<&RawValue, &CallFailure>,
) {
    let Ok(result) = result else { return };
    match owed.action.as_str() {
        "StartTransaction" => {
            let Some(response) = read::<StartTransactionResponse>("StartTransaction", result) else { return };
            started(point, owed, &response);
        }
        "StopTransaction" => {
            let read = read::<StopTransactionResponse>("StopTransaction", result);
            if let (Some(info), Ok(stop)) = (
                read.and_then(|read| read.id_tag_info),
                serde_json::from_str::<StopTransactionRequest>(owed.payload.get()),
            ) {
                if let Some(token) = stop.id_tag {
                    point.locked().authorizer.remember(&token, info_of(&info));
                }
                point.change(|state| state.snapshot.numbers.remove(&stop.transaction_id));
            }
        }
        _ => {}
    }
}

fn read<R: Payload>(action: &'static str, result: &RawValue) -> Option<R> {
    let read = decode::<R>(Version::V1_6, action, result, &Tolerance::default());
    read.inspect_err(|cause| tracing::warn!(protocol = "ocpp", action, %cause, "an answer cannot be read"))
        .ok()
}

fn started(point: &ChargePoint, owed: &Owed, response: &StartTransactionResponse) {
    let Ok(start) = serde_json::from_str::<Value>(owed.payload.get()) else { return };
    let ours = start.get(OURS).and_then(Value::as_i64).and_then(|ours| i32::try_from(ours).ok());
    let Some(ours) = ours else { return };
    if let Some(token) = start.get("idTag").and_then(Value::as_str) {
        point.locked().authorizer.remember(token, info_of(&response.id_tag_info));
    }
    let running = point.change(|state| {
        state.snapshot.numbers.insert(ours, response.transaction_id);
        let mut running =
            state.evses.iter().filter_map(|evse| Some((evse.id, evse.kept.transaction.as_ref()?)));
        let running = running.find(|(_, transaction)| transaction.number == ours);
        let running = running.map(|(evse, transaction)| (evse, transaction.id.clone()));
        if let Some((evse, _)) = &running {
            state.profiles.rename(*evse, &response.transaction_id.to_string());
        }
        running
    });
    if response.id_tag_info.status != AuthorizationStatus::Accepted
        && let Some((evse, id)) = running
    {
        point.deauthorized(evse, &id);
    }
}

fn info_of(info: &IdTagInfo) -> IdTokenInfo {
    let mut known = IdTokenInfo::new(status_named(info.status.as_str()));
    known.expires = info.expiry_date;
    known.group_id.clone_from(&info.parent_id_tag);
    known
}

/// Asks whether a driver may charge (1.6 §4.1).
pub(in crate::charge_point) async fn authorize(
    link: &Link,
    token: &IdToken,
) -> Result<IdTokenInfo, CallFailure> {
    let response = link.call(AuthorizeRequest::new(token.id_token.as_str())).await?;
    Ok(info_of(&response.id_tag_info))
}

/// Meter values outside of any transaction (1.6 §4.7).
pub(in crate::charge_point) async fn meter_values(
    link: &Link,
    evse: i32,
    meter: Meter,
    context: &str,
) -> Result<(), CallFailure> {
    let values = MeterValuesRequest::new(evse, vec![meter_value(meter, context, link.now())]);
    link.answer(&values).await.map(|_| ())
}

pub(super) fn meter_value(meter: Meter, context: &str, at: DateTime) -> MeterValue {
    let sample = |value: i64, measurand, unit| {
        let mut sample = SampledValue::new(value.to_string());
        sample.context = Some(ReadingContext::from_wire(context));
        sample.measurand = Some(measurand);
        sample.unit = Some(unit);
        sample
    };
    let mut values =
        vec![sample(meter.import_register, Measurand::EnergyActiveImportRegister, UnitOfMeasure::Wh)];
    values.extend(meter.power.map(|power| sample(power, Measurand::PowerActiveImport, UnitOfMeasure::W)));
    values.extend(meter.state_of_charge.map(|charge| sample(charge, Measurand::SoC, UnitOfMeasure::Percent)));
    MeterValue::new(at, values)
}

/// Tells how a connector is (1.6 §4.9). `asked`: by a TriggerMessage.
pub(in crate::charge_point) async fn status(
    link: &Link,
    status: &Status,
    asked: bool,
) -> Result<(), CallFailure> {
    let error = ChargePointErrorCode::from_wire(&status.error_code);
    let error = if error.is_known() { error } else { ChargePointErrorCode::OtherError };
    let state = ChargePointStatus::from_wire(status.word);
    let mut request = StatusNotificationRequest::new(status.evse, error, state);
    request.timestamp = Some(link.now());
    if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
}

/// Tells how firmware stands (1.6 §4.5, whitepaper L01).
pub(in crate::charge_point) async fn firmware_status(
    link: &Link,
    status: &str,
    way: Way,
    asked: bool,
) -> Result<(), CallFailure> {
    match way {
        Way::Plain => {
            let known = FirmwareStatus::from_wire(status);
            // The old way knows fewer steps.
            if !known.is_known() {
                return Ok(());
            }
            let request = FirmwareStatusNotificationRequest::new(known);
            if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
        }
        Way::Numbered(number) => {
            let mut request =
                SignedFirmwareStatusNotificationRequest::new(SignedFirmwareStatus::from_wire(status));
            // Nothing was asked for yet: then there is no number (whitepaper §5.25).
            request.request_id = (status != "Idle").then_some(number);
            if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
        }
    }
}

/// Tells how an upload stands (1.6 §4.4, whitepaper N01).
pub(in crate::charge_point) async fn log_status(
    link: &Link,
    status: &str,
    way: Way,
    asked: bool,
) -> Result<(), CallFailure> {
    match way {
        Way::Plain => {
            let known = DiagnosticsStatus::from_wire(status);
            let known = if known.is_known() { known } else { DiagnosticsStatus::UploadFailed };
            let request = DiagnosticsStatusNotificationRequest::new(known);
            if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
        }
        Way::Numbered(number) => {
            let mut request = LogStatusNotificationRequest::new(UploadLogStatus::from_wire(status));
            request.request_id = (status != "Idle").then_some(number);
            if asked { link.answer(&request).await.map(|_| ()) } else { link.call(request).await.map(|_| ()) }
        }
    }
}

/// Keeps a SecurityEventNotification (whitepaper A04.FR.02: it is queued).
pub(in crate::charge_point) fn security_event(link: &Link, kind: &str, details: Option<&str>) {
    let mut request = SecurityEventNotificationRequest::new(kind, link.now());
    request.tech_info = details.map(|details| details.chars().take(255).collect());
    link.owe(&request);
}
