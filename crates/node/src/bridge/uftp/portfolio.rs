//! What a common reference operator answers to an aggregator and to a grid operator.

use tieline_service::{Call, Extension, State};
use tieline_store::{ChangeSet, StoreError};
use tieline_types::{Domain, EntityAddress};
use tieline_uftp::message::{
    AgrPortfolioQueryResponse, AgrPortfolioUpdateResponse, DsoPortfolioQueryResponse,
    DsoPortfolioUpdateResponse,
};
use tieline_uftp::{Noted, RejectionReason};
use tracing::warn;

use super::registrar::{Registrar, tells};
use super::{AgrMarket, DsoMarket, Verdict, Work, keep};
use crate::role::agr::Placed;

fn asked<'m>(registrar: Option<&'m Registrar>, cro: &Domain) -> Option<&'m Registrar> {
    if registrar.is_none() {
        warn!(%cro, "an answer of a common reference operator with whom nothing is registered any more");
    }
    registrar
}

pub(super) async fn note_agr_update_response(
    call: Call<AgrPortfolioUpdateResponse>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let cro = &call.header.sender_domain;
    if let Some(registrar) = asked(market.registrar.as_ref(), cro) {
        let id = call.agr_portfolio_update_message_id;
        keep(&work, registrar.note_update(cro, id, &call.response).await?);
    }
    Ok(Noted)
}

pub(super) async fn note_dso_update_response(
    call: Call<DsoPortfolioUpdateResponse>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let cro = &call.header.sender_domain;
    if let Some(registrar) = asked(market.registrar.as_ref(), cro) {
        let id = call.dso_portfolio_update_message_id;
        keep(&work, registrar.note_update(cro, id, &call.response).await?);
    }
    Ok(Noted)
}

pub(super) async fn note_agr_query_response(
    call: Call<AgrPortfolioQueryResponse>,
    State(market): State<AgrMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let cro = &call.header.sender_domain;
    if let Some(registrar) = asked(market.registrar.as_ref(), cro) {
        keep(&work, compare_agr(&market, registrar, &call).await?);
    }
    Ok(Noted)
}

async fn compare_agr(
    market: &AgrMarket,
    registrar: &Registrar,
    answer: &AgrPortfolioQueryResponse,
) -> Result<ChangeSet, StoreError> {
    let (cro, response) = (&answer.header.sender_domain, &answer.response);
    let id = answer.agr_portfolio_query_message_id;
    let Some(query) = registrar.question(cro, id).await? else { return Ok(ChangeSet::new()) };
    let (mut portfolio, version) = registrar.registering.portfolio().await?;
    let period = query.value.period;
    let mut differences = tells(response)
        .then(|| market.agr.portfolio_differences(&placed(answer), &portfolio.registered, period));
    if let Some(differences) = differences.as_mut().filter(|some| !some.is_empty() && !response.is_accepted())
    {
        // They may be registered: an operator can't name connections of which none is behind a congestion point.
        *differences = vec![RejectionReason::join(&response.reasons())];
    }
    let mut changes = registrar.note_answer(query, response, differences.as_deref())?;
    if response.is_accepted() {
        let points = answer.dso_views.iter().flat_map(|view| &view.dso_portfolios);
        portfolio.mutex_offers = points
            .flat_map(|dso| &dso.congestion_points)
            .map(|point| (point.entity_address.clone(), point.mutex_offers_supported))
            .collect();
        changes.replace(&portfolio, version)?;
    }
    Ok(changes)
}

/// Once it is durable what the operator has said of congestion points, it is what was agreed there.
pub(super) async fn agree(
    call: Call<AgrPortfolioQueryResponse>,
    State(market): State<AgrMarket>,
) -> Result<(), Verdict> {
    if let Some(registrar) = asked(market.registrar.as_ref(), &call.header.sender_domain) {
        market.terms.learn(&registrar.registering.portfolio().await?.0.mutex_offers);
    }
    Ok(())
}

/// What an answer says of connections. A rejection says nothing, whatever views the schemas make it carry.
fn placed(answer: &AgrPortfolioQueryResponse) -> Vec<Placed> {
    let mut placed = Vec::new();
    if !answer.response.is_accepted() {
        return placed;
    }
    for view in &answer.dso_views {
        for dso in &view.dso_portfolios {
            for point in &dso.congestion_points {
                let behind = (dso.dso_domain.clone(), point.entity_address.clone());
                placed.extend(point.connections.iter().map(|connection| Placed {
                    connection: connection.entity_address.clone(),
                    behind: Some(behind.clone()),
                }));
            }
        }
        let behind_none =
            |connection: &EntityAddress| Placed { connection: connection.clone(), behind: None };
        placed.extend(view.connections.iter().map(|connection| behind_none(&connection.entity_address)));
    }
    placed
}

pub(super) async fn note_dso_query_response(
    call: Call<DsoPortfolioQueryResponse>,
    State(market): State<DsoMarket>,
    Extension(work): Extension<Work>,
) -> Result<Noted, Verdict> {
    let cro = &call.header.sender_domain;
    let Some(registrar) = asked(market.registrar.as_ref(), cro) else { return Ok(Noted) };
    let (id, response) = (call.dso_portfolio_query_message_id, &call.response);
    let Some(query) = registrar.question(cro, id).await? else { return Ok(Noted) };
    let Some(asked_about) = query.value.congestion_point.clone() else { return Ok(Noted) };
    let said: Vec<_> = call
        .congestion_point
        .iter()
        .filter(|point| point.entity_address == asked_about)
        .flat_map(|point| &point.connections)
        .map(|connection| (connection.entity_address.clone(), connection.agr_domain.clone()))
        .collect();
    let differences = tells(response).then(|| market.dso.portfolio_differences(&asked_about, &said));
    keep(&work, registrar.note_answer(query, response, differences.as_deref())?);
    Ok(Noted)
}
