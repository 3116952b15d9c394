//! What the participants do with messages. Each notes how often it has handled a message, in one with what it does.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tieline_node::NodeStorage;
use tieline_service::{Call, Extension, State};
use tieline_store::{ChangeSet, Record, Records as _};
use tieline_types::{Amount, Currency, Power, TimeSpan};
use tieline_uftp::message::{
    FlexOffer, FlexOfferResponse, FlexOfferRevocation, FlexOfferRevocationResponse, FlexOrder,
    FlexOrderResponse, FlexRequest, FlexRequestResponse, Isp, Message, OfferOption,
};
use tieline_uftp::service::{Agr, AgrService, Conversation, Dso, DsoService, RoleRoutes, Work};
use tieline_uftp::value::{ActivationFactor, MessageId};
use tieline_uftp::{
    Accepted, Exchanged, Fate, History as _, MessageType, Received, Rejected, RejectionReason, Undecided,
};

use super::plot::Plot;
use crate::scene::order_of;

/// How often a message was handled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Handled {
    pub(crate) message_id: String,
    pub(crate) times: u32,
}

impl Record for Handled {
    const KIND: &'static str = "handled";

    fn key(&self) -> String {
        self.message_id.clone()
    }

    fn subject(&self) -> String {
        self.message_id.clone()
    }

    fn span(&self) -> Option<TimeSpan> {
        None
    }

    fn open(&self) -> bool {
        false
    }
}

/// What a handler has beside its message.
type Kept = Extension<Work<ChangeSet>>;

async fn note(storage: &NodeStorage, received: &Received, Extension(work): &Kept) -> Result<(), Undecided> {
    let message_id = received.payload.header().message_id.to_string();
    let known =
        storage.store().record::<Handled>(&message_id).await.map_err(|failure| undecided(&failure))?;
    let times = known.map_or(0, |known| known.value.times) + 1;
    work.change(|changes| changes.put(&Handled { message_id, times }).map(drop))
        .map_err(|failure| undecided(&failure))
}

fn undecided(failure: &dyn std::error::Error) -> Undecided {
    Undecided { cause: failure.to_string(), retry: true }
}

/// A message that causes nothing.
async fn seen<M: Message>(
    _: Call<M>,
    received: Arc<Received>,
    work: Kept,
    State(storage): State<NodeStorage>,
) -> Result<(), Undecided> {
    note(&storage, &received, &work).await
}

pub(crate) fn agr(storage: &NodeStorage) -> RoleRoutes<Agr> {
    AgrService::new()
        .pre_process(take_order)
        .process(offer)
        .process(revoke)
        .process(seen::<FlexOrder>)
        .process(seen::<FlexOfferRevocationResponse>)
        .with_state(storage.clone())
}

pub(crate) fn dso(storage: &NodeStorage) -> RoleRoutes<Dso> {
    DsoService::new()
        .pre_process(take_offer)
        .process(order)
        .process(seen::<FlexRequestResponse>)
        .process(seen::<FlexOrderResponse>)
        .process(seen::<FlexOfferRevocation>)
        .with_state(storage.clone())
}

async fn offer(
    request: Call<FlexRequest>,
    conversation: Conversation,
    received: Arc<Received>,
    work: Kept,
    State(storage): State<NodeStorage>,
) -> Result<(), Undecided> {
    note(&storage, &received, &work).await?;
    conversation.send(|header| FlexOffer {
        header,
        flex: request.flex.clone(),
        expiration_date_time: request.expiration_date_time.clone(),
        unsolicited: None,
        flex_request_message_id: Some(request.header.message_id),
        contract_id: None,
        d_prognosis_message_id: None,
        baseline_reference: None,
        currency: Currency::EUR,
        options: vec![OfferOption {
            option_reference: "1".parse().unwrap(),
            price: Amount::new("1.5".parse().unwrap()).unwrap(),
            min_activation_factor: ActivationFactor::FULL,
            isps: vec![Isp { power: Power::from_watts(-1000), range: request.isps[0].range }],
        }],
    })?;
    Ok(())
}

async fn take_offer(offer: Call<FlexOffer>) -> Result<Accepted, Rejected> {
    match Plot::at(&offer.flex.congestion_point) {
        Plot::OfferRejected => Err(RejectionReason::other("not this one").into()),
        _ => Ok(Accepted::new()),
    }
}

async fn take_order(order: Call<FlexOrder>) -> Result<Accepted, Rejected> {
    match Plot::at(&order.flex.congestion_point) {
        Plot::OrderRejected => Err(RejectionReason::other("not this one").into()),
        _ => Ok(Accepted::new()),
    }
}

/// Whether an offer was ordered, or revoked, as far as one knows here.
async fn is_over(
    storage: &NodeStorage,
    conversation: &Conversation,
    offer: MessageId,
) -> Result<bool, Undecided> {
    let ends = |one: &Exchanged| {
        let ends =
            matches!(one.payload.message_type(), MessageType::FlexOrder | MessageType::FlexOfferRevocation);
        ends && one.fate != Fate::Rejected
    };
    let about_it = storage.referring_to(conversation.counterparty(), offer).await;
    let about_it = about_it.map_err(|failure| undecided(&failure))?;
    Ok(about_it.iter().any(ends))
}

/// Revokes an offer as soon as it is accepted.
async fn revoke(
    response: Call<FlexOfferResponse>,
    conversation: Conversation,
    received: Arc<Received>,
    work: Kept,
    State(storage): State<NodeStorage>,
) -> Result<(), Undecided> {
    note(&storage, &received, &work).await?;
    let id = response.flex_offer_message_id;
    let known =
        storage.message(conversation.counterparty(), id).await.map_err(|failure| undecided(&failure))?;
    let offer = known.expect("it was ours").payload;
    if Plot::at(offer.congestion_point().unwrap()) == Plot::Crossing
        && !is_over(&storage, &conversation, id).await?
    {
        conversation.send(|header| FlexOfferRevocation { header, flex_offer_message_id: id })?;
    }
    Ok(())
}

/// Orders an offer, unless it was revoked already.
async fn order(
    offer: Call<FlexOffer>,
    conversation: Conversation,
    received: Arc<Received>,
    work: Kept,
    State(storage): State<NodeStorage>,
) -> Result<(), Undecided> {
    note(&storage, &received, &work).await?;
    if !is_over(&storage, &conversation, offer.header.message_id).await? {
        conversation.send(|header| order_of(&offer, header))?;
    }
    Ok(())
}
