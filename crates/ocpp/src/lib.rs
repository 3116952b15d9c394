#![doc = include_str!("lib.md")]

mod actions;
mod decode;
pub mod der_control;
#[cfg(all(feature = "events", feature = "server"))]
pub mod events;
pub mod fault;
pub mod frame;
mod identity;
#[cfg(feature = "json-schema")]
pub mod json_schema;
mod message_ids;
mod protocol;
pub mod smart_charging;
mod tolerance;
pub mod v16;
pub mod v201;
pub mod v21;
#[cfg(feature = "validation")]
pub mod validation;

#[cfg(feature = "charge-point")]
pub mod charge_point;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod csms;
#[cfg(all(feature = "client", feature = "server"))]
pub mod proxy;
#[cfg(feature = "server")]
mod registry;
#[cfg(any(feature = "client", feature = "server"))]
pub mod serial;
#[cfg(any(feature = "client", feature = "server"))]
mod service;
#[cfg(any(feature = "client", feature = "server"))]
mod session;

pub use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
pub use ocpp_kit::rpc::{CallError, ErrorCode};
pub use ocpp_kit::{RawValue, Version, types};

pub use actions::Action;
pub use identity::{Identity, IdentityError};
pub use message_ids::MessageIds;
#[cfg(any(feature = "client", feature = "server"))]
pub use message_ids::RandomMessageIds;
pub use protocol::{Answer, InvalidMessage, Message, Ocpp};
#[cfg(feature = "server")]
pub use registry::{Registry, SessionEvent, SessionEvents, SessionInfo};
#[cfg(any(feature = "client", feature = "server"))]
pub use session::{
    CallFailure, CallObserver, CallOptions, Caller, EndReason, Limits, MessageRate, Outgoing, Peer,
};
pub use tolerance::{AbsentMember, Tolerance, UnknownTolerance};
