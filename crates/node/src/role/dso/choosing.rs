use rust_decimal::Decimal;
use tieline_store::Stored;
use tieline_types::{IspCalendar, IspNumber};

use crate::market::{Need, Offer, OfferOption, per_isp};

/// The offers to order, each with the option to take: the cheapest energy first, for as long as anything is still needed.
pub(super) fn choose(
    need: &Need,
    offers: Vec<Stored<Offer>>,
    calendar: &IspCalendar,
) -> Vec<(Stored<Offer>, OfferOption)> {
    let mut priced: Vec<(Decimal, Stored<Offer>, OfferOption)> = offers
        .into_iter()
        .filter(|offer| offer.value.currency == need.currency)
        .filter_map(|offer| {
            let best = offer
                .value
                .options
                .iter()
                .filter(|option| need.maximum_price.is_none_or(|most| option.price.value() <= most))
                .filter_map(|option| Some((price_of_energy(option, calendar)?, option.clone())))
                .min_by(|one, other| one.0.cmp(&other.0))?;
            Some((best.0, offer, best.1))
        })
        .collect();
    priced.sort_by_key(|(price, offer, _)| (*price, offer.value.message_id));

    let mut missing = wanted(need);
    let mut chosen = Vec::new();
    for (_, offer, option) in priced {
        let helps = per_isp(&option.isps).iter().any(|(isp, change)| {
            change.watts() != 0
                && missing
                    .iter()
                    .any(|(known, left)| known == isp && left.signum() == change.watts().signum())
        });
        if helps {
            for (isp, change) in per_isp(&option.isps) {
                for (_, left) in missing.iter_mut().filter(|(known, _)| *known == isp) {
                    *left = towards_zero(*left, change.watts());
                }
            }
            chosen.push((offer, option));
        }
    }
    chosen
}

/// The change that is wanted in each Requested ISP: the bound that is farther from zero.
fn wanted(need: &Need) -> Vec<(IspNumber, i64)> {
    need.isps
        .iter()
        .filter(|requested| requested.requested)
        .flat_map(|requested| {
            let (min, max) = (requested.min.watts(), requested.max.watts());
            requested.isps.iter().map(move |isp| (isp, if max <= 0 { min } else { max }))
        })
        .collect()
}

/// What is left of a wish once `change` is ordered; 0 once it is fulfilled. A change the other way fulfils nothing.
fn towards_zero(left: i64, change: i64) -> i64 {
    match left.signum() * change.signum() {
        1 if change.abs() < left.abs() => left - change,
        1 => 0,
        _ => left,
    }
}

/// Price for each watt minute of change; `None` for an option that changes nothing.
fn price_of_energy(option: &OfferOption, calendar: &IspCalendar) -> Option<Decimal> {
    let watts: u64 = per_isp(&option.isps).iter().map(|(_, change)| change.magnitude()).sum();
    let minutes = Decimal::from(calendar.isp_duration().minutes());
    option.price.value().checked_div(Decimal::from(watts) * minutes)
}
