//! Sessions: one task per connection, and the handles on it.

mod calls;
mod connection;
mod end;
mod failure;
mod limits;
mod peer;
mod refused;
mod running;
mod timers;

pub(crate) use calls::Calls;
pub(crate) use connection::Connection;
pub use end::EndReason;
pub use failure::CallFailure;
pub use limits::Limits;
pub(crate) use peer::Session;
pub use peer::{CallOptions, Peer};
