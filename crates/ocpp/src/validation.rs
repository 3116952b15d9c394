//! Messages whose kind is known at run time only: read as a session reads them, and written anew.
//!
//! Sessions and routers need none of this. It is for recorded messages, tools and tests. All 387 messages are compiled for
//! it.
//!
//! ```
//! use tieline_ocpp::{RawValue, Tolerance, Version, validation};
//!
//! let payload = RawValue::from_string(r#"{"idTag": "24782"}"#.to_owned())?;
//! let anew = validation::payload(Version::V1_6, "AuthorizeRequest", &payload, &Tolerance::strict()).unwrap();
//! assert_eq!(anew.get(), r#"{"idTag":"24782"}"#);
//!
//! let frame = r#"[2,"7","Authorise",{}]"#;
//! let refused = validation::frame(Version::V1_6, frame, &Tolerance::strict()).unwrap_err();
//! assert_eq!(refused.code(), "NotImplemented");
//! assert!(refused.answer().unwrap().starts_with(r#"[4,"7","NotImplemented","#));
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::borrow::Cow;
use std::fmt;

use ocpp_kit::rpc::{CallError, Frame, FrameReply};
use ocpp_kit::types::MessageId;
use serde_json::value::{RawValue, to_raw_value};

use crate::decode::{Payload, decode_in_detail};
use crate::{DecodeError, DecodeErrorKind, Tolerance, Version, actions, fault};

/// The most characters of a message id (2.x Part 4 §4.1.4, table 5; 1.6-J §4.2.1).
const MAX_ID: usize = 36;

/// What a peer gets for a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused(Box<Refusal>);

#[derive(Clone, Debug, PartialEq)]
struct Refusal {
    version: Version,
    error: CallError,
    path: String,
    answer: Option<String>,
}

/// A name that is none of a message of the version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("OCPP {version} has no message {name}")]
pub struct UnknownMessage {
    version: Version,
    name: String,
}

/// Why a payload is not written anew.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// Our misuse: there is no such message.
    #[error(transparent)]
    Message(#[from] UnknownMessage),
    /// The payload is wrong.
    #[error("{0}")]
    Payload(Refused),
}

impl Refused {
    fn new(version: Version, error: CallError, path: String, answer: Option<String>) -> Self {
        Self(Box::new(Refusal { version, error, path, answer }))
    }

    /// The error code, as the version spells it.
    pub fn code(&self) -> &str {
        self.0.error.code.as_wire(self.0.version)
    }

    /// The code, description and details.
    pub fn error(&self) -> &CallError {
        &self.0.error
    }

    /// The place in the payload, as a JSON pointer; empty where it is all of it.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong.
    pub fn cause(&self) -> &str {
        let cause = self.0.error.details.get("cause").and_then(serde_json::Value::as_str);
        cause.unwrap_or(&self.0.error.description)
    }

    /// The frame that the peer gets; `None` if it gets none, or if it was no frame that was looked at.
    pub fn answer(&self) -> Option<&str> {
        self.0.answer.as_deref()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        if !self.0.path.is_empty() {
            write!(f, " {}", self.0.path)?;
        }
        write!(f, " ({})", self.cause())
    }
}

/// Reads the payload of a message and writes it anew. The message is named as its schema is: `AuthorizeRequest` and
/// `AuthorizeResponse`; a request may also go without the suffix, as in 1.6.
///
/// # Errors
///
/// There is no such message, or the payload breaks its schema in a way that is not forgiven.
pub fn payload(
    version: Version,
    message: &str,
    payload: &RawValue,
    tolerance: &Tolerance,
) -> Result<Box<RawValue>, Invalid> {
    let anew = match message.strip_suffix("Response") {
        Some(action) => response(version, action, payload, tolerance),
        None => request(version, message.strip_suffix("Request").unwrap_or(message), payload, tolerance),
    };
    match anew {
        Some(Ok(anew)) => Ok(anew),
        Some(Err(error)) => Err(Invalid::Payload(undecodable(version, error))),
        None => Err(UnknownMessage { version, name: message.to_owned() }.into()),
    }
}

