//! A common reference operator's messages: portfolios in, and what is asked about them.

use std::sync::Arc;

use tieline_service::{Call, Extension, State, Trace};
use tieline_store::StoreError;
use tieline_uftp::cro::{Change, Keeper, ReferencePolicy, RegisterError};
use tieline_uftp::message::{AgrPortfolioQuery, AgrPortfolioUpdate, DsoPortfolioQuery, DsoPortfolioUpdate};
use tieline_uftp::service::{Cro, CroService, ReceivedAt, RoleRoutes};
use tieline_uftp::{Accepted, Participant};
use tracing::info;

use super::common_reference::StoreRegister;
use super::{Verdict, Work, keep};
use crate::context::Context;

/// The common reference, and who serves it.
#[derive(Clone, Debug)]
pub(crate) struct CommonReferenceOperator {
    keeper: Arc<Keeper<StoreRegister>>,
}

impl CommonReferenceOperator {
    pub(crate) fn new(context: &Context, policy: ReferencePolicy) -> Self {
        let register = StoreRegister(Arc::clone(&context.store));
        Self { keeper: Arc::new(Keeper::new(policy, register)) }
    }

    /// What decides. A TestMessage is answered without it.
    pub(crate) fn handlers(self) -> RoleRoutes<Cro> {
        CroService::new()
            .pre_process(take_connections)
            .pre_process(take_congestion_points)
            .pre_process(tell_agr)
            .pre_process(tell_dso)
            .with_pre_process(|routes| routes.layer(Trace::new()))
            .with_state(self)
    }

    /// Keeps a change with the decision on its message.
    fn accept(&self, change: Change, sender: &Participant, work: &Work) -> Result<Accepted, Verdict> {
        let (congestion_points, connections) = (change.points().len(), change.connections().len());
        info!(%sender, change = change.number(), congestion_points, connections, "registered");
        keep(work, StoreRegister::keep(&change)?);
        self.keeper.expect(change);
        Ok(Accepted::new())
    }
}

impl From<RegisterError> for Verdict {
    fn from(failure: RegisterError) -> Self {
        Self::Undecided(StoreError::Database(failure.to_string()))
    }
}

async fn take_connections(
    update: Call<AgrPortfolioUpdate>,
    sender: Participant,
    State(operator): State<CommonReferenceOperator>,
    Extension(work): Extension<Work>,
    Extension(ReceivedAt(received_at)): Extension<ReceivedAt>,
) -> Result<Accepted, Verdict> {
    let reference = operator.keeper.current().await?;
    let change = reference.agr_portfolio_update(&update, &sender, received_at)?;
    operator.accept(change, &sender, &work)
}

async fn take_congestion_points(
    update: Call<DsoPortfolioUpdate>,
    sender: Participant,
    State(operator): State<CommonReferenceOperator>,
    Extension(work): Extension<Work>,
    Extension(ReceivedAt(received_at)): Extension<ReceivedAt>,
) -> Result<Accepted, Verdict> {
    let reference = operator.keeper.current().await?;
    let change = reference.dso_portfolio_update(&update, &sender, received_at)?;
    operator.accept(change, &sender, &work)
}

async fn tell_agr(
    query: Call<AgrPortfolioQuery>,
    sender: Participant,
    State(operator): State<CommonReferenceOperator>,
) -> Result<Accepted, Verdict> {
    Ok(operator.keeper.current().await?.agr_portfolio_query(&query, &sender)?)
}

async fn tell_dso(
    query: Call<DsoPortfolioQuery>,
    sender: Participant,
    State(operator): State<CommonReferenceOperator>,
) -> Result<Accepted, Verdict> {
    Ok(operator.keeper.current().await?.dso_portfolio_query(&query, &sender)?)
}
