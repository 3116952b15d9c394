//! The second step of a message: the longer work, once it is decided on and answered.

use std::sync::Arc;

use tieline_service::{Carries, Fault, FromIncoming, Head, Incoming, Outcome, Protocol, Rejection};

use crate::message::Message;
use crate::protocol::{OtherMessage, head, take};
use crate::{Participant, Payload, Received, Uftp, Undecided, Version};

/// The second step as a protocol of its own, for [`tieline_service::Router`]: same messages, no answer.
///
/// A handler returns `()`, or a `Result` of it with the error [`Undecided`]: then it is run again later, where that may help,
/// and otherwise the message is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processing;

/// What the longer work came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processed {
    /// All is done.
    Done,
    /// It could not be done, for a reason on our side.
    Undecided(Undecided),
}

impl Protocol for Processing {
    const NAME: &'static str = "uftp";
    type Version = Version;
    type Message = Arc<Received>;
    type Peer = Participant;
    type Answer = Processed;
    type DecodeError = OtherMessage;

    fn answer_fault(_: &Head<Self>, fault: Fault<Self>) -> Processed {
        match fault {
            // Nobody has longer work to do on it.
            Fault::UnknownAction => Processed::Done,
            ours => Processed::Undecided(Undecided { cause: ours.to_string(), retry: true }),
        }
    }

    fn outcome(answer: &Processed) -> Outcome<'_> {
        match answer {
            Processed::Done => Outcome::Accepted,
            Processed::Undecided(undecided) => Outcome::refused("Undecided", undecided.cause.as_str()),
        }
    }
}

impl<M: Message> Carries<M> for Processing
where
    Uftp: Carries<M>,
    for<'p> &'p M: TryFrom<&'p Payload>,
{
    const ACTION: &'static str = M::TYPE.as_str();
    const VERSIONS: &'static [Version] = <Uftp as Carries<M>>::VERSIONS;
    type Response = ();

    fn decode(message: &Arc<Received>) -> Result<M, OtherMessage> {
        take(message)
    }

    fn encode((): ()) -> Processed {
        Processed::Done
    }
}

impl From<Undecided> for Processed {
    fn from(undecided: Undecided) -> Self {
        Self::Undecided(undecided)
    }
}

/// Who has signed the message.
impl<S: Sync> FromIncoming<Processing, S> for Participant {
    async fn from_incoming(incoming: &Incoming<Processing>, _: &S) -> Result<Self, Rejection<Processing>> {
        Ok(incoming.head.peer().clone())
    }
}

/// The message with its bytes.
impl<S: Sync> FromIncoming<Processing, S> for Arc<Received> {
    async fn from_incoming(incoming: &Incoming<Processing>, _: &S) -> Result<Self, Rejection<Processing>> {
        Ok(Self::clone(&incoming.message))
    }
}

impl Processing {
    /// A decided message on its way to its handler.
    pub fn incoming(received: Arc<Received>) -> Incoming<Self> {
        Incoming::new(head(&received), received)
    }
}
