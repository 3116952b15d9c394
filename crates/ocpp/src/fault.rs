//! The one table from what went wrong with a request to the CALLERROR that says so.

use ocpp_kit::decode::DecodeErrorKind;
use ocpp_kit::rpc::{CallError, ErrorCode};
use serde_json::json;

use crate::{DecodeError, Version};

/// The most characters of a cause in the details: a payload that is wrong must not be sent back whole.
const MAX_CAUSE: usize = 255;

/// The version does not define the action.
pub fn not_implemented(action: &str) -> CallError {
    CallError::new(ErrorCode::NotImplemented, "The requested action is not known by the receiver")
        .with_details(cause(&format!("{action} is no action of this version.")))
}

/// The version defines the action, but nothing handles it.
pub fn not_supported(action: &str) -> CallError {
    CallError::new(
        ErrorCode::NotSupported,
        "The requested action is recognized but not supported by the receiver",
    )
    .with_details(cause(&format!("No handler for {action} registered.")))
}

/// The receiver failed.
pub fn internal_error(why: &str) -> CallError {
    CallError::new(
        ErrorCode::InternalError,
        "An internal error occurred and the action could not be processed",
    )
    .with_details(cause(why))
}

/// The message id has more than 36 characters.
pub fn message_id_too_long() -> CallError {
    CallError::new(ErrorCode::RpcFrameworkError, "The message id has more than 36 characters")
}

/// The payload cannot be read.
///
/// A missing member is `ProtocolError` in 1.6 ("payload is incomplete") and `OccurrenceConstraintViolation` in 2.x. A member that
/// is not defined makes the payload one that does not conform to the structure of its action: `FormatViolation`.
pub fn undecodable(version: Version, error: &DecodeError) -> CallError {
    let code = match error.kind {
        DecodeErrorKind::Format | DecodeErrorKind::UnknownField => ErrorCode::FormatViolation,
        DecodeErrorKind::Occurrence
            if version == Version::V1_6 && error.reason.starts_with("missing field") =>
        {
            ErrorCode::ProtocolError
        }
        DecodeErrorKind::Occurrence => ErrorCode::OccurrenceConstraintViolation,
        DecodeErrorKind::Type => ErrorCode::TypeConstraintViolation,
        DecodeErrorKind::Property => ErrorCode::PropertyConstraintViolation,
        DecodeErrorKind::Protocol => ErrorCode::ProtocolError,
        DecodeErrorKind::UnsupportedAction => ErrorCode::NotSupported,
        _ => ErrorCode::GenericError,
    };
    let description = match code {
        ErrorCode::FormatViolation => "The payload is not of the action's structure",
        ErrorCode::ProtocolError => "The payload is incomplete",
        ErrorCode::OccurrenceConstraintViolation => "A field occurs too seldom or too often",
        ErrorCode::TypeConstraintViolation => "A field has the wrong type",
        ErrorCode::PropertyConstraintViolation => "A field has an invalid value",
        _ => "The payload could not be read",
    };
    let mut details = cause(&error.reason);
    if !error.path.is_empty() {
        details["path"] = shortened(&error.path).into();
    }
    CallError::new(code, description).with_details(details)
}

fn cause(why: &str) -> serde_json::Value {
    json!({ "cause": shortened(why) })
}

pub(crate) fn shortened(text: &str) -> &str {
    text.char_indices().nth(MAX_CAUSE).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::decode::decode;
    use crate::{Tolerance, v16, v21, v201};

    /// The code on the wire for a payload that cannot be read.
    fn code<R: crate::Action + std::fmt::Debug>(payload: &str) -> String {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        let error = decode::<R>(R::VERSION, R::NAME, &payload, &Tolerance::strict()).unwrap_err();
        undecodable(R::VERSION, &error).code.as_wire(R::VERSION).to_owned()
    }

    #[test]
    fn each_class_has_the_code_of_its_version() {
        use v16::BootNotificationRequest as Boot16;
        use v21::BootNotificationRequest as Boot21;
        use v201::BootNotificationRequest as Boot201;

        assert_eq!(code::<Boot16>("[]"), "FormationViolation");
        assert_eq!(code::<Boot201>("[]"), "FormatViolation");
        assert_eq!(code::<Boot21>("null"), "FormatViolation");

        let more = r#"{"idTag":"t","colour":"red"}"#;
        assert_eq!(code::<v16::AuthorizeRequest>(more), "FormationViolation");
        let more = r#"{"reason":"PowerUp","chargingStation":{"model":"m","vendorName":"v","colour":"red"}}"#;
        assert_eq!(code::<Boot201>(more), "FormatViolation");

        assert_eq!(code::<Boot16>(r#"{"chargePointVendor":"a"}"#), "ProtocolError");
        assert_eq!(code::<Boot201>(r#"{"reason":"PowerUp"}"#), "OccurrenceConstraintViolation");

        let too_few = r#"{"evseId":1,"meterValue":[]}"#;
        assert_eq!(code::<v201::MeterValuesRequest>(too_few), "OccurrenceConstraintViolation");
        assert_eq!(code::<v16::MeterValuesRequest>(r#"{"connectorId":1,"meterValue":[]}"#), {
            "OccurenceConstraintViolation"
        });

        assert_eq!(code::<v16::AuthorizeRequest>(r#"{"idTag":1}"#), "TypeConstraintViolation");
        let long = format!(r#"{{"idTag":"{}"}}"#, "x".repeat(21));
        assert_eq!(code::<v16::AuthorizeRequest>(&long), "PropertyConstraintViolation");
        let bad_enum = r#"{"reason":"Bored","chargingStation":{"model":"m","vendorName":"v"}}"#;
        assert_eq!(code::<Boot201>(bad_enum), "PropertyConstraintViolation");
        assert_eq!(code::<Boot21>(bad_enum), "PropertyConstraintViolation");
        let bad_time = r#"{"connectorId":1,"idTag":"t","meterStart":0,"timestamp":"yesterday"}"#;
        assert_eq!(code::<v16::StartTransactionRequest>(bad_time), "PropertyConstraintViolation");
    }

    #[test]
    fn an_empty_payload_may_be_null_in_1_6() {
        let null = RawValue::from_string("null".to_owned()).unwrap();
        assert!(
            decode::<v16::HeartbeatRequest>(Version::V1_6, "Heartbeat", &null, &Tolerance::strict()).is_ok()
        );
        assert!(
            decode::<v201::HeartbeatRequest>(Version::V2_0_1, "Heartbeat", &null, &Tolerance::strict())
                .is_err()
        );
    }

    #[test]
    fn a_huge_payload_is_not_echoed() {
        let payload = format!(r#"{{"idTag":["{}"]}}"#, "x".repeat(100_000));
        let payload = RawValue::from_string(payload).unwrap();
        let error =
            decode::<v16::AuthorizeRequest>(Version::V1_6, "Authorize", &payload, &Tolerance::strict())
                .unwrap_err();
        let error = undecodable(Version::V1_6, &error);
        assert!(error.details.to_string().len() < 600, "{}", error.details);
    }
}
