use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_store::{ChangeSet, StoreError, Stored};
use tieline_types::{Amount, Currency};

use super::Agr;
use crate::market::{Offer, OfferOption, OfferState, Order, Promise, per_isp};

/// Why an order is not what was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderRefusal {
    /// The offer is not one that this party can order now.
    Unknown,
    /// It has expired.
    Expired,
    /// It has been ordered.
    Ordered,
    /// The order is for another day.
    Period,
    /// The order is for another congestion point.
    CongestionPoint,
    /// The option is not in the offer, or none is named where there are several.
    Option,
    /// Less is activated than the option allows.
    ActivationFactor,
    /// The ISPs are not those of the option.
    Isps,
    /// The power is not that of the option, activated.
    Power,
    /// The price is not that of the option, activated.
    Price,
}

/// The part of an order that is compared with the offer.
#[derive(Debug)]
pub(crate) struct Taking<'a> {
    pub(crate) order: &'a Order,
    pub(crate) option: Option<&'a str>,
    pub(crate) activation_factor: Decimal,
    /// When the order came.
    pub(crate) at: Timestamp,
}

impl Agr {
    /// What is wrong with an order on `offer`; all of it.
    pub(crate) fn refusals(offer: &Offer, taking: &Taking<'_>) -> Vec<OrderRefusal> {
        let order = taking.order;
        let same_party =
            offer.counterparty == order.counterparty && offer.conversation_id == order.conversation_id;
        if !same_party {
            return vec![OrderRefusal::Unknown];
        }
        let mut refusals = Vec::new();
        match &offer.state {
            OfferState::Ordered { .. } => refusals.push(OrderRefusal::Ordered),
            OfferState::Rejected { .. } => refusals.push(OrderRefusal::Unknown),
            // An order may overtake the answer to the offer.
            OfferState::Sent | OfferState::Accepted | OfferState::Undeliverable { .. } => {}
        }
        if offer.expires < taking.at {
            refusals.push(OrderRefusal::Expired);
        }
        if offer.window.period != order.window.period {
            refusals.push(OrderRefusal::Period);
        }
        if offer.window.congestion_point != order.window.congestion_point {
            refusals.push(OrderRefusal::CongestionPoint);
        }
        match option(offer, taking.option) {
            Some(option) => differences(option, offer.currency, taking, &mut refusals),
            None => refusals.push(OrderRefusal::Option),
        }
        refusals
    }

    /// Everything that an accepted order changes: the offer is ordered, the watts are promised, and a plan is due.
    pub(crate) fn accept(&self, offer: Stored<Offer>, order: &Order) -> Result<ChangeSet, StoreError> {
        let Stored { value: mut ordered, version } = offer;
        let day =
            self.calendar.day(order.window.period).map_err(|cause| StoreError::Misuse(cause.to_string()))?;
        let baseline = per_isp(&ordered.baseline);
        let mut changes = ChangeSet::new();
        for (isp, change) in per_isp(&order.isps) {
            let span = day.isp(isp).map_err(|cause| StoreError::Misuse(cause.to_string()))?;
            let expected = baseline.iter().find(|(known, _)| *known == isp).map(|(_, power)| *power);
            let Some(baseline) = expected else {
                return Err(StoreError::Misuse(format!("the offer has no baseline for ISP {isp}")));
            };
            changes.put(&Promise {
                counterparty: order.counterparty.clone(),
                order: order.message_id,
                congestion_point: order.window.congestion_point.clone(),
                span,
                change,
                baseline,
            })?;
        }
        ordered.state = OfferState::Ordered { order: order.message_id };
        changes.replace(&ordered, version)?.put(order)?;
        self.want_plan(&order.window.congestion_point, &mut changes)?;
        self.want_prognosis(&order.window, &mut changes)?;
        Ok(changes)
    }
}

fn option<'a>(offer: &'a Offer, reference: Option<&str>) -> Option<&'a OfferOption> {
    match (reference, offer.options.as_slice()) {
        (Some(reference), options) => options.iter().find(|option| option.reference == reference),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn differences(
    option: &OfferOption,
    currency: Currency,
    taking: &Taking<'_>,
    refusals: &mut Vec<OrderRefusal>,
) {
    let Taking { order, activation_factor: factor, .. } = *taking;
    if factor < option.min_activation_factor {
        refusals.push(OrderRefusal::ActivationFactor);
    }
    let (offered, ordered) = (per_isp(&option.isps), per_isp(&order.isps));
    if !offered.iter().map(|(isp, _)| isp).eq(ordered.iter().map(|(isp, _)| isp)) {
        refusals.push(OrderRefusal::Isps);
    } else if offered
        .iter()
        .zip(&ordered)
        .any(|((_, offered), (_, ordered))| !is_part(offered.watts(), ordered.watts(), factor))
    {
        refusals.push(OrderRefusal::Power);
    }
    if order.currency != currency || !is_price(option.price, order.price, factor) {
        refusals.push(OrderRefusal::Price);
    }
}

/// Whether `ordered` is `factor` of `offered`, in whole watts, rounded either way.
fn is_part(offered: i64, ordered: i64, factor: Decimal) -> bool {
    (Decimal::from(offered) * factor - Decimal::from(ordered)).abs() < Decimal::ONE
}

/// Whether `ordered` is `factor` of `offered`, to four digits, as a number: 0.00 is 0.0.
fn is_price(offered: Amount, ordered: Amount, factor: Decimal) -> bool {
    (offered.value() * factor - ordered.value()).abs() < Decimal::new(1, 4)
}
