//! Extractors: what a handler's arguments can be.

mod arguments;
mod call;
mod extension;
mod optional;
mod peer;
mod raw;
mod rejection;
mod state;

use std::future::Future;

pub use self::arguments::{Arguments, CallFirst};
pub use self::call::Call;
pub use self::extension::Extension;
pub use self::peer::PeerOf;
pub use self::raw::Raw;
pub use self::rejection::Rejection;
pub use self::state::{FromRef, State};
use crate::{Head, Incoming, Protocol};

/// A type that can be an argument of a handler.
///
/// Extractors read the message and its head; they take nothing away, so their order does not matter. `S` is the
/// router's state.
///
/// ```
/// use tieline_service::echo::{Echo, Refusal};
/// use tieline_service::{FromIncoming, Incoming, Rejection};
///
/// /// A guest with a ticket.
/// struct Ticket(u32);
///
/// impl<S: Sync> FromIncoming<Echo, S> for Ticket {
///     async fn from_incoming(incoming: &Incoming<Echo>, _state: &S) -> Result<Self, Rejection<Echo>> {
///         match incoming.head.extensions.get::<u32>() {
///             Some(number) => Ok(Self(*number)),
///             None => Err(Rejection::answer(Refusal::new("NoTicket", "this guest has no ticket"))),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not an extractor of `{P}` with the state `{S}`",
    note = "arguments can be `Call<A>`, `State<T>`, `Extension<T>`, `Head<P>`, `Raw<P>`, `PeerOf<P>`, the protocol's own \
            extractors, an `Option` or a `Result` of these, and types that implement `FromIncoming`"
)]
pub trait FromIncoming<P: Protocol, S>: Sized {
    /// Extracts the value, or says how the message is to be answered instead.
    fn from_incoming(
        incoming: &Incoming<P>,
        state: &S,
    ) -> impl Future<Output = Result<Self, Rejection<P>>> + Send;
}

impl<P: Protocol, S: Sync> FromIncoming<P, S> for Head<P> {
    async fn from_incoming(incoming: &Incoming<P>, _state: &S) -> Result<Self, Rejection<P>> {
        Ok(incoming.head.clone())
    }
}
