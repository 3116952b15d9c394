use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use crate::{Fault, Head, Outcome, Peer};

/// A protocol that the service layer can serve.
///
/// The implementing type is a marker and is never constructed. It says what is received, who sends it and what goes
/// back, and it makes the answer to everything that can go wrong.
pub trait Protocol: Sized + Send + Sync + 'static {
    /// The protocol's name in logs, in lower case: `ocpp`, `uftp`.
    const NAME: &'static str;

    /// The version that a message belongs to. With the action it is the key of a route.
    type Version: Copy + Eq + Hash + Debug + Display + Send + Sync + 'static;

    /// A received message: framed, but its body is not typed yet.
    type Message: Send + Sync + 'static;

    /// A handle on the sender.
    type Peer: Peer;

    /// What goes back to the sender, failures included.
    type Answer: Send + 'static;

    /// Why a body could not become a typed message.
    type DecodeError: Error + Send + Sync + 'static;

    /// The protocol's true answer to a fault.
    ///
    /// Every fault of the service layer is answered here and nowhere else. The head names the message, but its
    /// extensions may be missing: they are not kept for the rare case of a fault. The fault's text belongs in the log,
    /// where the layer has already put it; think before sending it to a peer.
    fn answer_fault(head: &Head<Self>, fault: Fault<Self>) -> Self::Answer;

    /// What an answer means, for logs and metrics.
    fn outcome(answer: &Self::Answer) -> Outcome<'_>;
}

/// A protocol that carries messages of type `A` under an action's name.
///
/// Implemented by the protocol and not by the message, so that the message types may come from another crate.
#[diagnostic::on_unimplemented(
    message = "the protocol `{Self}` does not carry `{A}`",
    label = "not a message of `{Self}`",
    note = "the argument `Call<A>` needs a message type `A` of the router's own protocol"
)]
pub trait Carries<A>: Protocol {
    /// The action's name on the wire.
    const ACTION: &'static str;

    /// The versions in which the action has this message. At least one.
    const VERSIONS: &'static [Self::Version];

    /// What a handler returns when it accepts the message.
    type Response;

    /// Reads the body.
    fn decode(message: &Self::Message) -> Result<A, Self::DecodeError>;

    /// Turns the response into what goes back.
    fn encode(response: Self::Response) -> Self::Answer;
}