/// What the sender of a payload gets that is no JSON.
pub fn not_json(version: Version, error: &serde_json::Error) -> Refused {
    undecodable(version, DecodeError::new(DecodeErrorKind::Format, "", error.to_string()))
}

/// Reads a frame and writes it anew. The payload of a CALLRESULT stays as it is: what it answers is not known.
///
/// # Errors
///
/// A peer's frame like this is refused, or ignored.
pub fn frame(version: Version, text: &str, tolerance: &Tolerance) -> Result<String, Refused> {
    let frame = Frame::parse(text, version).map_err(|error| {
        let refused = CallError::new(error.error_code(), fault::shortened(&error.to_string()));
        let answer = match error.reply(version) {
            FrameReply::Ignore => None,
            FrameReply::CallError => answer(version, error.reply_id(), &refused, false),
            FrameReply::CallResultError => answer(version, error.reply_id(), &refused, true),
        };
        Refused::new(version, refused, String::new(), answer)
    })?;
    let refuse = |error: CallError, path: String| {
        let is_call = matches!(frame, Frame::Call { .. });
        let answer = is_call.then(|| answer(version, frame.id().clone(), &error, false)).flatten();
        Refused::new(version, error, path, answer)
    };
    let (Some(action), Some(payload)) = (frame.action(), frame.payload()) else {
        return written(&frame, version);
    };
    if !tolerance.long_message_ids && frame.id().as_str().chars().count() > MAX_ID {
        return Err(refuse(fault::message_id_too_long(), String::new()));
    }
    let anew = match request(version, action, payload, tolerance) {
        None => return Err(refuse(fault::not_implemented(action), String::new())),
        Some(Err(error)) => return Err(refuse(fault::undecodable(version, &error), error.path)),
        Some(Ok(anew)) => Cow::<RawValue>::Owned(anew),
    };
    let (id, action) = (frame.id().clone(), Cow::Owned(action.to_owned()));
    let frame = match frame {
        Frame::Send { .. } => Frame::Send { id, action, payload: anew },
        _ => Frame::Call { id, action, payload: anew },
    };
    written(&frame, version)
}

fn request(
    version: Version,
    action: &str,
    payload: &RawValue,
    tolerance: &Tolerance,
) -> Option<Result<Box<RawValue>, DecodeError>> {
    match version {
        Version::V1_6 => actions::v16::request(action, payload, tolerance),
        Version::V2_0_1 => actions::v201::request(action, payload, tolerance),
        _ => actions::v21::request(action, payload, tolerance),
    }
}

fn response(
    version: Version,
    action: &str,
    payload: &RawValue,
    tolerance: &Tolerance,
) -> Option<Result<Box<RawValue>, DecodeError>> {
    match version {
        Version::V1_6 => actions::v16::response(action, payload, tolerance),
        Version::V2_0_1 => actions::v201::response(action, payload, tolerance),
        _ => actions::v21::response(action, payload, tolerance),
    }
}

/// Reads a payload as `T` and writes it anew.
pub(crate) fn anew<T: Payload>(
    version: Version,
    action: &str,
    payload: &RawValue,
    tolerance: &Tolerance,
) -> Result<Box<RawValue>, DecodeError> {
    let read: T = decode_in_detail(version, action, payload, tolerance)?;
    to_raw_value(&read).map_err(|error| DecodeError::new(DecodeErrorKind::Format, "", error.to_string()))
}

fn undecodable(version: Version, error: DecodeError) -> Refused {
    Refused::new(version, fault::undecodable(version, &error), error.path, None)
}

fn written(frame: &Frame<'_>, version: Version) -> Result<String, Refused> {
    frame.to_json(version).map_err(|error| {
        let error = DecodeError::new(DecodeErrorKind::Format, "", error.to_string());
        undecodable(version, error)
    })
}

fn answer(version: Version, id: MessageId, error: &CallError, of_a_result: bool) -> Option<String> {
    let error = error.into();
    let frame =
        if of_a_result { Frame::CallResultError { id, error } } else { Frame::CallError { id, error } };
    frame.to_json(version).ok()
}
