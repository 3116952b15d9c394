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
    /// `FlexSettlement`: what a DSO makes of the orders of a period.
    FlexSettlement,
    /// `FlexSettlementResponse`.
    FlexSettlementResponse,
    /// `Metering`: what an AGR measured.
    Metering,
    /// `MeteringResponse`.
    MeteringResponse,
    /// `FlexReservationUpdate`: what a DSO keeps of a reserved power.
    FlexReservationUpdate,
    /// `FlexReservationUpdateResponse`.
    FlexReservationUpdateResponse,
    /// `FlexOfferRevocation`: what an AGR takes back.
    FlexOfferRevocation,
    /// `FlexOfferRevocationResponse`.
    FlexOfferRevocationResponse,
    /// `AGRPortfolioUpdate`: where an AGR represents customers.
    AgrPortfolioUpdate,
    /// `AGRPortfolioUpdateResponse`.
    AgrPortfolioUpdateResponse,
    /// `AGRPortfolioQuery`: where are my connections.
    AgrPortfolioQuery,
    /// `AGRPortfolioQueryResponse`.
    AgrPortfolioQueryResponse,
    /// `DSOPortfolioUpdate`: what is behind a congestion point.
    DsoPortfolioUpdate,
    /// `DSOPortfolioUpdateResponse`.
    DsoPortfolioUpdateResponse,
    /// `DSOPortfolioQuery`: who is behind a congestion point.
    DsoPortfolioQuery,
    /// `DSOPortfolioQueryResponse`.
    DsoPortfolioQueryResponse,
}

use MessageType as T;

impl MessageType {
    /// Every message that is known here.
    pub const ALL: [Self; 26] = [
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
        T::FlexSettlement,
        T::FlexSettlementResponse,
        T::Metering,
        T::MeteringResponse,
        T::FlexReservationUpdate,
        T::FlexReservationUpdateResponse,
        T::FlexOfferRevocation,
        T::FlexOfferRevocationResponse,
        T::AgrPortfolioUpdate,
        T::AgrPortfolioUpdateResponse,
        T::AgrPortfolioQuery,
        T::AgrPortfolioQueryResponse,
        T::DsoPortfolioUpdate,
        T::DsoPortfolioUpdateResponse,
        T::DsoPortfolioQuery,
        T::DsoPortfolioQueryResponse,
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
            T::FlexSettlement => "FlexSettlement",
            T::FlexSettlementResponse => "FlexSettlementResponse",
            T::Metering => "Metering",
            T::MeteringResponse => "MeteringResponse",
            T::FlexReservationUpdate => "FlexReservationUpdate",
            T::FlexReservationUpdateResponse => "FlexReservationUpdateResponse",
            T::FlexOfferRevocation => "FlexOfferRevocation",
            T::FlexOfferRevocationResponse => "FlexOfferRevocationResponse",
            T::AgrPortfolioUpdate => "AGRPortfolioUpdate",
            T::AgrPortfolioUpdateResponse => "AGRPortfolioUpdateResponse",
            T::AgrPortfolioQuery => "AGRPortfolioQuery",
            T::AgrPortfolioQueryResponse => "AGRPortfolioQueryResponse",
            T::DsoPortfolioUpdate => "DSOPortfolioUpdate",
            T::DsoPortfolioUpdateResponse => "DSOPortfolioUpdateResponse",
            T::DsoPortfolioQuery => "DSOPortfolioQuery",
            T::DsoPortfolioQueryResponse => "DSOPortfolioQueryResponse",
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
            T::FlexSettlement => T::FlexSettlementResponse,
            T::Metering => T::MeteringResponse,
            T::FlexReservationUpdate => T::FlexReservationUpdateResponse,
            T::FlexOfferRevocation => T::FlexOfferRevocationResponse,
            T::AgrPortfolioUpdate => T::AgrPortfolioUpdateResponse,
            T::AgrPortfolioQuery => T::AgrPortfolioQueryResponse,
            T::DsoPortfolioUpdate => T::DsoPortfolioUpdateResponse,
            T::DsoPortfolioQuery => T::DsoPortfolioQueryResponse,
            _ => return None,
        })
    }

    /// The message that this one answers; itself, if it is no answer.
    pub fn request(self) -> Self {
        Self::ALL.into_iter().find(|known| known.answer() == Some(self)).unwrap_or(self)
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
            | T::FlexOrderResponse
            | T::FlexOfferRevocation
            | T::FlexReservationUpdateResponse
            | T::FlexSettlementResponse
            | T::Metering => (sender, recipient) == (Role::Agr, Role::Dso),
            T::DPrognosisResponse
            | T::FlexRequest
            | T::FlexOfferResponse
            | T::FlexOrder
            | T::FlexOfferRevocationResponse
            | T::FlexReservationUpdate
            | T::FlexSettlement
            | T::MeteringResponse => (sender, recipient) == (Role::Dso, Role::Agr),
            T::AgrPortfolioUpdate | T::AgrPortfolioQuery => (sender, recipient) == (Role::Agr, Role::Cro),
            T::AgrPortfolioUpdateResponse | T::AgrPortfolioQueryResponse => {
                (sender, recipient) == (Role::Cro, Role::Agr)
            }
            T::DsoPortfolioUpdate | T::DsoPortfolioQuery => (sender, recipient) == (Role::Dso, Role::Cro),
            T::DsoPortfolioUpdateResponse | T::DsoPortfolioQueryResponse => {
                (sender, recipient) == (Role::Cro, Role::Dso)
            }
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
            assert_eq!(answer.request(), request);
            for (from, to) in roles.into_iter().flat_map(|from| roles.map(|to| (from, to))) {
                assert_eq!(request.may_go(from, to), answer.may_go(to, from), "{request} {from} {to}");
            }
        }
    }
}
