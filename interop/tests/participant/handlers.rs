//! A handler for every message of every role: what the rules leave to decide is decided as a test asks.

use tieline_service::{Call, Extension, State};
use tieline_uftp::cro::{Change, CommonReference};
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioQueryResponse, AgrPortfolioUpdate, AgrPortfolioUpdateResponse, DPrognosis,
    DPrognosisResponse, DsoPortfolioQuery, DsoPortfolioQueryResponse, DsoPortfolioUpdate,
    DsoPortfolioUpdateResponse, FlexOffer, FlexOfferResponse, FlexOfferRevocation,
    FlexOfferRevocationResponse, FlexOrder, FlexOrderResponse, FlexRequest, FlexRequestResponse,
    FlexReservationUpdate, FlexReservationUpdateResponse, FlexSettlement, FlexSettlementResponse, Message,
    Metering, MeteringResponse, TestMessage, TestMessageResponse,
};
use tieline_uftp::service::{Agr, AgrService, Cro, CroService, Dso, DsoService, ReceivedAt, RoleRoutes};
use tieline_uftp::{Accepted, Decision, Noted, Participant, Rejected, Undecided};

use crate::driver::{Driver, Step};

macro_rules! handlers {
    ($service:ident: decides $($request:ident),+; notes $($answer:ident),+) => {
        $service::<Driver>::new()
            $(.pre_process(decide::<$request>))+
            $(.pre_process(note::<$answer>))+
            $(.process(work::<$request>))+
            $(.process(work::<$answer>))+
    };
}

pub(crate) fn agr(driver: Driver) -> RoleRoutes<Agr> {
    handlers!(AgrService:
        decides TestMessage, FlexRequest, FlexOrder, FlexReservationUpdate, FlexSettlement;
        notes TestMessageResponse, DPrognosisResponse, FlexOfferResponse, FlexOfferRevocationResponse, MeteringResponse,
            AgrPortfolioUpdateResponse, AgrPortfolioQueryResponse
    )
    .with_state(driver)
}

pub(crate) fn dso(driver: Driver) -> RoleRoutes<Dso> {
    handlers!(DsoService:
        decides TestMessage, DPrognosis, FlexOffer, FlexOfferRevocation, Metering;
        notes TestMessageResponse, FlexRequestResponse, FlexOrderResponse, FlexReservationUpdateResponse,
            FlexSettlementResponse, DsoPortfolioUpdateResponse, DsoPortfolioQueryResponse
    )
    .with_state(driver)
}

/// Its requests are about the common reference.
pub(crate) fn cro(driver: Driver) -> RoleRoutes<Cro> {
    handlers!(CroService: decides TestMessage; notes TestMessageResponse)
        .pre_process(agr_portfolio_update)
        .pre_process(agr_portfolio_query)
        .pre_process(dso_portfolio_update)
        .pre_process(dso_portfolio_query)
        .process(work::<AgrPortfolioUpdate>)
        .process(work::<AgrPortfolioQuery>)
        .process(work::<DsoPortfolioUpdate>)
        .process(work::<DsoPortfolioQuery>)
        .with_state(driver)
}

async fn decide<M: Message>(
    Call(request): Call<M>,
    State(driver): State<Driver>,
) -> Result<Accepted, Rejected> {
    driver.note(Step::PreProcess, request.into());
    driver.demanded().map(|()| Accepted::new())
}

async fn note<M: Message>(Call(answer): Call<M>, State(driver): State<Driver>) -> Noted {
    driver.note(Step::PreProcess, answer.into());
    Noted
}

async fn work<M: Message>(Call(message): Call<M>, State(driver): State<Driver>) {
    let takes = driver.takes();
    if !takes.is_zero() {
        tokio::time::sleep(takes).await;
    }
    driver.note(Step::Process, message.into());
}

async fn agr_portfolio_update(
    Call(update): Call<AgrPortfolioUpdate>,
    sender: Participant,
    Extension(ReceivedAt(now)): Extension<ReceivedAt>,
    State(driver): State<Driver>,
) -> Result<Accepted, Decision> {
    driver.note(Step::PreProcess, update.clone().into());
    register(&driver, |reference| reference.agr_portfolio_update(&update, &sender, now)).await
}

async fn dso_portfolio_update(
    Call(update): Call<DsoPortfolioUpdate>,
    sender: Participant,
    Extension(ReceivedAt(now)): Extension<ReceivedAt>,
    State(driver): State<Driver>,
) -> Result<Accepted, Decision> {
    driver.note(Step::PreProcess, update.clone().into());
    register(&driver, |reference| reference.dso_portfolio_update(&update, &sender, now)).await
}

async fn agr_portfolio_query(
    Call(query): Call<AgrPortfolioQuery>,
    sender: Participant,
    State(driver): State<Driver>,
) -> Result<Accepted, Decision> {
    driver.note(Step::PreProcess, query.clone().into());
    tell(&driver, |reference| reference.agr_portfolio_query(&query, &sender)).await
}

async fn dso_portfolio_query(
    Call(query): Call<DsoPortfolioQuery>,
    sender: Participant,
    State(driver): State<Driver>,
) -> Result<Accepted, Decision> {
    driver.note(Step::PreProcess, query.clone().into());
    tell(&driver, |reference| reference.dso_portfolio_query(&query, &sender)).await
}

/// Changes the common reference as decided.
async fn register(
    driver: &Driver,
    decide: impl FnOnce(&CommonReference) -> Result<Change, Rejected>,
) -> Result<Accepted, Decision> {
    let keeper = driver.reference();
    let reference = keeper.current().await.map_err(|failure| undecided(&failure))?;
    driver.demanded()?;
    let change = decide(&reference)?;
    keeper.register().keep(&change).map_err(|other| undecided(&other))?;
    keeper.expect(change);
    Ok(Accepted::new())
}

/// Says what the common reference has.
async fn tell(
    driver: &Driver,
    answer: impl FnOnce(&CommonReference) -> Result<Accepted, Rejected>,
) -> Result<Accepted, Decision> {
    let reference = driver.reference().current().await.map_err(|failure| undecided(&failure))?;
    driver.demanded()?;
    Ok(answer(&reference)?)
}

fn undecided(failure: &dyn std::error::Error) -> Decision {
    Undecided { cause: failure.to_string(), retry: true }.into()
}
