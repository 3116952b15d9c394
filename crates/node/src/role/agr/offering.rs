use tieline_flex::{NoOffer, OfferedChange, Pricing, RequestedChange, offer};
use tieline_store::{Records as _, StoreError, Stored};
use tieline_types::{EntityAddress, IspDay, IspNumber, IspRange, Power, TimeSpan};
use uuid::Uuid;

use super::Agr;
use crate::market::{IspPower, Offer, OfferOption, OfferState, Promise, Request, RequestedPower, per_isp};

/// What an aggregator makes of a request.
#[derive(Debug)]
pub(crate) enum Made {
    /// This offer.
    Offer(Box<Offer>),
    /// Nothing, for this reason.
    Nothing(String),
}

impl Agr {
    /// The offer on a request: what the sessions present can deliver of it, besides what was promised already.
    pub(crate) async fn make_offer(&self, request: &Request, message_id: Uuid) -> Result<Made, StoreError> {
        let now = self.context.now();
        let Ok(day) = self.calendar.day(request.window.period) else {
            return Ok(Made::Nothing("its day has no ISPs of this length".to_owned()));
        };
        if request.expires <= now {
            return Ok(Made::Nothing("it has expired".to_owned()));
        }
        let point = &request.window.congestion_point;
        let sold = self.sold(point, request.span).await?;
        let isps: Vec<(IspNumber, RequestedChange)> = single_isps(request, &day)
            .filter(|(_, span, _)| span.start() > now)
            .map(|(isp, span, requested)| {
                let change = RequestedChange {
                    span,
                    min: requested.min,
                    max: requested.max,
                    requested: requested.requested,
                    promised: sold.besides(&requested, span),
                    baseline: None,
                };
                (isp, change)
            })
            .collect();
        let (fleet, _) = self.fleet(point).await?;
        let changes: Vec<RequestedChange> = isps.iter().map(|(_, change)| *change).collect();
        let offered = match offer(&fleet, &changes) {
            Ok(offered) => offered,
            Err(NoOffer(obstacles)) => return Ok(Made::Nothing(NoOffer(obstacles).to_string())),
        };
        Ok(self.offer_of(request, message_id, &isps, &offered))
    }

    /// What was promised at a congestion point, and what is on offer and can still be ordered.
    async fn sold(&self, point: &EntityAddress, within: TimeSpan) -> Result<Sold, StoreError> {
        let store = &self.context.store;
        let now = self.context.now();
        let mut sold = Sold::default();
        for Stored { value: promise, .. } in store.records_of::<Promise>(point.as_str(), Some(within)).await?
        {
            sold.promised.push((promise.span, promise.change));
        }
        for Stored { value: offer, .. } in store.records_of::<Offer>(point.as_str(), Some(within)).await? {
            let stands =
                matches!(offer.state, OfferState::Sent | OfferState::Accepted) && offer.expires > now;
            let Some(day) = self.calendar.day(offer.window.period).ok().filter(|_| stands) else { continue };
            for (isp, change) in offer.options.iter().flat_map(|option| per_isp(&option.isps)) {
                sold.on_offer.extend(day.isp(isp).ok().map(|span| (span, change)));
            }
        }
        Ok(sold)
    }

    fn offer_of(
        &self,
        request: &Request,
        message_id: Uuid,
        isps: &[(IspNumber, RequestedChange)],
        offered: &[OfferedChange],
    ) -> Made {
        let now = self.context.now();
        let number =
            |span: TimeSpan| isps.iter().find(|(_, change)| change.span == span).map(|(isp, _)| *isp);
        let powers = |power: fn(&OfferedChange) -> Power| {
            runs(offered.iter().filter_map(|change| Some((number(change.span)?, power(change)))))
        };
        let (Some(first), Some(last)) = (offered.first(), offered.last()) else {
            return Made::Nothing("no ISP of it is left".to_owned());
        };
        let Some(span) = TimeSpan::new(first.span.start(), last.span.end()) else {
            return Made::Nothing("its ISPs are not in order".to_owned());
        };
        let pricing = Pricing { per_megawatt_hour: self.config.price_per_mwh };
        let valid_until = now.checked_add(self.config.offer_valid_for.get()).unwrap_or(span.end());
        Made::Offer(Box::new(Offer {
            message_id,
            conversation_id: request.conversation_id,
            counterparty: request.counterparty.clone(),
            request: request.message_id,
            window: request.window.clone(),
            span,
            // Whoever orders later would order ISPs that are over.
            expires: valid_until.min(span.end()),
            currency: self.config.currency,
            contract: request.contract.clone(),
            options: vec![OfferOption {
                reference: "1".to_owned(),
                price: pricing.price(offered),
                min_activation_factor: rust_decimal::Decimal::ONE,
                isps: powers(|change| change.change),
            }],
            baseline: powers(|change| change.baseline),
            prognosis: None,
            state: OfferState::Sent,
        }))
    }
}

/// Changes that are not for sale any more, ISP by ISP.
#[derive(Debug, Default)]
struct Sold {
    promised: Vec<(TimeSpan, Power)>,
    on_offer: Vec<(TimeSpan, Power)>,
}

impl Sold {
    /// What the change that is requested comes on top of: all promises, and all offers in the same direction, since everything
    /// that is on offer must be deliverable together. An offer in the other direction may never be ordered, so nothing
    /// is built on it.
    fn besides(&self, requested: &RequestedPower, span: TimeSpan) -> Power {
        let in_span = |sold: &[(TimeSpan, Power)], counts: fn(Power, bool) -> bool| {
            let reduction = requested.max.watts() <= 0;
            let changes = sold.iter().filter(|(known, change)| *known == span && counts(*change, reduction));
            changes.fold(Power::from_watts(0), |sum, (_, change)| sum.saturating_add(*change))
        };
        in_span(&self.promised, |_, _| true)
            .saturating_add(in_span(&self.on_offer, |change, reduction| (change.watts() < 0) == reduction))
    }
}

fn single_isps<'a>(
    request: &'a Request,
    day: &'a IspDay,
) -> impl Iterator<Item = (IspNumber, TimeSpan, RequestedPower)> + use<'a> {
    let mut isps: Vec<_> = request
        .isps
        .iter()
        .flat_map(|requested| requested.isps.iter().map(|isp| (isp, *requested)))
        .filter_map(|(isp, requested)| Some((isp, day.isp(isp).ok()?, requested)))
        .collect();
    isps.sort_unstable_by_key(|(isp, _, _)| *isp);
    isps.into_iter()
}

/// Joins neighbours of equal power.
pub(super) fn runs(powers: impl Iterator<Item = (IspNumber, Power)>) -> Vec<IspPower> {
    let mut runs: Vec<IspPower> = Vec::new();
    for (isp, power) in powers {
        if let Some(last) = runs.last_mut()
            && last.power == power
            && last.isps.last().next() == Some(isp)
            && let Ok(longer) = IspRange::between(last.isps.start(), isp)
        {
            last.isps = longer;
        } else {
            runs.push(IspPower { isps: IspRange::single(isp), power });
        }
    }
    runs
}
