//! UFTP on the service layer: handlers decide, routers find them.

use std::sync::Arc;

use tieline_service::{Carries, Fault, FromIncoming, Head, Incoming, Outcome, Peer, Protocol, Rejection};

use crate::message::{
    DPrognosis, DPrognosisResponse, FlexOffer, FlexOfferResponse, FlexOfferRevocation,
    FlexOfferRevocationResponse, FlexOrder, FlexOrderResponse, FlexRequest, FlexRequestResponse,
    FlexReservationUpdate, FlexReservationUpdateResponse, FlexSettlement, FlexSettlementResponse, Message,
    MessageType, Metering, MeteringResponse, TestMessage, TestMessageResponse,
};
use crate::{Accepted, Decision, Noted, Participant, Received, RejectionReason, Undecided, Version};

/// The protocol, for [`tieline_service::Router`].
///
/// A handler gets a message that is received, verified and stored; its answer is a [`Decision`]. To a request it
/// answers `Result<Accepted, Rejected>`, to an answer [`Noted`]; where nothing can be decided, [`Undecided`] is an
/// error of either. [`Payload::respond`](crate::Payload::respond) then makes the message to send.
///
/// ```
/// use tieline_service::{Call, Router};
/// use tieline_uftp::message::{FlexOrderResponse, FlexRequest};
/// use tieline_uftp::{Accepted, Noted, Participant, Rejected, RejectionReason, Uftp};
///
/// async fn on_flex_request(request: Call<FlexRequest>, sender: Participant) -> Result<Accepted, Rejected> {
///     if request.flex.isp_duration.minutes() == 15 {
///         Ok(Accepted::new())
///     } else {
///         Err(RejectionReason::IspDurationRejected.into())
///     }
/// }
///
/// async fn on_order_response(response: Call<FlexOrderResponse>) -> Result<Noted, Rejected> {
///     Ok(Noted)
/// }
///
/// let routes = Router::<Uftp, ()>::new().on(on_flex_request).on(on_order_response).with_state(());
/// ```
///
/// A request that no handler takes is rejected as an invalid message; an answer that no handler takes is noted.
/// A handler that panicked or took too long has decided nothing: the message waits to be handled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uftp;

impl Uftp {
    /// A received message on its way to its handler. Patch releases of a version go where the first goes, and a
    /// version that is not spoken here where the newest goes.
    pub fn incoming(received: Arc<Received>) -> Incoming<Self> {
        let header = received.payload.header();
        let head = Head::new(
            header.revision().version,
            received.payload.message_type().as_str(),
            header.message_id.to_string(),
            received.sender.clone(),
        );
        Incoming::new(head, received)
    }
}

impl Protocol for Uftp {
    const NAME: &'static str = "uftp";
    type Version = Version;
    type Message = Arc<Received>;
    type Peer = Participant;
    type Answer = Decision;
    type DecodeError = OtherMessage;

    fn answer_fault(head: &Head<Self>, fault: Fault<Self>) -> Decision {
        let is_response = head.action().parse().is_ok_and(MessageType::is_response);
        match fault {
            Fault::UnknownAction if is_response => Decision::Noted,
            Fault::UnknownAction | Fault::Undecodable(_) => RejectionReason::InvalidMessage.into(),
            ours => Undecided { cause: ours.to_string(), retry: true }.into(),
        }
    }

    fn outcome(answer: &Decision) -> Outcome<'_> {
        match answer {
            Decision::Accepted(_) | Decision::Noted => Outcome::Accepted,
            Decision::Rejected(rejected) => {
                let reasons: Vec<_> = rejected.reasons().cloned().collect();
                Outcome::refused("Rejected", RejectionReason::join(&reasons))
            }
            Decision::Undecided(undecided) => Outcome::refused("Undecided", undecided.cause.as_str()),
        }
    }
}

impl Peer for Participant {}

/// Who has signed the message.
impl<S: Sync> FromIncoming<Uftp, S> for Participant {
    async fn from_incoming(incoming: &Incoming<Uftp>, _: &S) -> Result<Self, Rejection<Uftp>> {
        Ok(incoming.head.peer().clone())
    }
}

/// The message with its bytes.
impl<S: Sync> FromIncoming<Uftp, S> for Arc<Received> {
    async fn from_incoming(incoming: &Incoming<Uftp>, _: &S) -> Result<Self, Rejection<Uftp>> {
        Ok(Self::clone(&incoming.message))
    }
}

/// A handler was given another message than it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct OtherMessage {
    /// What the handler takes.
    pub expected: MessageType,
    /// What it was given.
    pub found: MessageType,
}

fn take<M>(received: &Received) -> Result<M, OtherMessage>
where
    M: Message,
    for<'p> &'p M: TryFrom<&'p crate::Payload>,
{
    <&M>::try_from(&received.payload)
        .cloned()
        .map_err(|_| OtherMessage { expected: M::TYPE, found: received.payload.message_type() })
}

macro_rules! carries {
    ($response:ty: $($name:ident)+) => {
        $(
            impl Carries<$name> for Uftp {
                const ACTION: &'static str = MessageType::$name.as_str();
                const VERSIONS: &'static [Version] = &[Version::V3_0_0, Version::V3_1_0];
                type Response = $response;

                fn decode(message: &Arc<Received>) -> Result<$name, OtherMessage> {
                    take(message)
                }

                fn encode(response: $response) -> Decision {
                    response.into()
                }
            }
        )+
    };
}

carries!(Accepted: TestMessage DPrognosis FlexRequest FlexOffer FlexOfferRevocation FlexReservationUpdate FlexOrder FlexSettlement Metering);
carries!(Noted: FlexOfferRevocationResponse FlexReservationUpdateResponse TestMessageResponse DPrognosisResponse FlexRequestResponse FlexOfferResponse FlexOrderResponse);
carries!(Noted: FlexSettlementResponse MeteringResponse);
