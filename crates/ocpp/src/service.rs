//! OCPP as a protocol of the service layer.

use ocpp_kit::actions;
use tieline_service::{Carries, Fault, FromIncoming, Head, Incoming, Outcome, Protocol, Rejection};

use crate::protocol::{Answer, Message, Ocpp};
use crate::{Action, DecodeError, Peer, Version, fault};

impl Protocol for Ocpp {
    const NAME: &'static str = "ocpp";
    type Version = Version;
    type Message = Message;
    type Peer = Peer;
    type Answer = Answer;
    type DecodeError = DecodeError;

    fn answer_fault(head: &Head<Self>, fault: Fault<Self>) -> Answer {
        let action = head.action();
        Answer::Error(match fault {
            Fault::UnknownAction if actions::is_known(head.version(), action) => fault::not_supported(action),
            Fault::UnknownAction => fault::not_implemented(action),
            Fault::Undecodable(error) => fault::undecodable(head.version(), &error),
            Fault::TimedOut => fault::internal_error(&format!("Handler for {action} timed out.")),
            Fault::Layer(error) => fault::internal_error(&error.to_string()),
            // What is wrong inside is for our log, not for the peer.
            _ => fault::internal_error(&format!("Handler for {action} failed.")),
        })
    }

    fn outcome(answer: &Answer) -> Outcome<'_> {
        match answer {
            Answer::Error(error) => {
                let cause = error.details.get("cause").and_then(serde_json::Value::as_str);
                Outcome::refused(error.code.as_wire(Version::V2_1), cause.unwrap_or(&error.description))
            }
            Answer::Result(_) | Answer::Nothing => Outcome::Accepted,
        }
    }
}

impl tieline_service::Peer for Peer {}

/// The handle on the sender, as an argument of a handler.
impl<S: Sync> FromIncoming<Ocpp, S> for Peer {
    async fn from_incoming(incoming: &Incoming<Ocpp>, _: &S) -> Result<Self, Rejection<Ocpp>> {
        Ok(incoming.head.peer().clone())
    }
}

impl<A: Action> Carries<A> for Ocpp {
    const ACTION: &'static str = A::NAME;
    const VERSIONS: &'static [Version] = &[A::VERSION];
    type Response = A::Handled;

    fn decode(message: &Message) -> Result<A, DecodeError> {
        message.decode()
    }

    fn encode(handled: A::Handled) -> Answer {
        A::answer(handled)
    }
}
