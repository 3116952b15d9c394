use tieline_flex::{
    Book, BookError, BookedOffer, BookedOption, Direction, NoOffer, OfferedChange, Pricing, RequestedChange,
    offer,
};
use tieline_store::{Records as _, StoreError, Stored};
use tieline_types::{Domain, EntityAddress, IspDay, IspNumber, IspRange, Power, TimeSpan};
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
    /// The offer on a request: what the sessions present can deliver of it, besides what was promised already and
    /// what other contracts reserve.
    pub(crate) async fn make_offer(&self, request: &Request, message_id: Uuid) -> Result<Made, StoreError> {
        let now = self.context.now();
        let Ok(day) = self.calendar.day(request.window.period) else {
            return Ok(Made::Nothing("its day has no ISPs of this length".to_owned()));
        };
        if request.expires <= now {
            return Ok(Made::Nothing("it has expired".to_owned()));
        }
        let point = &request.window.congestion_point;
        let book = self.book(point, request.span).await?;
        let reserved = self.reserved(request, &day).await?;
        let agreed = self.agreed_baseline(&request.counterparty, &request.window).await?;
        let isps: Vec<(IspNumber, RequestedChange)> = single_isps(request, &day)
            .filter(|(_, span, _)| span.start() > now)
            .map(|(isp, span, requested)| {
                let direction =
                    if requested.max.watts() <= 0 { Direction::Reduction } else { Direction::Increase };
                let change = RequestedChange {
                    span,
                    min: requested.min,
                    max: requested.max,
                    requested: requested.requested,
                    promised: book.promised(span, direction).saturating_add(reserved.in_isp(isp, direction)),
                    baseline: agreed.as_ref().and_then(|agreed| agreed.power(isp)),
                };
                (isp, change)
            })
            .collect();
        let fleet = self.fleet(point).await?;
        let changes: Vec<RequestedChange> = isps.iter().map(|(_, change)| *change).collect();
        let offered = match offer(&fleet, &changes) {
            Ok(offered) => offered,
            Err(NoOffer(obstacles)) => return Ok(Made::Nothing(NoOffer(obstacles).to_string())),
        };
        let agreed = agreed.map(|agreed| agreed.message_id);
        Ok(self.offer_of(request, message_id, agreed, &isps, &offered))
    }

    /// The book of a congestion point: what was promised there, and what is on offer and can still be ordered.
    async fn book(
        &self,
        point: &EntityAddress,
        within: TimeSpan,
    ) -> Result<Book<(Domain, Uuid)>, StoreError> {
        let store = &self.context.store;
        let now = self.context.now();
        let misuse = |cause: BookError| StoreError::Misuse(cause.to_string());
        let mut book = Book::default();
        for Stored { value: promise, .. } in store.records_of::<Promise>(point.as_str(), Some(within)).await?
        {
            book.bind((promise.counterparty, promise.order), promise.span, promise.change).map_err(misuse)?;
        }
        for Stored { value: offer, .. } in store.records_of::<Offer>(point.as_str(), Some(within)).await? {
            if offer.can_be_ordered(now) {
                book.restore((offer.counterparty.clone(), offer.message_id), self.booked(&offer))
                    .map_err(misuse)?;
            }
        }
        Ok(book)
    }

    /// An offer as the book has it.
    fn booked(&self, offer: &Offer) -> BookedOffer {
        let day = self.calendar.day(offer.window.period).ok();
        let span = |isp: IspNumber| day.as_ref()?.isp(isp).ok();
        let options = offer.options.iter().map(|option| BookedOption {
            min_activation_factor: option.min_activation_factor,
            changes: per_isp(&option.isps)
                .into_iter()
                .filter_map(|(isp, change)| Some((span(isp)?, change)))
                .collect(),
        });
        BookedOffer { expires: offer.expires, options: options.collect() }
    }

    fn offer_of(
        &self,
        request: &Request,
        message_id: Uuid,
        prognosis: Option<Uuid>,
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
            prognosis,
            state: OfferState::Sent,
        }))
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
