//! What is to happen in a conversation.

use tieline_types::EntityAddress;

/// What is to happen in the conversation about a congestion point, told from its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plot {
    /// Request, offer, order.
    Ordered,
    /// The AGR rejects the order.
    OrderRejected,
    /// The DSO rejects the offer.
    OfferRejected,
    /// The AGR revokes its offer while the DSO orders it.
    Crossing,
}

const POINTS: &str = "ean.8716859000126";

impl Plot {
    pub(crate) fn of(number: u32) -> Self {
        match number % 8 {
            0 | 1 => Self::Crossing,
            2 => Self::OrderRejected,
            3 => Self::OfferRejected,
            _ => Self::Ordered,
        }
    }

    pub(crate) fn at(point: &EntityAddress) -> Self {
        let point = point.to_string();
        Self::of(point.strip_prefix(POINTS).unwrap().parse().unwrap())
    }
}

pub(crate) fn point(number: u32) -> EntityAddress {
    format!("{POINTS}{number:05}").parse().unwrap()
}
