//! A common reference in memory as a service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tieline_service::{Call, Extension, State};

use super::{Change, CommonReference, OutOfTurn};
use crate::message::{AgrPortfolioQuery, AgrPortfolioUpdate, DsoPortfolioQuery, DsoPortfolioUpdate};
use crate::service::{Cro, CroService, ReceivedAt, RoleRoutes};
use crate::{Accepted, Decision, Participant, Rejected, Undecided};

/// A common reference that several hands hold.
type Shared = Arc<Mutex<CommonReference>>;

/// What a common reference operator does with the four requests of AGRs and DSOs, over a common reference in memory.
///
/// An update is decided on and applied at once: a message that is handled again, since the storage could not keep the decision,
/// finds itself registered and changes nothing. What is registered is gone when the process ends; whoever must keep it writes
/// handlers over a [`Keeper`](super::Keeper).
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use jiff::tz::TimeZone;
/// use tieline_uftp::cro::{CommonReference, ReferencePolicy, cro_service};
///
/// let policy = ReferencePolicy::new(TimeZone::get("Europe/Amsterdam")?);
/// let reference = Arc::new(Mutex::new(CommonReference::new(policy)));
/// let handlers = cro_service(Arc::clone(&reference));
/// # drop(handlers);
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn cro_service(reference: Arc<Mutex<CommonReference>>) -> RoleRoutes<Cro> {
    CroService::new()
        .pre_process(take_connections)
        .pre_process(take_congestion_points)
        .pre_process(tell_agr)
        .pre_process(tell_dso)
        .with_state(reference)
}

/// Whatever panicked has left a common reference that is whole: it changes only after everything was decided.
fn held(reference: &Shared) -> MutexGuard<'_, CommonReference> {
    reference.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Decides and applies while nobody else does.
fn register(
    reference: &Shared,
    decide: impl FnOnce(&CommonReference) -> Result<Change, Rejected>,
) -> Result<Accepted, Decision> {
    let mut reference = held(reference);
    let change = decide(&reference)?;
    let out_of_turn = |other: OutOfTurn| Undecided { cause: other.to_string(), retry: true };
    reference.apply(change).map_err(out_of_turn)?;
    Ok(Accepted::new())
}

async fn take_connections(
    update: Call<AgrPortfolioUpdate>,
    sender: Participant,
    State(reference): State<Shared>,
    Extension(ReceivedAt(at)): Extension<ReceivedAt>,
) -> Result<Accepted, Decision> {
    register(&reference, |reference| reference.agr_portfolio_update(&update, &sender, at))
}

async fn take_congestion_points(
    update: Call<DsoPortfolioUpdate>,
    sender: Participant,
    State(reference): State<Shared>,
    Extension(ReceivedAt(at)): Extension<ReceivedAt>,
) -> Result<Accepted, Decision> {
    register(&reference, |reference| reference.dso_portfolio_update(&update, &sender, at))
}

async fn tell_agr(
    query: Call<AgrPortfolioQuery>,
    sender: Participant,
    State(reference): State<Shared>,
) -> Result<Accepted, Rejected> {
    held(&reference).agr_portfolio_query(&query, &sender)
}

async fn tell_dso(
    query: Call<DsoPortfolioQuery>,
    sender: Participant,
    State(reference): State<Shared>,
) -> Result<Accepted, Rejected> {
    held(&reference).dso_portfolio_query(&query, &sender)
}
