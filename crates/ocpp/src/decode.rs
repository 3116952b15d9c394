//! Payloads: read as strictly as their peer can be read.

mod classify;
mod objects;
mod repair;
mod tenths;

use std::any::Any;

use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
use ocpp_kit::validate::{Validate, Violation, ViolationKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Tolerance, Version};

/// What a payload is read as.
pub(crate) trait Payload: DeserializeOwned + Serialize + Validate + Any {}

impl<T: DeserializeOwned + Serialize + Validate + Any> Payload for T {}

/// Reads the payload of a request of this action, or of a response to one.
pub(crate) fn decode<T: Payload>(
    version: Version,
    action: &str,
    payload: &RawValue,
    tolerance: &Tolerance,
) -> Result<T, DecodeError> {
    let text = object(version, payload, tolerance)?;
    match at_once(text, tolerance) {
        Some(value) => Ok(value),
        None => read(action, text, tolerance),
    }
}

/// Does the same, for those who are in no hurry.
#[cfg(feature = "validation")]
pub(crate) fn decode_in_detail<T: Payload>(
    version: Version,
    action: &str,
    payload: &RawValue,
    tolerance: &Tolerance,
) -> Result<T, DecodeError> {
    read(action, object(version, payload, tolerance)?, tolerance)
}

/// The text of a payload, which is an object.
fn object<'p>(
    version: Version,
    payload: &'p RawValue,
    tolerance: &Tolerance,
) -> Result<&'p str, DecodeError> {
    let text = payload.get();
    if text.len() > tolerance.max_payload {
        return Err(format(&format_args!("{} bytes are more than {}", text.len(), tolerance.max_payload)));
    }
    // OCPP 1.6 allows `null` for an empty payload (1.6-J §4.2.1).
    if version == Version::V1_6 && text == "null" {
        return Ok("{}");
    }
    if text.starts_with('{') { Ok(text) } else { Err(format(&"the payload is not a JSON object")) }
}

/// Reads a payload in which something is wrong: says what it is, or forgives it.
fn read<T: Payload>(action: &str, text: &str, tolerance: &Tolerance) -> Result<T, DecodeError> {
    in_detail(text, tolerance).or_else(|error| repair::read(action, text, tolerance, error))
}

/// Told of each member that is not defined. One type for all messages: a closure of its own for each would have the compiler make
/// every data type anew for every message that holds it.
type Heed<'h> = &'h mut dyn FnMut(serde_ignored::Path<'_>);

const fn heed(heed: Heed<'_>) -> Heed<'_> {
    heed
}

/// Reads a payload in which nothing is wrong; `None` leaves open what is.
fn at_once<T: Payload>(text: &str, tolerance: &Tolerance) -> Option<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut is_defined = true;
    let value: T =
        serde_ignored::deserialize(objects::Objects(&mut json), heed(&mut |_| is_defined = false)).ok()?;
    let may_have_null = !tolerance.null_members && text.contains("null");
    let is_right = (is_defined || tolerance.undefined_members) && !may_have_null;
    (is_right && value.validate().is_ok() && is_fine(&value, tolerance).is_ok()).then_some(value)
}

/// Reads a payload and says what is wrong with it.
fn in_detail<T: Payload>(text: &str, tolerance: &Tolerance) -> Result<T, DecodeError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let mut undefined = None;
    let mut heed_first = |path: serde_ignored::Path<'_>| {
        undefined.get_or_insert_with(|| classify::ignored(&path));
    };
    let tracked = serde_path_to_error::Deserializer::new(objects::Objects(&mut json), &mut track);
    let read = serde_ignored::deserialize(tracked, heed(&mut heed_first));
    let value: T = read.map_err(|error| classify::unreadable(&track.path(), &error))?;
    if let Some(path) = undefined.filter(|_| !tolerance.undefined_members) {
        return Err(DecodeError::new(DecodeErrorKind::UnknownField, path, "the member is not defined"));
    }
    if let Err(violations) = value.validate()
        && let Some(violation) = violations.into_iter().find(|violation| {
            !is_forgiven(violation, tolerance) && !classify::is_in_schema(&value, violation)
        })
    {
        return Err(classify::violation(violation));
    }
    if !tolerance.null_members {
        no_null(text, &value)?;
    }
    is_fine(&value, tolerance)?;
    Ok(value)
}

