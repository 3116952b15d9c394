//! An aggregator's messages: requests and orders in, offers out.

use tieline_service::{Call, Extension, State, Trace};
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_uftp::message::{
    Disposition, FlexOffer, FlexOfferResponse, FlexOrder, FlexRequest, FlexRequestIsp, FlexReservationUpdate,
    Isp, OfferOption,
};
use tieline_uftp::service::{Agr as Aggregator, AgrService, RoleRoutes};
use tieline_uftp::value::{ActivationFactor, DateTime, MessageId};
use tieline_uftp::{Accepted, Noted, RejectionReason, Role, Text};
use tracing::{info, warn};

use super::window::{flex_message, span, window};
use super::{
    Letters, MarketTerms, Registrar, Verdict, Work, keep, metering, portfolio, prognosis, settlement,
    unreadable,
};
use crate::market::{
    IspPower, Offer, OfferState, Order, OrderState, Request, RequestState, RequestedPower, message_key,
};
use crate::role::agr::{Agr, Made};

/// The aggregator's side of the market.
#[derive(Clone, Debug)]
pub(crate) struct AgrMarket {
    pub(crate) agr: Agr,
    pub(crate) letters: Letters,
    pub(crate) terms: MarketTerms,
    /// With whom it registers, if it does.
    pub(crate) registrar: Option<Registrar>,
}

impl AgrMarket {
    /// What decides, and what is done once the answer is on its way.
    pub(crate) fn handlers(self) -> RoleRoutes<Aggregator> {
        AgrService::new()
            .pre_process(take_request)
            .pre_process(note_offer_response)
            .pre_process(take_order)
            .pre_process(take_reservation)
            .pre_process(prognosis::note_response)
            .pre_process(metering::note_response)
            .pre_process(settlement::take)
            .pre_process(portfolio::note_agr_update_response)
            .pre_process(portfolio::note_agr_query_response)
            .process(offer_on_request)
            .process(portfolio::agree)
            .with_pre_process(|routes| routes.layer(Trace::new()))
            .with_state(self)
    }

    fn read_request(&self, message: &FlexRequest) -> Result<Request, StoreError> {
        let ranges = message.isps.iter().map(|isp| isp.range);
        Ok(Request {
            message_id: message.header.message_id.uuid(),
            conversation_id: message.header.conversation_id.uuid(),
            counterparty: message.header.sender_domain.clone(),
            window: window(&message.flex),
            span: span(&message.flex, ranges, &self.agr.calendar)?,
            isps: message.isps.iter().map(requested).collect(),
            expires: message.expiration_date_time.instant(),
            contract: message.contract_id.as_ref().map(ToString::to_string),
            need: None,
            state: RequestState::Accepted,
        })
    }

