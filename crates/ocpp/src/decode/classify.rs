//! What is wrong with a payload, and where.

use std::any::Any;
use std::fmt::Write as _;

use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
use ocpp_kit::validate::{Violation, ViolationKind};
use serde_path_to_error::Segment;

use crate::{v16, v21, v201};

/// What serde says. Its words are all that tells the cases apart, and tests hold them fast.
pub(super) fn unreadable(path: &serde_path_to_error::Path, error: &serde_json::Error) -> DecodeError {
    let text = error.to_string();
    let kind = if error.classify() == serde_json::error::Category::Data {
        // Of an enumeration, a time and the like our own types say what they want.
        let starts = |start: &str| text.starts_with(start);
        if starts("missing field") || starts("invalid length") {
            DecodeErrorKind::Occurrence
        } else if starts("invalid type") {
            DecodeErrorKind::Type
        } else if starts("duplicate field") {
            DecodeErrorKind::Format
        } else {
            DecodeErrorKind::Property
        }
    } else {
        DecodeErrorKind::Format
    };
    // A place in the text of the payload tells less than the path.
    let reason = text.rfind(" at line ").map_or(&*text, |end| &text[..end]);
    DecodeError::new(kind, pointer(path), reason)
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(pointer, "/{index}");
            }
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// The pointer to a member that is not defined.
pub(super) fn ignored(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", ignored(parent)),
        Path::Map { parent, key } => {
            let mut pointer = ignored(parent);
            push(&mut pointer, key);
            pointer
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            ignored(parent)
        }
    }
}

fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

pub(super) fn violation(violation: Violation) -> DecodeError {
    let kind = match violation.kind {
        ViolationKind::Occurrence => DecodeErrorKind::Occurrence,
        ViolationKind::Type => DecodeErrorKind::Type,
        ViolationKind::Property | ViolationKind::UnknownEnumValue => DecodeErrorKind::Property,
        ViolationKind::UnknownField => DecodeErrorKind::UnknownField,
        _ => DecodeErrorKind::Protocol,
    };
    DecodeError::new(kind, violation.path, violation.reason)
}

/// Whether the schema of the message allows what the common type of several messages does not: `sampledValue` in the
/// `transactionData` of a `StopTransaction` (1.6) may be empty.
pub(super) fn is_in_schema(message: &dyn Any, violation: &Violation) -> bool {
    violation.kind == ViolationKind::Occurrence
        && violation.path.starts_with("/transactionData/")
        && violation.path.ends_with("/sampledValue")
        && message.is::<v16::StopTransactionRequest>()
}

/// Whether the member `data` of a message may be anything, `null` too.
pub(super) fn has_any_data(message: &dyn Any) -> bool {
    message.is::<v201::DataTransferRequest>()
        || message.is::<v201::DataTransferResponse>()
        || message.is::<v21::DataTransferRequest>()
        || message.is::<v21::DataTransferResponse>()
}