fn is_forgiven(violation: &Violation, tolerance: &Tolerance) -> bool {
    match violation.kind {
        ViolationKind::UnknownEnumValue => tolerance.undefined_values,
        ViolationKind::Property => tolerance.long_strings && violation.reason.starts_with("maxLength "),
        _ => false,
    }
}

fn format(cause: &dyn std::fmt::Display) -> DecodeError {
    DecodeError::new(DecodeErrorKind::Format, "", cause.to_string())
}

fn is_fine<T: Payload>(value: &T, tolerance: &Tolerance) -> Result<(), DecodeError> {
    if tolerance.fine_limits { Ok(()) } else { tenths::check(value) }
}

/// An optional member that is absent is left out (2.x Part 4 §4.2.1); `null` is a value only where anything may be one.
fn no_null<T: Payload>(text: &str, value: &T) -> Result<(), DecodeError> {
    let mut received: Value = serde_json::from_str(text).map_err(|error| format(&error))?;
    if classify::has_any_data(value) {
        let _ = received.as_object_mut().and_then(|members| members.remove("data"));
    }
    let understood = serde_json::to_value(value).map_err(|error| format(&error))?;
    match null_in(&received, &understood, &mut String::new()) {
        Some(path) => Err(DecodeError::new(DecodeErrorKind::Type, path, "invalid type: null")),
        None => Ok(()),
    }
}

