//! A grid operator: requests what it needs, orders the cheapest offers that serve, and settles what was delivered.

mod choosing;
mod metering;
mod portfolio;
mod prognoses;
mod settling;

use std::sync::Arc;

use rust_decimal::Decimal;
use tieline_store::{ChangeSet, Records as _, StoreError, Stored, Timer};
use tieline_types::IspCalendar;
use uuid::Uuid;

use crate::config::{DsoConfig, NeedConfig};
use crate::context::Context;
use crate::market::{
    Need, NeedState, Offer, Order, OrderState, Request, RequestState, RequestedPower, Window, hull,
};

pub(crate) use metering::MeteringRefusal;
pub(crate) use prognoses::PrognosisRefusal;
pub(crate) use settling::{SETTLE, Settling, settlement_subject};

/// The timer that requests a declared need.
pub(crate) const REQUEST: &str = "request";

/// The timer that decides on the offers for a need.
pub(crate) const DECIDE: &str = "decide";

/// An order that is placed, and the offer that it takes up.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) offer: Offer,
    /// The version of the offer that was read.
    pub(crate) version: i64,
    pub(crate) order: Order,
    /// The option's name.
    pub(crate) option: String,
    pub(crate) activation_factor: Decimal,
}

/// A grid operator's decisions.
#[derive(Clone, Debug)]
pub(crate) struct Dso {
    pub(crate) context: Context,
    pub(crate) config: Arc<DsoConfig>,
    pub(crate) calendar: IspCalendar,
}

impl Dso {
    /// Sets the timers of the needs that were never requested: for now, or for the instant that they name.
    pub(crate) async fn take_up_needs(&self) -> Result<(), StoreError> {
        let mut changes = ChangeSet::new();
        for need in &self.config.needs {
            if self.context.store.record::<Need>(&need.reference).await?.is_none() {
                let now = self.context.now();
                let due = need.request_at.map_or(now, |at| at.max(now));
                changes.set_timer(Timer::new(REQUEST, &need.reference, due));
            }
        }
        self.context.commit(changes).await
    }

    /// The need and the requests that it becomes, one for each aggregator; `None` if it was requested before, is no longer
    /// declared, or names ISPs that its day does not have.
    pub(crate) async fn requests(&self, reference: &str) -> Result<Option<(Need, Vec<Request>)>, StoreError> {
        let Some(declared) = self.config.needs.iter().find(|need| need.reference == reference) else {
            return Ok(None);
        };
        if self.context.store.record::<Need>(reference).await?.is_some() {
            return Ok(None);
        }
        let Some(isps) = self.isps(declared) else {
            tracing::error!(need = reference, period = %declared.period, "its ISPs are not in the day; it is not requested");
            return Ok(None);
        };
        let window = Window { congestion_point: declared.congestion_point.clone(), period: declared.period };
        let Some(span) = self
            .calendar
            .day(declared.period)
            .ok()
            .and_then(|day| hull(&day, isps.iter().map(|isp| isp.isps)).ok().flatten())
        else {
            return Ok(None);
        };
        let requests: Vec<Request> = declared
            .aggregators
            .iter()
            .map(|aggregator| Request {
                message_id: self.context.uuid(),
                conversation_id: self.context.uuid(),
                counterparty: aggregator.clone(),
                window: window.clone(),
                span,
                isps: isps.clone(),
                expires: declared.expires.min(span.end()),
                contract: None,
                need: Some(reference.to_owned()),
                state: RequestState::Sent,
            })
            .collect();
        let need = Need {
            reference: reference.to_owned(),
            window,
            aggregators: declared.aggregators.clone(),
            isps,
            expires: declared.expires,
            maximum_price: declared.maximum_price,
            currency: declared.currency,
            requests: requests.iter().map(|request| request.message_id).collect(),
            state: NeedState::Requested,
        };
        Ok(Some((need, requests)))
    }

    /// When the offers for a need that is requested now are decided on.
    pub(crate) fn decision_due(&self, reference: &str) -> Timer {
        let now = self.context.now();
        let declared = self.config.needs.iter().find(|need| need.reference == reference);
        let due = declared.and_then(|need| now.checked_add(need.decide_after.get()).ok()).unwrap_or(now);
        Timer::new(DECIDE, reference, due)
    }

    /// Whether every aggregator that was asked has offered; then there is nothing to wait for.
    pub(crate) async fn all_have_offered(&self, need: &Need, latest: Uuid) -> Result<bool, StoreError> {
        let offers = self.offers(&need.window).await?;
        Ok(need.requests.iter().all(|request| {
            offers.iter().any(|offer| {
                offer.value.request == *request
                    && (offer.value.message_id == latest || offer.value.is_accepted())
            })
        }))
    }

    /// The orders that serve a need best, given the offers that can be ordered now.
    pub(crate) async fn orders(&self, need: &Need) -> Result<Vec<Placed>, StoreError> {
        let now = self.context.now();
        let offers = self.offers(&need.window).await?;
        let orderable = offers.into_iter().filter(|offer| {
            need.requests.contains(&offer.value.request)
                && offer.value.is_accepted()
                && offer.value.expires > now
        });
        let chosen = choosing::choose(need, orderable.collect(), &self.calendar);
        Ok(chosen
            .into_iter()
            .zip(1_u32..)
            .map(|(chosen, number)| {
                let offer = chosen.offer.value;
                let order = Order {
                    message_id: self.context.uuid(),
                    conversation_id: offer.conversation_id,
                    counterparty: offer.counterparty.clone(),
                    reference: format!("{}-{number}", need.reference),
                    offer: offer.message_id,
                    window: need.window.clone(),
                    span: offer.span,
                    price: chosen.price,
                    currency: offer.currency,
                    isps: chosen.isps,
                    prognosis: offer.prognosis,
                    state: OrderState::Sent,
                };
                Placed {
                    offer,
                    version: chosen.offer.version,
                    order,
                    option: chosen.option,
                    activation_factor: chosen.activation_factor,
                }
            })
            .collect())
    }

    /// The offers at a point for a day.
    async fn offers(&self, window: &Window) -> Result<Vec<Stored<Offer>>, StoreError> {
        let Ok(day) = self.calendar.day(window.period) else { return Ok(Vec::new()) };
        self.context.store.records_of::<Offer>(window.congestion_point.as_str(), Some(day.span())).await
    }

    fn isps(&self, declared: &NeedConfig) -> Option<Vec<RequestedPower>> {
        let day = self.calendar.day(declared.period).ok()?;
        declared
            .isps
            .iter()
            .map(|isp| {
                let isps = isp.range().ok()?;
                day.range(isps).ok()?;
                Some(RequestedPower { isps, min: isp.min, max: isp.max, requested: !isp.available })
            })
            .collect()
    }
}
