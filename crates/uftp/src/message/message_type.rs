//! The names of the messages, and who sends them.

use std::fmt;
use std::str::FromStr;

use crate::Role;

/// A message of the standard, by the name of its root element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageType {
    /// `TestMessage`: is anyone there.
    TestMessage,
    /// `TestMessageResponse`.
    TestMessageResponse,
    /// `D-Prognosis`: what an AGR expects its connections to take.
    DPrognosis,
    /// `D-PrognosisResponse`.
    DPrognosisResponse,
    /// `FlexRequest`: what a DSO needs.
    FlexRequest,
    /// `FlexRequestResponse`.
    FlexRequestResponse,
    /// `FlexOffer`: what an AGR can do, and at which price.
    FlexOffer,
    /// `FlexOfferResponse`.
    FlexOfferResponse,
    /// `FlexOrder`: what a DSO buys.
    FlexOrder,
    /// `FlexOrderResponse`.
    FlexOrderResponse,
    /// `FlexOfferRevocation`.
    FlexOfferRevocation,
    /// `FlexOfferRevocationResponse`.
    FlexOfferRevocationResponse,
    /// `FlexReservationUpdate`.
    FlexReservationUpdate,
    /// `FlexReservationUpdateResponse`.
    FlexReservationUpdateResponse,
    /// `FlexSettlement`: what a DSO makes of the orders of a period.
    FlexSettlement,
    /// `FlexSettlementResponse`.
    FlexSettlementResponse,
    /// `Metering`: what an AGR measured.
    Metering,
    /// `MeteringResponse`.
    MeteringResponse,
}

use MessageType as T;

impl MessageType {
    /// Every message that is known here.
    pub const ALL: [Self; 18] = [
        T::TestMessage,
        T::TestMessageResponse,
        T::DPrognosis,
        T::DPrognosisResponse,
        T::FlexRequest,
        T::FlexRequestResponse,
        T::FlexOffer,
        T::FlexOfferResponse,
        T::FlexOrder,
        T::FlexOrderResponse,
        T::FlexOfferRevocation,
        T::FlexOfferRevocationResponse,
        T::FlexReservationUpdate,
        T::FlexReservationUpdateResponse,
        T::FlexSettlement,
        T::FlexSettlementResponse,
        T::Metering,
        T::MeteringResponse,
    ];

    /// The name of the root element.
    pub const fn as_str(self) -> &'static str {
        match self {
            T::TestMessage => "TestMessage",
            T::TestMessageResponse => "TestMessageResponse",
            T::DPrognosis => "D-Prognosis",
            T::DPrognosisResponse => "D-PrognosisResponse",
            T::FlexRequest => "FlexRequest",
            T::FlexRequestResponse => "FlexRequestResponse",
            T::FlexOffer => "FlexOffer",
            T::FlexOfferResponse => "FlexOfferResponse",
            T::FlexOrder => "FlexOrder",
            T::FlexOrderResponse => "FlexOrderResponse",
            T::FlexOfferRevocation => "FlexOfferRevocation",
            T::FlexOfferRevocationResponse => "FlexOfferRevocationResponse",
            T::FlexReservationUpdate => "FlexReservationUpdate",
            T::FlexReservationUpdateResponse => "FlexReservationUpdateResponse",
            T::FlexSettlement => "FlexSettlement",
            T::FlexSettlementResponse => "FlexSettlementResponse",
            T::Metering => "Metering",
            T::MeteringResponse => "MeteringResponse",
        }
    }

    /// The message that answers this one, or `None` if this one is an answer.
    pub const fn answer(self) -> Option<Self> {
        Some(match self {
            T::TestMessage => T::TestMessageResponse,
            T::DPrognosis => T::DPrognosisResponse,
            T::FlexRequest => T::FlexRequestResponse,
            T::FlexOffer => T::FlexOfferResponse,
            T::FlexOrder => T::FlexOrderResponse,
            T::FlexOfferRevocation => T::FlexOfferRevocationResponse,
            T::FlexReservationUpdate => T::FlexReservationUpdateResponse,
            T::FlexSettlement => T::FlexSettlementResponse,
            T::Metering => T::MeteringResponse,
            _ => return None,
        })
    }

    /// Whether this message is an answer.
    pub const fn is_response(self) -> bool {
        self.answer().is_none()
    }

    /// Whether a participant in the role `sender` may send this message to one in the role `recipient`.
    ///
    /// ```
    /// use tieline_uftp::{Role, message::MessageType};
    ///
    /// assert!(MessageType::FlexRequest.may_go(Role::Dso, Role::Agr));
    /// assert!(!MessageType::FlexRequest.may_go(Role::Agr, Role::Dso));
    /// ```
    pub fn may_go(self, sender: Role, recipient: Role) -> bool {
        match self {
            // Any pair of roles, but not among equals.
            T::TestMessage | T::TestMessageResponse => sender != recipient,
            T::DPrognosis
            | T::FlexRequestResponse
            | T::FlexOffer
            | T::FlexOfferRevocation
            | T::FlexReservationUpdateResponse
            | T::FlexOrderResponse
            | T::FlexSettlementResponse
            | T::Metering => (sender, recipient) == (Role::Agr, Role::Dso),
            T::DPrognosisResponse
            | T::FlexRequest
            | T::FlexOfferResponse
            | T::FlexOfferRevocationResponse
            | T::FlexReservationUpdate
            | T::FlexOrder
            | T::FlexSettlement
            | T::MeteringResponse => (sender, recipient) == (Role::Dso, Role::Agr),
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MessageType {
    type Err = UnknownMessageType;

    fn from_str(text: &str) -> Result<Self, UnknownMessageType> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownMessageType)
    }
}

/// The text is the name of no message that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown message type")]
pub struct UnknownMessageType;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for known in MessageType::ALL {
            assert_eq!(known.as_str().parse(), Ok(known));
        }
        assert_eq!("flexrequest".parse::<MessageType>(), Err(UnknownMessageType));
    }

    #[test]
    fn an_answer_goes_the_other_way() {
        let roles = [Role::Agr, Role::Cro, Role::Dso];
        for request in MessageType::ALL.into_iter().filter(|known| !known.is_response()) {
            let answer = request.answer().unwrap();
            assert!(answer.is_response());
            for (from, to) in roles.into_iter().flat_map(|from| roles.map(|to| (from, to))) {
                assert_eq!(request.may_go(from, to), answer.may_go(to, from), "{request} {from} {to}");
            }
        }
    }
}
