//! A common reference operator at work: an aggregator and a grid operator register and ask on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::tls::ClientTls;
use tieline_edge::{HttpClient, ServeConfig};
use tieline_service::{Call, State};
use tieline_types::{IspCalendar, IspDuration, ManualClock};
use tieline_uftp::cro::{Access, CommonReference, ReferencePolicy, cro_service};
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioQueryResponse, AgrPortfolioUpdate, AgrPortfolioUpdateResponse,
    DsoPortfolioUpdate, DsoPortfolioUpdateResponse, Response,
};
use tieline_uftp::rules::Terms;
use tieline_uftp::server::{FixedAddressBook, KnownParticipant};
use tieline_uftp::service::{Agr, AgrService, Dso, DsoService, RoleRoutes, RoleType, Running, Setup};
use tieline_uftp::storage::MemoryStorage;
use tieline_uftp::{Client, MESSAGE_PATH, Noted, Role, SigningKey};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::{agr_query, agr_update, dso_update, noon, participant, point, policy};

const PATIENCE: Duration = Duration::from_secs(20);

type Work<R> = Running<R, MemoryStorage, FixedAddressBook>;
type Answers = UnboundedSender<Answer>;

/// What came back, and how many connections it tells of.
type Answer = (Response, usize);

/// The three participants, each known by the others.
struct Market {
    listeners: Vec<(Role, &'static str, PlainListener)>,
    book: FixedAddressBook,
}

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&[role as u8 + 1; 32])
}

impl Market {
    fn new() -> Self {
        let mut book = FixedAddressBook::new();
        let mut listeners = Vec::new();
        for (role, domain) in [(Role::Agr, "agr.nl"), (Role::Dso, "dso.nl"), (Role::Cro, "cro.nl")] {
            let listener = PlainListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
            let url = format!("http://{}{MESSAGE_PATH}", listener.local_addr().unwrap());
            let known = KnownParticipant::new(vec![key(role).verifying_key()]).at(url.parse().unwrap());
            book = book.with(role, domain.parse().unwrap(), known);
            listeners.push((role, domain, listener));
        }
        Self { listeners, book }
    }

    fn start<R: RoleType>(
        &mut self,
        handlers: impl Into<RoleRoutes<R>>,
        stop: &CancellationToken,
    ) -> Work<R> {
        let place = self.listeners.iter().position(|(role, ..)| *role == R::ROLE).unwrap();
        let (role, domain, listener) = self.listeners.remove(place);
        let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
        let http = HttpClient::new(ClientTls::platform()).allowing_plain_text().build().unwrap();
        let (terms, storage) = (Arc::new(Terms::new(calendar)), Arc::new(MemoryStorage::new()));
        let (domain, book) = (domain.parse().unwrap(), self.book.clone());
        let mut setup = Setup::new(domain, key(role), handlers, book, storage, terms, Client::new(http));
        setup.clock = Arc::new(ManualClock::new(noon(4)));
        let running = setup.start();
        tokio::spawn(running.serve(listener, ServeConfig::default(), stop.clone()));
        running
    }
}

async fn note_agr_update(call: Call<AgrPortfolioUpdateResponse>, State(answers): State<Answers>) -> Noted {
    answers.send((call.response.clone(), 0)).unwrap();
    Noted
}

async fn note_dso_update(call: Call<DsoPortfolioUpdateResponse>, State(answers): State<Answers>) -> Noted {
    answers.send((call.response.clone(), 0)).unwrap();
    Noted
}

async fn note_agr_query(call: Call<AgrPortfolioQueryResponse>, State(answers): State<Answers>) -> Noted {
    let points = call.dso_views.iter().flat_map(|view| &view.dso_portfolios);
    let told = points.flat_map(|dso| &dso.congestion_points).map(|point| point.connections.len()).sum();
    answers.send((call.response.clone(), told)).unwrap();
    Noted
}

async fn next(answers: &mut UnboundedReceiver<Answer>) -> Answer {
    tokio::time::timeout(PATIENCE, answers.recv()).await.unwrap().unwrap()
}

/// What an aggregator is told once both have registered: of each answer whether it is acceptance, and the last one's connections.
async fn registered(policy: ReferencePolicy) -> (Vec<bool>, usize, usize) {
    let reference = Arc::new(Mutex::new(CommonReference::new(policy)));
    let (stop, mut market) = (CancellationToken::new(), Market::new());
    let _stop = stop.clone().drop_guard();
    let (answers, mut heard) = unbounded_channel();
    let cro = market.start(cro_service(Arc::clone(&reference)), &stop);
    let handlers = AgrService::new().pre_process(note_agr_update).pre_process(note_agr_query);
    let agr: Work<Agr> = market.start(handlers.with_state(answers.clone()), &stop);
    let dso: Work<Dso> =
        market.start(DsoService::new().pre_process(note_dso_update).with_state(answers), &stop);

    let to = || "cro.nl".parse().unwrap();
    let (points, connections) = (
        dso_update("dso.nl", vec![point(9, (4, None), &[(1, (4, None)), (2, (4, None))])]),
        agr_update("agr.nl", &[(1, (4, None)), (2, (4, None))]),
    );
    let mut accepted = Vec::new();
    dso.cro_client(to()).send(|header| DsoPortfolioUpdate { header, ..points }).await.unwrap();
    accepted.push(next(&mut heard).await.0.is_accepted());
    agr.cro_client(to()).send(|header| AgrPortfolioUpdate { header, ..connections }).await.unwrap();
    accepted.push(next(&mut heard).await.0.is_accepted());
    let query = agr_query("agr.nl", 4);
    agr.cro_client(to()).send(|header| AgrPortfolioQuery { header, ..query }).await.unwrap();
    let (response, told) = next(&mut heard).await;
    accepted.push(response.is_accepted());
    let kept = reference.lock().unwrap().connections().count();
    tokio::join!(cro.stop(), agr.stop(), dso.stop());
    (accepted, told, kept)
}

#[tokio::test]
async fn an_open_operator_registers_and_tells() {
    assert_eq!(registered(policy()).await, (vec![true; 3], 2, 2));
}

#[tokio::test]
async fn a_closed_operator_turns_others_away() {
    let mut closed = policy();
    closed.access = Access::Closed([participant(Role::Dso, "dso.nl")].into());
    assert_eq!(registered(closed).await, (vec![true, false, false], 1, 2));
}
