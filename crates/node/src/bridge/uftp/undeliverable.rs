//! What the market's book says once a message of ours will never arrive.

use std::time::Duration;

use tieline_store::{ChangeSet, Records as _, StoreError, Timer};
use tieline_uftp::MessageType;
use tieline_uftp::service::Undeliverable;

use crate::context::Context;
use crate::market::{
    Claim, MeteredState, Offer, OfferState, Order, OrderState, Portfolio, PortfolioUpdateState, Prognosis,
    PrognosisState, Request, RequestState, Settlement, SettlementState, message_key, metered_by,
};
use crate::role::agr::{METER, PROGNOSE, subject};
use crate::role::dso::{SETTLE, settlement_subject};
use crate::role::registering::PORTFOLIO;

/// When what must be said is said anew: the peer could not be reached for hours.
const REST: Duration = Duration::from_mins(30);

/// Marks the record of a message that could not be delivered. What is owed whatever happens, a prognosis, metering or a
/// settlement, is made again later.
pub(super) async fn undeliverable(
    context: &Context,
    letter: &Undeliverable,
) -> Result<ChangeSet, StoreError> {
    match letter.message_type {
        MessageType::DPrognosis | MessageType::Metering | MessageType::FlexSettlement => {
            owed(context, letter).await
        }
        MessageType::FlexRequest | MessageType::FlexOffer | MessageType::FlexOrder => {
            traded(context, letter).await
        }
        MessageType::AgrPortfolioUpdate
        | MessageType::DsoPortfolioUpdate
        | MessageType::AgrPortfolioQuery
        | MessageType::DsoPortfolioQuery => registered(context, letter).await,
        _ => Ok(ChangeSet::new()),
    }
}

/// The operator is told or asked again later.
async fn registered(context: &Context, letter: &Undeliverable) -> Result<ChangeSet, StoreError> {
    let mut changes = ChangeSet::new();
    let cro = letter.recipient.domain.as_str();
    let Some(mut portfolio) = context.store.record::<Portfolio>(cro).await? else { return Ok(changes) };
    let is_query =
        matches!(letter.message_type, MessageType::AgrPortfolioQuery | MessageType::DsoPortfolioQuery);
    if is_query {
        portfolio.value.asked = None;
    } else if let Some(update) = portfolio.value.open_update(letter.message_id.uuid()) {
        update.state = PortfolioUpdateState::Undeliverable { cause: letter.cause.clone() };
    } else {
        return Ok(changes);
    }
    changes.replace(&portfolio.value, portfolio.version)?;
    let later = context.now().checked_add(REST).unwrap_or(context.now());
    changes.set_timer(Timer::new(PORTFOLIO, cro, later));
    Ok(changes)
}

async fn traded(context: &Context, letter: &Undeliverable) -> Result<ChangeSet, StoreError> {
    let cause = letter.cause.clone();
    let store = &context.store;
    let key = &message_key(&letter.recipient.domain, letter.message_id);
    let mut changes = ChangeSet::new();
    match letter.message_type {
        MessageType::FlexRequest => {
            if let Some(mut request) = store.record::<Request>(key).await? {
                request.value.state = RequestState::Undeliverable { cause };
                changes.replace(&request.value, request.version)?;
            }
        }
        MessageType::FlexOffer => {
            if let Some(mut offer) = store.record::<Offer>(key).await? {
                offer.value.state = OfferState::Undeliverable { cause };
                changes.replace(&offer.value, offer.version)?;
            }
        }
        MessageType::FlexOrder => {
            if let Some(mut order) = store.record::<Order>(key).await? {
                order.value.state = OrderState::Undeliverable { cause };
                changes.replace(&order.value, order.version)?;
            }
        }
        _ => {}
    }
    Ok(changes)
}

async fn owed(context: &Context, letter: &Undeliverable) -> Result<ChangeSet, StoreError> {
    let cause = letter.cause.clone();
    let store = &context.store;
    let key = &message_key(&letter.recipient.domain, letter.message_id);
    let later = context.now().checked_add(REST).unwrap_or(context.now());
    let mut changes = ChangeSet::new();
    match letter.message_type {
        MessageType::DPrognosis => {
            if let Some(mut prognosis) = store.record::<Prognosis>(key).await? {
                prognosis.value.state = PrognosisState::Undeliverable { cause };
                changes.replace(&prognosis.value, prognosis.version)?;
                let window = &prognosis.value.window;
                let of_day = subject(window.period, window.congestion_point.as_str());
                changes.set_timer(Timer::new(PROGNOSE, of_day, later));
            }
        }
        MessageType::Metering => {
            if let Some(mut metered) = metered_by(&**store, key).await? {
                metered.value.state = MeteredState::Undeliverable { cause };
                changes.replace(&metered.value, metered.version)?;
                let of_day = subject(metered.value.period, metered.value.connection.as_str());
                changes.set_timer(Timer::new(METER, of_day, later));
            }
        }
        MessageType::FlexSettlement => {
            if let Some(mut settlement) = store.record::<Settlement>(key).await? {
                settlement.value.state = SettlementState::Undeliverable { cause };
                changes.replace(&settlement.value, settlement.version)?;
                let counterparty = &settlement.value.counterparty;
                for mut claim in store.records_of::<Claim>(counterparty.as_str(), None).await? {
                    if claim.value.settlement == Some(settlement.value.message_id) {
                        claim.value.settlement = None;
                        changes.replace(&claim.value, claim.version)?;
                    }
                }
                let of_period = settlement_subject(settlement.value.period_start, counterparty);
                changes.set_timer(Timer::new(SETTLE, of_period, later));
            }
        }
        _ => {}
    }
    Ok(changes)
}
