//! OCPP as a protocol of the service layer.

use std::sync::Arc;

use ocpp_kit::message::{ActionName as _, MessageKind, Request, Response};
use ocpp_kit::rpc::CallError;
use ocpp_kit::types::MessageId;
use serde_json::value::{RawValue, to_raw_value};

use crate::decode::decode;
use crate::{DecodeError, Tolerance, Version};

/// OCPP-J, as the service layer knows it: `tieline_service::Router::<Ocpp, _>`.
#[derive(Clone, Copy, Debug)]
pub enum Ocpp {}

/// A received CALL or SEND: its payload, not yet read.
///
/// The action, the message id and the sender are in the head beside it.
#[derive(Clone, Debug)]
pub struct Message {
    pub(crate) version: Version,
    pub(crate) kind: MessageKind,
    pub(crate) id: MessageId,
    pub(crate) payload: Box<RawValue>,
    pub(crate) tolerance: Arc<Tolerance>,
}

impl Message {
    /// A message of this version, as if it had been received from a peer that is treated with this tolerance. For
    /// tests of handlers and routers; connections make their own.
    pub fn new(version: Version, id: &str, payload: Box<RawValue>, tolerance: Arc<Tolerance>) -> Self {
        let id = MessageId::from_wire(id);
        Self { version, kind: MessageKind::Call, id, payload, tolerance }
    }

    /// The version of the session.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The payload as it was received.
    pub fn payload(&self) -> &RawValue {
        &self.payload
    }

    /// The message id, as it was received.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Whether the message is a SEND, which is never answered (OCPP 2.1).
    pub fn is_send(&self) -> bool {
        self.kind == MessageKind::Send
    }

    /// The payload as the request of an action, checked against all constraints of the schema.
    ///
    /// # Errors
    ///
    /// The payload breaks its schema in a way that is not forgiven to this peer.
    pub fn decode<R: Request + 'static>(&self) -> Result<R, DecodeError> {
        decode(self.version, R::ACTION.as_str(), &self.payload, &self.tolerance)
    }
}

/// What goes back to the sender of a message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A CALLRESULT with this payload.
    Result(Box<RawValue>),
    /// A CALLERROR.
    Error(CallError),
    /// Nothing: the message was a SEND.
    Nothing,
}

impl Answer {
    /// The CALLRESULT of a response message. If the message breaks its own schema, which is a fault of the handler,
    /// the peer gets `InternalError` and the log says why.
    pub fn of<R: Response>(response: &R) -> Self {
        match encode(response) {
            Ok(payload) => Self::Result(payload),
            Err(cause) => {
                tracing::error!(%cause, response = std::any::type_name::<R>(), "a handler made an invalid response");
                Self::Error(crate::fault::internal_error("the response could not be made"))
            }
        }
    }
}

impl From<CallError> for Answer {
    fn from(error: CallError) -> Self {
        Self::Error(error)
    }
}

impl From<DecodeError> for Answer {
    fn from(error: DecodeError) -> Self {
        Self::Error(error.into())
    }
}

/// The JSON of a message of our own, if it obeys its schema.
pub(crate) fn encode<T>(message: &T) -> Result<Box<RawValue>, InvalidMessage>
where
    T: serde::Serialize + ocpp_kit::validate::Validate,
{
    if let Err(violations) = message.validate() {
        let first = violations.first().map(ToString::to_string);
        return Err(InvalidMessage(first.unwrap_or_else(|| "it is invalid".to_owned())));
    }
    to_raw_value(message).map_err(|error| InvalidMessage(error.to_string()))
}

/// A message of our own that breaks its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message breaks its schema: {0}")]
pub struct InvalidMessage(String);

#[cfg(all(feature = "json-schema", any(feature = "client", feature = "server")))]
impl InvalidMessage {
    pub(crate) fn new(cause: &DecodeError) -> Self {
        Self(cause.to_string())
    }
}