    fn write_offer(&self, offer: &Offer) -> Result<FlexOffer, StoreError> {
        let misuse =
            |cause: &dyn std::fmt::Display| StoreError::Misuse(format!("an offer can't be written: {cause}"));
        let mut header = self.letters.header(&offer.counterparty, Role::Dso, Some(offer.conversation_id));
        header.message_id = MessageId::from(offer.message_id);
        let flex = flex_message(&offer.window, &self.agr.calendar).map_err(|cause| misuse(&cause))?;
        let contract_id =
            offer.contract.as_deref().map(str::parse).transpose().map_err(|cause| misuse(&cause))?;
        let options = offer
            .options
            .iter()
            .map(|option| {
                Ok(OfferOption {
                    option_reference: option.reference.parse().map_err(|cause| misuse(&cause))?,
                    price: option.price,
                    min_activation_factor: ActivationFactor::FULL,
                    isps: option.isps.iter().map(|run| Isp { power: run.power, range: run.isps }).collect(),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(FlexOffer {
            header,
            flex,
            expiration_date_time: DateTime::utc(offer.expires),
            unsolicited: None,
            flex_request_message_id: Some(MessageId::from(offer.request)),
            contract_id,
            d_prognosis_message_id: offer.prognosis.map(MessageId::from),
            baseline_reference: None,
            currency: offer.currency,
            options,
        })
    }

    fn read_order(&self, message: &FlexOrder) -> Result<Order, StoreError> {
        let offer = message.flex_offer_message_id.ok_or_else(|| unreadable(&"it names no offer"))?;
        let ranges = message.isps.iter().map(|isp| isp.range);
        Ok(Order {
            message_id: message.header.message_id.uuid(),
            conversation_id: message.header.conversation_id.uuid(),
            counterparty: message.header.sender_domain.clone(),
            reference: message.order_reference.to_string(),
            offer: offer.uuid(),
            window: window(&message.flex),
            span: span(&message.flex, ranges, &self.agr.calendar)?,
            price: message.price,
            currency: message.currency,
            isps: message.isps.iter().map(|isp| IspPower { isps: isp.range, power: isp.power }).collect(),
            prognosis: message.d_prognosis_message_id.map(MessageId::uuid),
            state: OrderState::Accepted,
        })
    }
}

async fn take_request(
    call: Call<FlexRequest>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let request = market.read_request(&call)?;
    let mut changes = ChangeSet::new();
    changes.put(&request)?;
    keep(&work, changes);
    Ok(Accepted::new())
}

async fn offer_on_request(
    call: Call<FlexRequest>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<(), Verdict> {
    let store = &market.agr.context.store;
    let key = message_key(&call.header.sender_domain, call.header.message_id);
    let Some(request) = store.record::<Request>(&key).await? else { return Ok(()) };
    let made = market.agr.make_offer(&request.value, market.agr.context.uuid()).await?;
    let mut changes = ChangeSet::new();
    match made {
        Made::Offer(offer) => {
            let message = market.write_offer(&offer)?;
            changes.put(&*offer)?.append(market.letters.sealed(message, Role::Dso)?);
        }
        Made::Nothing(why) => {
            let request = request.value;
            info!(dso = %request.counterparty, congestion_point = %request.window.congestion_point, %why, "no offer is made");
            let conversation = request.conversation_id.to_string();
            changes.decide(
                market.agr.context.now(),
                "agr",
                request.counterparty.to_string(),
                "NoOffer",
                conversation,
                why,
            );
        }
    }
    keep(&work, changes);
    Ok(())
}

async fn note_offer_response(
    call: Call<FlexOfferResponse>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let dso = &call.header.sender_domain;
    let id = call.flex_offer_message_id;
    let Some(mut offer) = market.agr.context.store.record::<Offer>(&message_key(dso, id)).await? else {
        warn!(%dso, offer = %id, "an answer to an offer that was never made");
        return Ok(Noted);
    };
    // An order that overtook the answer has said more than it can.
    if offer.value.state == OfferState::Sent {
        offer.value.state = if call.response.is_accepted() {
            OfferState::Accepted
        } else {
            OfferState::Rejected { reason: RejectionReason::join(&call.response.reasons()) }
        };
        let mut changes = ChangeSet::new();
        changes.replace(&offer.value, offer.version)?;
        keep(&work, changes);
    }
    Ok(Noted)
}

async fn take_order(
    call: Call<FlexOrder>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let order = market.read_order(&call)?;
    let key = message_key(&order.counterparty, order.offer);
    let offer = market.agr.context.store.record::<Offer>(&key).await?;
    let offer = offer.ok_or_else(|| unreadable(&"its offer is not in the book"))?;
    info!(dso = %order.counterparty, order = order.reference, congestion_point = %order.window.congestion_point, "ordered");
    keep(&work, market.agr.accept(offer, &order)?);
    Ok(Accepted::new())
}

async fn take_reservation(
    call: Call<FlexReservationUpdate>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Accepted, Verdict> {
    let (dso, contract) = (&call.header.sender_domain, call.contract_id.as_str());
    let known = market.agr.contract(dso, contract);
    if known.is_none_or(|known| known.congestion_point != call.flex.congestion_point) {
        return Err(RejectionReason::UnknownReference(Text::lossy("ContractID")).into());
    }
    let isps: Vec<IspPower> =
        call.isps.iter().map(|isp| IspPower { isps: isp.range, power: isp.power }).collect();
    info!(%dso, contract, period = %call.flex.period, "less stays reserved");
    keep(&work, market.agr.keep_reservation(dso, contract, window(&call.flex), &isps).await?);
    Ok(Accepted::new())
}

fn requested(isp: &FlexRequestIsp) -> RequestedPower {
    RequestedPower {
        isps: isp.range,
        min: isp.min_power,
        max: isp.max_power,
        requested: isp.disposition == Some(Disposition::Requested),
    }
}
