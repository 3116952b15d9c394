#![doc = include_str!("lib.md")]
#![forbid(unsafe_code)]

mod after;
#[doc(hidden)]
pub mod echo;
pub mod extract;
mod fault;
mod guard;
pub mod handler;
mod head;
mod incoming;
pub mod layer;
mod log;
mod outcome;
mod peer;
mod protocol;
mod reply;
pub mod route;
mod router;

pub use self::after::After;
pub use self::extract::{
    Arguments, Call, CallFirst, Extension, FromIncoming, FromRef, PeerOf, Raw, Rejection, State,
};
pub use self::fault::Fault;
pub use self::handler::{Failure, Handler, IntoReply, Named};
pub use self::head::Head;
pub use self::incoming::Incoming;
pub use self::layer::{HoldTime, Serial, Timeout, Trace};
pub use self::outcome::Outcome;
pub use self::peer::Peer;
pub use self::protocol::{Carries, Protocol};
pub use self::reply::Reply;
pub use self::route::{HandlerRoute, IntoRoute, Layered, OnRoute, ReplyFuture, Route, handler, timeout};
pub use self::router::{AfterHandler, RouteError, RouteInfo, Router, Routes, Sent, SentFirst};

/// An error of any type, as it passes between layers.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
