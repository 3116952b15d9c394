//! What a keyword of JSON Schema means in the classes of OCPP's error codes.

use jsonschema::error::ValidationErrorKind as Keyword;
use jsonschema::{ValidationError, Validator};
use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
use serde_json::Value;

/// The one of several faults that is to be told: a value of the wrong type breaks other keywords, too, and what is wrong about
/// the structure explains the rest.
pub(super) fn worst(validator: &Validator, payload: &Value) -> Option<DecodeError> {
    let errors = validator.iter_errors(payload);
    errors.min_by_key(|error| rank(error.kind())).map(|error| told(&error, payload))
}

const fn rank(keyword: &Keyword) -> u8 {
    match keyword {
        Keyword::Type { .. } => 0,
        Keyword::AdditionalProperties { .. }
        | Keyword::UnevaluatedProperties { .. }
        | Keyword::FalseSchema => 1,
        Keyword::Required { .. } => 2,
        _ => 3,
    }
}

fn told(error: &ValidationError<'_>, payload: &Value) -> DecodeError {
    let place = error.instance_path().to_string();
    let (kind, path, reason) = match error.kind() {
        Keyword::Type { .. } => (DecodeErrorKind::Type, place, error.to_string()),
        Keyword::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            // The start of the reason tells a missing member from an item too few.
            (DecodeErrorKind::Occurrence, member(&place, name), format!("missing field `{name}`"))
        }
        Keyword::AdditionalProperties { unexpected } | Keyword::UnevaluatedProperties { unexpected } => {
            let path = unexpected.first().map_or_else(|| place.clone(), |name| member(&place, name));
            (DecodeErrorKind::UnknownField, path, "the member is not defined".to_owned())
        }
        // An object that may have no member at all: the place is its own.
        Keyword::FalseSchema => {
            let path = named(&place, payload, error.instance()).unwrap_or(place);
            (DecodeErrorKind::UnknownField, path, "the member is not defined".to_owned())
        }
        Keyword::MinItems { .. }
        | Keyword::MaxItems { .. }
        | Keyword::AdditionalItems { .. }
        | Keyword::UnevaluatedItems { .. }
        | Keyword::MinProperties { .. }
        | Keyword::MaxProperties { .. } => (DecodeErrorKind::Occurrence, place, error.to_string()),
        _ => (DecodeErrorKind::Property, place, error.to_string()),
    };
    DecodeError::new(kind, path, reason)
}

/// The member of the object at this place that has this value.
fn named(place: &str, payload: &Value, value: &Value) -> Option<String> {
    let object = payload.pointer(place)?.as_object()?;
    object.iter().find(|(_, found)| *found == value).map(|(name, _)| member(place, name))
}

/// The JSON pointer (RFC 6901) to a member.
fn member(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}
