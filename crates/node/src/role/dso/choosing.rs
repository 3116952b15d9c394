use rust_decimal::{Decimal, RoundingStrategy};
use tieline_store::Stored;
use tieline_types::{Amount, IspCalendar, IspNumber, Power};

use crate::market::{IspPower, Need, Offer, OfferOption, per_isp};

/// What is taken of an offer.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) offer: Stored<Offer>,
    /// The option's name.
    pub(super) option: String,
    /// How much of it: hundredths, up to 1.
    pub(super) activation_factor: Decimal,
    /// That much of its changes.
    pub(super) isps: Vec<IspPower>,
    /// That much of its price.
    pub(super) price: Amount,
}

/// The offers to order, each with the option to take: the cheapest energy first, for as long as anything is still needed. Of
/// an option that can be activated in part no more is taken than is needed in the ISP that needs most of it.
pub(super) fn choose(need: &Need, offers: Vec<Stored<Offer>>, calendar: &IspCalendar) -> Vec<Chosen> {
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
            let taken = take(offer, &option, &missing);
            for (isp, change) in per_isp(&taken.isps) {
                for (_, left) in missing.iter_mut().filter(|(known, _)| *known == isp) {
                    *left = towards_zero(*left, change.watts());
                }
            }
            chosen.push(taken);
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

fn take(offer: Stored<Offer>, option: &OfferOption, missing: &[(IspNumber, i64)]) -> Chosen {
    let factor = factor(option, missing);
    let part = |power: Power| {
        let part = Decimal::from(power.watts()) * factor;
        let whole = part.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Power::from_watts(i64::try_from(whole).unwrap_or(0))
    };
    Chosen {
        offer,
        option: option.reference.clone(),
        activation_factor: factor,
        isps: option.isps.iter().map(|run| IspPower { isps: run.isps, power: part(run.power) }).collect(),
        price: if factor == Decimal::ONE {
            option.price
        } else {
            Amount::rounded(option.price.value() * factor)
        },
    }
}

/// The smallest part of an option that still gives every ISP what it needs, as far as the whole would; in hundredths.
fn factor(option: &OfferOption, missing: &[(IspNumber, i64)]) -> Decimal {
    let needed = per_isp(&option.isps).into_iter().filter_map(|(isp, change)| {
        let (_, left) = missing.iter().find(|(known, _)| *known == isp)?;
        let same = left.signum() == change.watts().signum() && *left != 0;
        same.then(|| Decimal::from(*left) / Decimal::from(change.watts()))
    });
    let most = needed.max().unwrap_or(Decimal::ONE);
    let hundredths = most.round_dp_with_strategy(2, RoundingStrategy::ToPositiveInfinity);
    hundredths.max(option.min_activation_factor).min(Decimal::ONE)
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
