//! A grid operator's messages: requests and orders out, offers in.

use rust_decimal::Decimal;
use tieline_service::{Call, Extension, State, Trace};
use tieline_store::{ChangeSet, Records as _, StoreError, Timer};
use tieline_uftp::message::{
    Disposition, FlexOffer, FlexOrder, FlexOrderResponse, FlexRequest, FlexRequestIsp, FlexRequestResponse,
    Isp,
};
use tieline_uftp::service::{Dso as Operator, DsoService, RoleRoutes};
use tieline_uftp::value::{ActivationFactor, DateTime, MessageId};
use tieline_uftp::{Accepted, Noted, RejectionReason, Role, Text};
use tracing::{info, warn};

use super::window::{flex_message, span, window};
use super::{
    Letters, Registrar, Verdict, Work, keep, metering, portfolio, prognosis, settlement, unreadable,
    unwritable,
};
use crate::market::{
    IspPower, Need, NeedState, Offer, OfferOption, OfferState, Order, OrderState, Request, RequestState,
    message_key,
};
use crate::role::dso::{Dso, Placed};

/// The grid operator's side of the market.
#[derive(Clone, Debug)]
pub(crate) struct DsoMarket {
    pub(crate) dso: Dso,
    pub(crate) letters: Letters,
    /// With whom it registers, if it does.
    pub(crate) registrar: Option<Registrar>,
}

impl DsoMarket {
    /// What decides, and what is done once the answer is on its way.
    pub(crate) fn handlers(self) -> RoleRoutes<Operator> {
        DsoService::new()
            .pre_process(note_request_response)
            .pre_process(take_offer)
            .pre_process(note_order_response)
            .pre_process(prognosis::take)
            .pre_process(metering::take)
            .pre_process(settlement::note_response)
            .pre_process(portfolio::note_dso_update_response)
            .pre_process(portfolio::note_dso_query_response)
            .process(see_whether_all_offered)
            .with_pre_process(|routes| routes.layer(Trace::new()))
            .with_state(self)
    }

    /// The timer of a declared need: it becomes FlexRequests.
    pub(crate) async fn request(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        if let Some((need, requests)) = self.dso.requests(&fired.subject).await? {
            changes.set_timer(self.dso.decision_due(&need.reference));
            changes.replace(&need, 0)?;
            for request in requests {
                let message = self.write_request(&request)?;
                changes.put(&request)?.append(self.letters.sealed(message, Role::Agr)?);
            }
        }
        changes.clear_timer(fired);
        Ok(changes)
    }

    /// The timer of a requested need: the offers that serve it best are ordered.
    pub(crate) async fn decide(&self, fired: Timer) -> Result<ChangeSet, StoreError> {
        let mut changes = ChangeSet::new();
        let need = self.dso.context.store.record::<Need>(&fired.subject).await?;
        if let Some(mut need) = need.filter(|need| need.value.state == NeedState::Requested) {
            let orders = self.dso.orders(&need.value).await?;
            info!(need = need.value.reference, orders = orders.len(), "decided");
            need.value.state =
                NeedState::Decided { orders: orders.iter().map(|placed| placed.order.message_id).collect() };
            let why = format!("offers ordered: {}", orders.len());
            changes.decide(self.dso.context.now(), "dso", need.value.reference.clone(), "Decided", "", why);
            changes.replace(&need.value, need.version)?;
            for placed in orders {
                let message = self.write_order(&placed)?;
                let Placed { mut offer, version, order, .. } = placed;
                offer.state = OfferState::Ordered { order: order.message_id };
                changes
                    .replace(&offer, version)?
                    .put(&order)?
                    .append(self.letters.sealed(message, Role::Agr)?);
            }
        }
        changes.clear_timer(fired);
        Ok(changes)
    }

    fn write_request(&self, request: &Request) -> Result<FlexRequest, StoreError> {
        let mut header = self.letters.header(&request.counterparty, Role::Agr, Some(request.conversation_id));
        header.message_id = MessageId::from(request.message_id);
        let isps = request
            .isps
            .iter()
            .map(|isp| FlexRequestIsp {
                disposition: Some(if isp.requested {
                    Disposition::Requested
                } else {
                    Disposition::Available
                }),
                min_power: isp.min,
                max_power: isp.max,
                range: isp.isps,
            })
            .collect();
        Ok(FlexRequest {
            header,
            flex: flex_message(&request.window, &self.dso.calendar).map_err(|cause| unwritable(&cause))?,
            revision: 1,
            expiration_date_time: DateTime::utc(request.expires),
            contract_id: None,
            service_type: None,
            isps,
        })
    }

