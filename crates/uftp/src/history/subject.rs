//! What a message is about, and which others it refers to: what a history finds it by.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use tieline_types::EntityAddress;

use crate::Payload;
use crate::message::FlexMessage;
use crate::value::MessageId;

impl Payload {
    /// The messages that this one refers to: of an answer the request, of an offer the request and the D-Prognosis, of an
    /// order the offer and the D-Prognosis, of a revocation the offer.
    ///
    /// The prognoses of settlement items and the orders in a D-PrognosisResponse are not among them.
    pub fn references(&self) -> Vec<MessageId> {
        match self {
            Self::FlexOffer(offer) => {
                offer.flex_request_message_id.into_iter().chain(offer.d_prognosis_message_id).collect()
            }
            Self::FlexOrder(order) => {
                order.flex_offer_message_id.into_iter().chain(order.d_prognosis_message_id).collect()
            }
            Self::FlexOfferRevocation(revocation) => vec![revocation.flex_offer_message_id],
            other => other.response().map(|(request, _)| request).into_iter().collect(),
        }
    }

    /// The congestion point that the whole message is about; a FlexSettlement names one in each item.
    pub fn congestion_point(&self) -> Option<&EntityAddress> {
        self.flex_message().map(|flex| &flex.congestion_point)
    }

    /// The place that the whole message is about: its congestion point, or the connection that a Metering's EAN names.
    pub fn place(&self) -> Option<EntityAddress> {
        match self {
            Self::Metering(metering) => metering.ean.connection(),
            other => other.congestion_point().cloned(),
        }
    }

    /// The local days that the message is about, first to last: one day, but for a FlexSettlement. Empty where it ends
    /// before it starts, `None` where it names no day.
    pub fn periods(&self) -> Option<RangeInclusive<Date>> {
        match self {
            Self::FlexSettlement(settlement) => Some(settlement.period_start..=settlement.period_end),
            Self::Metering(metering) => Some(metering.period..=metering.period),
            other => other.flex_message().map(|flex| flex.period..=flex.period),
        }
    }

    pub(crate) fn flex_message(&self) -> Option<&FlexMessage> {
        match self {
            Self::DPrognosis(message) => Some(&message.flex),
            Self::FlexReservationUpdate(message) => Some(&message.flex),
            Self::FlexRequest(message) => Some(&message.flex),
            Self::FlexOffer(message) => Some(&message.flex),
            Self::FlexOrder(message) => Some(&message.flex),
            _ => None,
        }
    }
}

impl Payload {
    /// The message, if it is one of this type.
    pub(crate) fn try_as<'p, M>(&'p self) -> Option<&'p M>
    where
        &'p M: TryFrom<&'p Self>,
    {
        <&'p M>::try_from(self).ok()
    }
}
