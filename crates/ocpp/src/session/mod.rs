//! Sessions: one task per connection, and the handles on it.

mod calls;
mod connection;
mod end;
mod failure;
mod limits;
mod observer;
mod outgoing;
#[cfg(test)]
mod pair;
mod peer;
mod rate;
mod refused;
mod running;
mod timers;

pub(crate) use calls::Calls;
#[cfg(all(feature = "client", feature = "server"))]
pub(crate) use calls::{Answered, Others, Waiting};
pub(crate) use connection::Connection;
#[cfg(all(feature = "client", feature = "server"))]
pub(crate) use connection::{FailsCalls, ended_by};
pub use end::EndReason;
pub use failure::CallFailure;
pub use limits::Limits;
pub use observer::CallObserver;
pub(crate) use observer::Observed;
pub use outgoing::{Caller, Outgoing};
pub(crate) use peer::Session;
#[cfg(all(feature = "client", feature = "server"))]
pub(crate) use peer::later;
pub use peer::{CallOptions, Peer};
pub use rate::MessageRate;
#[cfg(all(feature = "client", feature = "server"))]
pub(crate) use timers::Timers;