    fn write_order(&self, placed: &Placed) -> Result<FlexOrder, StoreError> {
        let order = &placed.order;
        let hundredths = (placed.activation_factor * Decimal::ONE_HUNDRED).round();
        let factor =
            u8::try_from(hundredths).ok().and_then(|part| ActivationFactor::from_hundredths(part).ok());
        let mut header = self.letters.header(&order.counterparty, Role::Agr, Some(order.conversation_id));
        header.message_id = MessageId::from(order.message_id);
        Ok(FlexOrder {
            header,
            flex: flex_message(&order.window, &self.dso.calendar).map_err(|cause| unwritable(&cause))?,
            unsolicited: None,
            service_type: None,
            flex_offer_message_id: Some(MessageId::from(order.offer)),
            contract_id: None,
            d_prognosis_message_id: order.prognosis.map(MessageId::from),
            baseline_reference: None,
            price: order.price,
            currency: order.currency,
            order_reference: Text::lossy(&order.reference),
            option_reference: Some(Text::lossy(&placed.option)),
            activation_factor: factor.ok_or_else(|| unwritable(&"its activation factor is none"))?,
            isps: order.isps.iter().map(|run| Isp { power: run.power, range: run.isps }).collect(),
        })
    }

    fn read_offer(&self, message: &FlexOffer) -> Result<Offer, StoreError> {
        let request = message.flex_request_message_id.ok_or_else(|| unreadable(&"it names no request"))?;
        let ranges = message.options.iter().flat_map(|option| &option.isps).map(|isp| isp.range);
        Ok(Offer {
            message_id: message.header.message_id.uuid(),
            conversation_id: message.header.conversation_id.uuid(),
            counterparty: message.header.sender_domain.clone(),
            request: request.uuid(),
            window: window(&message.flex),
            span: span(&message.flex, ranges, &self.dso.calendar)?,
            expires: message.expiration_date_time.instant(),
            currency: message.currency,
            contract: message.contract_id.as_ref().map(ToString::to_string),
            options: message
                .options
                .iter()
                .map(|option| OfferOption {
                    reference: option.option_reference.to_string(),
                    price: option.price,
                    min_activation_factor: option.min_activation_factor.value(),
                    isps: option
                        .isps
                        .iter()
                        .map(|isp| IspPower { isps: isp.range, power: isp.power })
                        .collect(),
                })
                .collect(),
            baseline: Vec::new(),
            prognosis: message.d_prognosis_message_id.map(MessageId::uuid),
            state: OfferState::Accepted,
        })
    }
}

async fn note_request_response(
    call: Call<FlexRequestResponse>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let agr = &call.header.sender_domain;
    let id = call.flex_request_message_id;
    let known = market.dso.context.store.record::<Request>(&message_key(agr, id)).await?;
    let Some(mut request) = known else {
        warn!(%agr, request = %id, "an answer to a request that was never made");
        return Ok(Noted);
    };
    if request.value.state == RequestState::Sent {
        request.value.state = if call.response.is_accepted() {
            RequestState::Accepted
        } else {
            RequestState::Rejected { reason: RejectionReason::join(&call.response.reasons()) }
        };
        let mut changes = ChangeSet::new();
        changes.replace(&request.value, request.version)?;
        keep(&work, changes);
    }
    Ok(Noted)
}

async fn take_offer(
    call: Call<FlexOffer>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let offer = market.read_offer(&call)?;
    let mut changes = ChangeSet::new();
    changes.put(&offer)?;
    keep(&work, changes);
    Ok(Accepted::new())
}

async fn see_whether_all_offered(
    call: Call<FlexOffer>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<(), Verdict> {
    let store = &market.dso.context.store;
    let id = call.header.message_id.uuid();
    let agr = &call.header.sender_domain;
    let Some(offer) = store.record::<Offer>(&message_key(agr, id)).await? else {
        return Ok(());
    };
    let Some(request) = store.record::<Request>(&message_key(agr, offer.value.request)).await? else {
        return Ok(());
    };
    let Some(reference) = request.value.need else { return Ok(()) };
    let Some(need) = store.record::<Need>(&reference).await? else { return Ok(()) };
    if need.value.state == NeedState::Requested && market.dso.all_have_offered(&need.value, id).await? {
        let mut changes = ChangeSet::new();
        changes.set_timer(Timer::new(crate::role::dso::DECIDE, reference, market.dso.context.now()));
        keep(&work, changes);
    }
    Ok(())
}

async fn note_order_response(
    call: Call<FlexOrderResponse>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let agr = &call.header.sender_domain;
    let id = call.flex_order_message_id;
    let known = market.dso.context.store.record::<Order>(&message_key(agr, id)).await?;
    let Some(mut order) = known else {
        warn!(%agr, order = %id, "an answer to an order that was never placed");
        return Ok(Noted);
    };
    if order.value.state == OrderState::Sent {
        order.value.state = if call.response.is_accepted() {
            info!(%agr, order = order.value.reference, "the order is accepted");
            OrderState::Accepted
        } else {
            let reason = RejectionReason::join(&call.response.reasons());
            warn!(%agr, order = order.value.reference, reason, "the order is rejected");
            OrderState::Rejected { reason }
        };
        let mut changes = ChangeSet::new();
        changes.replace(&order.value, order.version)?;
        if order.value.state == OrderState::Accepted {
            market.dso.claim(&order.value, &mut changes)?;
        }
        keep(&work, changes);
    }
    Ok(Noted)
}