/// The first `null` that was read as nothing.
fn null_in(received: &Value, understood: &Value, path: &mut String) -> Option<String> {
    let length = path.len();
    let mut inside = |name: &str, received: &Value, understood: Option<&Value>| {
        path.push('/');
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let found = match understood {
            None => received.is_null().then(|| path.clone()),
            Some(understood) => null_in(received, understood, path),
        };
        path.truncate(length);
        found
    };
    match (received, understood) {
        (Value::Object(received), Value::Object(understood)) => {
            received.iter().find_map(|(name, member)| inside(name, member, understood.get(name)))
        }
        (Value::Array(received), Value::Array(understood)) => received
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(index, (item, understood))| inside(&index.to_string(), item, Some(understood))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{AbsentMember, v16, v21, v201};

    fn read<R: crate::Action>(
        payload: &Value,
        tolerance: &Tolerance,
    ) -> Result<Value, (DecodeErrorKind, String)> {
        let payload = serde_json::value::to_raw_value(payload).unwrap();
        decode::<R>(R::VERSION, R::NAME, &payload, tolerance)
            .map(|read| serde_json::to_value(&read).unwrap())
            .map_err(|error| (error.kind, error.path))
    }

    fn forgiving(name: &str) -> Tolerance {
        let mut tolerance = Tolerance::strict();
        tolerance.set(name).unwrap();
        tolerance
    }

    fn boot() -> Value {
        json!({"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}})
    }

    #[test]
    fn a_member_that_is_not_defined_is_refused_or_ignored() {
        let mut sent = boot();
        sent["chargingStation"]["colour"] = "red".into();
        let refused = read::<v201::BootNotificationRequest>(&sent, &Tolerance::strict());
        assert_eq!(refused, Err((DecodeErrorKind::UnknownField, "/chargingStation/colour".to_owned())));
        let ignored = read::<v201::BootNotificationRequest>(&sent, &forgiving("undefined_members"));
        assert_eq!(ignored, Ok(boot()));
    }

    #[test]
    fn what_custom_data_holds_is_defined_by_its_vendor() {
        let mut sent = boot();
        sent["customData"] = json!({"vendorId": "x", "anything": {"SCREAMING_case": [1, null, "null"]}});
        assert_eq!(read::<v21::BootNotificationRequest>(&sent, &Tolerance::strict()), Ok(sent));
        let transfer = json!({"vendorId": "x", "data": {"nothing": null}});
        assert_eq!(read::<v201::DataTransferRequest>(&transfer, &Tolerance::strict()), Ok(transfer));
        let transfer = json!({"vendorId": "x", "data": null});
        assert!(read::<v201::DataTransferRequest>(&transfer, &Tolerance::strict()).is_ok());
    }

    #[test]
    fn an_array_is_no_object() {
        let wrong = |sent: Value, place: &str| {
            let refused = read::<v201::BootNotificationRequest>(&sent, &Tolerance::strict());
            assert_eq!(refused, Err((DecodeErrorKind::Type, place.to_owned())), "{sent}");
        };
        let mut sent = boot();
        // All its members are optional.
        sent["chargingStation"]["modem"] = json!([]);
        wrong(sent.clone(), "/chargingStation/modem");
        sent["chargingStation"]["modem"] = json!(["iccid", "imsi"]);
        wrong(sent, "/chargingStation/modem");
        wrong(json!({"reason": "PowerUp", "chargingStation": ["m", "v"]}), "/chargingStation");
        let event = json!({"connectorId": 1, "meterValue": [["2026-06-01T00:00:00Z", []]]});
        let refused = read::<v16::MeterValuesRequest>(&event, &Tolerance::strict());
        assert_eq!(refused, Err((DecodeErrorKind::Type, "/meterValue/0".to_owned())));
    }

    /// The schema of `StopTransaction` (1.6) has no `minItems`, unlike that of `MeterValues`.
    #[test]
    fn transaction_data_may_have_no_sampled_value() {
        let sent = json!({
            "meterStop": 1, "timestamp": "2026-06-01T00:00:00Z", "transactionId": 1,
            "transactionData": [{"timestamp": "2026-06-01T00:00:00Z", "sampledValue": []}],
        });
        assert_eq!(read::<v16::StopTransactionRequest>(&sent, &Tolerance::strict()), Ok(sent));
        let value = json!({"timestamp": "2026-06-01T00:00:00Z", "sampledValue": []});
        let refused = read::<v16::MeterValuesRequest>(
            &json!({"connectorId": 1, "meterValue": [value]}),
            &Tolerance::strict(),
        );
        assert_eq!(refused, Err((DecodeErrorKind::Occurrence, "/meterValue/0/sampledValue".to_owned())));
    }

    #[test]
    fn null_is_no_way_to_leave_a_member_out() {
        let mut sent = boot();
        sent["chargingStation"]["serialNumber"] = Value::Null;
        let refused = read::<v201::BootNotificationRequest>(&sent, &Tolerance::strict());
        assert_eq!(refused, Err((DecodeErrorKind::Type, "/chargingStation/serialNumber".to_owned())));
        assert_eq!(read::<v201::BootNotificationRequest>(&sent, &forgiving("null_members")), Ok(boot()));
        // A text that holds the word is none.
        sent["chargingStation"]["serialNumber"] = "null".into();
        assert_eq!(read::<v201::BootNotificationRequest>(&sent, &Tolerance::strict()), Ok(sent));
    }

    #[test]
    fn a_string_that_is_too_long_is_refused_or_taken_whole() {
        let sent = json!({"idTag": "x".repeat(30)});
        let refused = read::<v16::AuthorizeRequest>(&sent, &Tolerance::strict());
        assert_eq!(refused, Err((DecodeErrorKind::Property, "/idTag".to_owned())));
        assert_eq!(read::<v16::AuthorizeRequest>(&sent, &forgiving("long_strings")), Ok(sent));
    }

    #[test]
    fn units_and_times_of_real_chargers_are_understood() {
        let values = |unit: &str, time: &str| {
            let value = json!({"value": "50", "measurand": "Frequency", "unit": unit});
            json!({"connectorId": 1, "meterValue": [{"timestamp": time, "sampledValue": [value]}]})
        };
        let strict =
            read::<v16::MeterValuesRequest>(&values("Hz", "2026-06-01T00:00:00Z"), &Tolerance::strict());
        let unit = "/meterValue/0/sampledValue/0/unit";
        assert_eq!(strict, Err((DecodeErrorKind::Property, unit.to_owned())));
        let mut tolerance = forgiving("undefined_values");
        tolerance.set("date_times").unwrap();
        let read = read::<v16::MeterValuesRequest>(&values("Hz", "2026-06-01 00:00:00"), &tolerance).unwrap();
        assert_eq!(read["meterValue"][0]["sampledValue"][0]["unit"], "Hz");
    }

    #[test]
    fn limits_of_1_6_are_multiples_of_a_tenth() {
        let profile = |limit: f64, least: f64| {
            json!({"connectorId": 1, "csChargingProfiles": {
                "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Relative", "chargingSchedule": {
                    "chargingRateUnit": "A", "minChargingRate": least,
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}, {"startPeriod": 9, "limit": limit}]}}})
        };
        let strict = Tolerance::strict();
        assert!(read::<v16::SetChargingProfileRequest>(&profile(21.4, 6.0), &strict).is_ok());
        let refused = read::<v16::SetChargingProfileRequest>(&profile(21.45, 6.0), &strict);
        let path = "/csChargingProfiles/chargingSchedule/chargingSchedulePeriod/1/limit";
        assert_eq!(refused, Err((DecodeErrorKind::Property, path.to_owned())));
        let refused = read::<v16::SetChargingProfileRequest>(&profile(21.4, 0.05), &strict);
        let path = "/csChargingProfiles/chargingSchedule/minChargingRate";
        assert_eq!(refused, Err((DecodeErrorKind::Property, path.to_owned())));
        let forgiven =
            read::<v16::SetChargingProfileRequest>(&profile(21.45, 6.0), &forgiving("fine_limits"));
        assert!(forgiven.is_ok());
    }

    #[test]
    fn members_that_a_charger_always_leaves_out_are_put_in() {
        let mut tolerance = Tolerance::strict();
        let absent = |action: &str, member: &str, value: Value| AbsentMember {
            action: action.to_owned(),
            member: member.to_owned(),
            value,
        };
        tolerance.absent_members = vec![
            absent("BootNotification", "/chargingStation/vendorName", "unknown".into()),
            absent("BootNotification", "/reason", "Unknown".into()),
            absent("MeterValues", "/meterValue/*/timestamp", "2026-06-01T00:00:00Z".into()),
        ];
        let sent = json!({"chargingStation": {"model": "m"}});
        let read_as =
            json!({"reason": "Unknown", "chargingStation": {"model": "m", "vendorName": "unknown"}});
        assert_eq!(read::<v201::BootNotificationRequest>(&sent, &tolerance), Ok(read_as));
        let sampled = || json!({"sampledValue": [{"value": 1}]});
        let sent = json!({"evseId": 1, "meterValue": [sampled(), sampled()]});
        let values = read::<v201::MeterValuesRequest>(&sent, &tolerance).unwrap();
        assert_eq!(values["meterValue"][1]["timestamp"], "2026-06-01T00:00:00Z");
        // Not elsewhere, and no other.
        let other = read::<v201::StatusNotificationRequest>(&json!({}), &tolerance);
        assert!(matches!(other, Err((DecodeErrorKind::Occurrence, _))), "{other:?}");
        let other = read::<v201::BootNotificationRequest>(&json!({}), &tolerance);
        assert!(matches!(other, Err((DecodeErrorKind::Occurrence, _))), "{other:?}");
    }
}
