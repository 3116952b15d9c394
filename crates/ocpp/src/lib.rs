//! OCPP-J 1.6, 2.0.1 and 2.1: charging stations and the system that manages them (CSMS), routed by composable services.
//!
//! A message of a peer becomes a `tieline_service::Incoming<Ocpp>` and goes through a tower service, most often a
//! `tieline_service::Router<Ocpp, _>` of async functions whose first argument is the message:
//!
//! ```
//! use tieline_ocpp::{CallError, Ocpp, Peer, v16, v201};
//! use tieline_service::{Call, Router};
//!
//! async fn on_authorize(call: Call<v16::AuthorizeRequest>, peer: Peer) -> Result<v16::AuthorizeResponse, CallError> {
//!     println!("{peer} asks for {}", call.id_tag);
//!     Ok(v16::AuthorizeResponse::new(v16::IdTagInfo::new(v16::AuthorizationStatus::Accepted)))
//! }
//!
//! async fn on_status(_: Call<v201::StatusNotificationRequest>) -> v201::StatusNotificationResponse {
//!     v201::StatusNotificationResponse::new()
//! }
//!
//! let router = Router::<Ocpp, ()>::new().on(on_authorize).on(on_status).with_state(());
//! # let _ = router;
//! ```
//!
//! - [`csms`] serves such a router to charging stations; [`client`] connects a charging station to a CSMS; [`proxy`] stands
//!   between the two.
//! - [`Peer`] calls the other end of a session, from within handlers too. [`Registry`] finds it by identity.
//! - [`v16`], [`v201`] and [`v21`] hold all messages and their data types; [`Action`] is any request among them.
//!
//! One task per connection owns the socket. It goes on reading while handlers wait, writes and flushes an answer before
//! it starts the work that was to come after it (`tieline_service::After`), and keeps at most one CALL of ours
//! unanswered.

mod actions;
mod decode;
#[cfg(all(feature = "events", feature = "server"))]
pub mod events;
pub mod fault;
pub mod frame;
mod identity;
mod message_ids;
mod protocol;
mod tolerance;
pub mod v16;
pub mod v201;
pub mod v21;
#[cfg(feature = "validation")]
pub mod validation;

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
pub use session::{CallFailure, CallOptions, Caller, EndReason, Limits, Outgoing, Peer};
pub use tolerance::{AbsentMember, Tolerance, UnknownTolerance};
