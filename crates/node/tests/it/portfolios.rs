//! What an aggregator and a grid operator register with a common reference operator, and what they ask it.

use std::net::SocketAddr;

use jiff::SignedDuration;
use jiff::civil::Date;
use tieline_types::ManualClock;
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioQueryResponse, AgrPortfolioUpdate, AgrPortfolioUpdateResponse,
    ConnectionEntry, DsoPortfolio, DsoPortfolioQuery, DsoPortfolioQueryCongestionPoint,
    DsoPortfolioQueryConnection, DsoPortfolioQueryResponse, DsoPortfolioUpdate, DsoPortfolioUpdateResponse,
    DsoView, OfferOption, PortfolioCongestionPoint, RedispatchBy, Response,
};
use tieline_uftp::value::{ConversationId, MessageId};
use tieline_uftp::{Delivery, Header, Payload, RejectionReason, Role, SigningKey};

use crate::daemon::{Daemon, eventually, loopback, own};
use crate::market::Party;
use crate::operator::{DSO, Operator};
use crate::scene::{AGR, CONNECTION, MORNING, POINT, at, fleet, reported};

pub(crate) const CRO: &str = "cro.example.com";
const OTHER: &str = "ean.871685900012345002";

/// 08:00 in Amsterdam, before the next day is asked about.
const EARLY: &str = "2026-06-10T06:00:00Z";

/// A node that registers, and its common reference operator.
struct Registered {
    clock: ManualClock,
    cro: Party,
    node: Daemon,
}

fn connection_table(address: &str) -> String {
    format!("\n[[agr.connection]]\nentity_address = \"{address}\"\ncongestion_point = \"{POINT}\"\n")
}

fn point_table(connections: &str, mutex: bool) -> String {
    format!(
        "
[[dso.congestion_point]]
entity_address = \"{POINT}\"
connections = [{connections}]
aggregators = [\"{AGR}\"]
mutex_offers_supported = {mutex}
day_ahead_redispatch_by = \"DSO\"
"
    )
}

fn registration() -> String {
    format!("cro = {{ domain = \"{CRO}\", at = \"09:00\" }}\n")
}

impl Registered {
    async fn agr(now: &str, more: &str) -> Self {
        let clock = ManualClock::new(at(now));
        let cro = Party::new(Role::Cro, CRO, &clock).await;
        let dso = Party::new(Role::Dso, DSO, &clock).await;
        let ip = loopback();
        let mut config =
            own("AGR", AGR, SocketAddr::new(ip, 8081), &[cro.entry(), dso.entry()], &registration());
        config += &reported(&fleet(SocketAddr::new(ip, 9000), "30m"), false);
        config += more;
        let node = Daemon::start(config, &SigningKey::from_seed(&[1; 32]), &clock, 99).await;
        Self { clock, cro, node }
    }

    async fn dso(now: &str, points: &str) -> Self {
        let clock = ManualClock::new(at(now));
        let cro = Party::new(Role::Cro, CRO, &clock).await;
        let agr = Party::new(Role::Agr, AGR, &clock).await;
        let mut config =
            own("DSO", DSO, SocketAddr::new(loopback(), 8080), &[cro.entry(), agr.entry()], &registration());
        config += points;
        let node = Daemon::start(config, &SigningKey::from_seed(&[2; 32]), &clock, 77).await;
        Self { clock, cro, node }
    }

    async fn updates(&self, count: usize) -> Vec<AgrPortfolioUpdate> {
        let update = |payload: &Payload| match payload {
            Payload::AgrPortfolioUpdate(update) => Some(update.clone()),
            _ => None,
        };
        self.cro.mailbox.wait_for(&format!("{count} updates"), count, update).await
    }

    async fn queries(&self, count: usize) -> Vec<AgrPortfolioQuery> {
        let query = |payload: &Payload| match payload {
            Payload::AgrPortfolioQuery(query) => Some(query.clone()),
            _ => None,
        };
        self.cro.mailbox.wait_for(&format!("{count} queries"), count, query).await
    }

    async fn point_updates(&self, count: usize) -> Vec<DsoPortfolioUpdate> {
        let update = |payload: &Payload| match payload {
            Payload::DsoPortfolioUpdate(update) => Some(update.clone()),
            _ => None,
        };
        self.cro.mailbox.wait_for(&format!("{count} updates"), count, update).await
    }

    async fn point_queries(&self, count: usize) -> Vec<DsoPortfolioQuery> {
        let query = |payload: &Payload| match payload {
            Payload::DsoPortfolioQuery(query) => Some(query.clone()),
            _ => None,
        };
        self.cro.mailbox.wait_for(&format!("{count} queries"), count, query).await
    }

    fn header(&self, to: &str, conversation: ConversationId) -> Header {
        Header { conversation_id: conversation, ..self.cro.header(to) }
    }

    async fn answer(&self, answer: impl Into<Payload>) {
        assert_eq!(self.cro.post(self.node.uftp(), answer).await, Delivery::Delivered);
        self.node.settle().await;
    }

    async fn answer_update(&self, update: &AgrPortfolioUpdate, response: Response) {
        self.answer(AgrPortfolioUpdateResponse {
            header: self.header(AGR, update.header.conversation_id),
            response,
            agr_portfolio_update_message_id: update.header.message_id,
        })
        .await;
    }

    async fn answer_query(&self, query: &AgrPortfolioQuery, response: Response, views: Vec<DsoView>) {
        self.answer(AgrPortfolioQueryResponse {
            header: self.header(AGR, query.header.conversation_id),
            response,
            time_zone: query.time_zone.clone(),
            agr_portfolio_query_message_id: query.header.message_id,
            period: query.period,
            dso_views: views,
        })
        .await;
    }

    async fn answer_point_update(&self, update: &DsoPortfolioUpdate, response: Response) {
        self.answer(DsoPortfolioUpdateResponse {
            header: self.header(DSO, update.header.conversation_id),
            response,
            dso_portfolio_update_message_id: update.header.message_id,
        })
        .await;
    }

    async fn answer_point_query(&self, query: &DsoPortfolioQuery, connections: &[(&str, Option<&str>)]) {
        let connections = connections.iter().map(|(address, agr)| DsoPortfolioQueryConnection {
            entity_address: address.parse().unwrap(),
            agr_domain: agr.map(|agr| agr.parse().unwrap()),
        });
        let point = DsoPortfolioQueryCongestionPoint {
            entity_address: query.entity_address.clone(),
            connections: connections.collect(),
        };
        self.answer(DsoPortfolioQueryResponse {
            header: self.header(DSO, query.header.conversation_id),
            response: Response::ACCEPTED,
            dso_portfolio_query_message_id: query.header.message_id,
            time_zone: query.time_zone.clone(),
            period: query.period,
            congestion_point: Some(point).filter(|point| !point.connections.is_empty()),
        })
        .await;
    }

    /// The grounds of the journal's entries with a label.
    async fn journalled(&self, label: &str) -> Vec<String> {
        let entries = self.node.journal().await.into_iter().filter(|entry| entry.entry.label == label);
        entries.map(|entry| String::from_utf8(entry.entry.bytes.to_vec()).unwrap()).collect()
    }
}

fn view(dso: &str, point: &str, mutex: bool, connections: &[&str]) -> DsoView {
    let connections: Vec<_> = connections
        .iter()
        .map(|address| ConnectionEntry { entity_address: address.parse().unwrap() })
        .collect();
    let point = PortfolioCongestionPoint {
        entity_address: point.parse().unwrap(),
        mutex_offers_supported: mutex,
        day_ahead_redispatch_by: RedispatchBy::Dso,
        intraday_redispatch_by: None,
        connections,
    };
    let portfolio = DsoPortfolio { dso_domain: dso.parse().unwrap(), congestion_points: vec![point] };
    DsoView { dso_portfolios: vec![portfolio], connections: Vec::new() }
}

type Told = Vec<(String, Date, Option<Date>)>;

fn told(update: &AgrPortfolioUpdate) -> Told {
    let connection = |known: &tieline_uftp::message::AgrPortfolioUpdateConnection| {
        (known.entity_address.to_string(), known.start_period, known.end_period)
    };
    update.connections.iter().map(connection).collect()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[tokio::test]
async fn an_aggregator_registers_once_and_asks_daily() {
    let mut agr = Registered::agr(EARLY, "").await;
    let update = agr.updates(1).await.remove(0);
    assert_eq!(told(&update), [(CONNECTION.to_owned(), day("2026-06-10"), None)]);
    assert_eq!(update.time_zone.as_str(), "Europe/Amsterdam");
    agr.node.settle().await;
    assert_eq!(agr.cro.mailbox.payloads().len(), 1, "it asks once it is registered");
    agr.answer_update(&update, Response::ACCEPTED).await;
    let today = agr.queries(1).await.remove(0);
    assert_eq!(today.period, day("2026-06-10"));
    agr.answer_query(&today, Response::ACCEPTED, vec![view(DSO, POINT, true, &[CONNECTION])]).await;
    agr.clock.set(at("2026-06-10T06:59:59Z"));
    agr.node.restart().await;
    agr.node.settle().await;
    assert_eq!(agr.cro.mailbox.payloads().len(), 2, "a restart says nothing new");
    // 09:00 in Amsterdam.
    agr.clock.set(at("2026-06-10T07:00:00Z"));
    assert_eq!(agr.queries(2).await[1].period, day("2026-06-11"));
    agr.node.stop().await;
    agr.clock.set(at("2026-06-14T12:00:00Z"));
    agr.node.resume().await;
    assert_eq!(
        agr.queries(3).await[2].period,
        day("2026-06-15"),
        "a node that was away goes on with its day"
    );
    agr.node.settle().await;
    assert_eq!(agr.cro.mailbox.payloads().len(), 4);
    assert_eq!(agr.journalled("PortfolioDiffers").await, [""; 0]);
}

#[tokio::test]
async fn an_aggregator_tells_what_it_has_gained_and_given_up() {
    let mut agr = Registered::agr(MORNING, &connection_table(OTHER)).await;
    let update = agr.updates(1).await.remove(0);
    assert_eq!(update.connections.len(), 2);
    agr.answer_update(&update, Response::ACCEPTED).await;
    agr.queries(1).await;
    agr.node.stop().await;
    agr.clock.advance(SignedDuration::from_hours(24));
    agr.node.config = agr.node.config.replace(&connection_table(OTHER), "");
    agr.node.resume().await;
    let update = agr.updates(2).await.remove(1);
    assert_eq!(told(&update), [(OTHER.to_owned(), day("2026-06-10"), Some(day("2026-06-11")))]);
    agr.answer_update(&update, Response::ACCEPTED).await;
    let query = agr.queries(2).await.remove(1);
    assert_eq!(query.period, day("2026-06-12"));
    agr.answer_query(&query, Response::ACCEPTED, vec![view(DSO, POINT, true, &[CONNECTION, OTHER])]).await;
    assert_eq!(
        agr.journalled("PortfolioDiffers").await,
        [format!("2026-06-12: {OTHER} is registered and not configured")],
        "it is over by then"
    );
}

#[tokio::test]
async fn every_difference_is_journalled() {
    let agr = Registered::agr(MORNING, &connection_table(OTHER)).await;
    let update = agr.updates(1).await.remove(0);
    agr.answer_update(&update, Response::ACCEPTED).await;
    let query = agr.queries(1).await.remove(0);
    let elsewhere = "ean.871685900012345999";
    let mut said = view("other.example.com", POINT, true, &[CONNECTION]);
    said.connections.push(ConnectionEntry { entity_address: elsewhere.parse().unwrap() });
    agr.answer_query(&query, Response::ACCEPTED, vec![said]).await;
    let expected = format!(
        "2026-06-11: {CONNECTION}: other.example.com and not {DSO} has {POINT}; {OTHER} is not registered; \
         {elsewhere} is registered and not configured"
    );
    assert_eq!(agr.journalled("PortfolioDiffers").await, [expected]);
    // The same answer again says nothing new.
    agr.answer_query(&query, Response::ACCEPTED, vec![view(DSO, POINT, true, &[CONNECTION])]).await;
    assert_eq!(agr.journalled("PortfolioDiffers").await.len(), 1);
}

#[tokio::test]
async fn a_connection_behind_another_point_or_none_is_a_difference() {
    let agr = Registered::agr(MORNING, &connection_table(OTHER)).await;
    let update = agr.updates(1).await.remove(0);
    agr.answer_update(&update, Response::ACCEPTED).await;
    let query = agr.queries(1).await.remove(0);
    let other_point = "ean.871685900012345679";
    let mut said = view(DSO, other_point, true, &[CONNECTION]);
    said.connections.push(ConnectionEntry { entity_address: OTHER.parse().unwrap() });
    agr.answer_query(&query, Response::ACCEPTED, vec![said]).await;
    let expected = format!(
        "2026-06-11: {CONNECTION} is behind {other_point} and not behind {POINT}; \
         {OTHER} is behind no congestion point and not behind {POINT}"
    );
    assert_eq!(agr.journalled("PortfolioDiffers").await, [expected]);
}

#[tokio::test]
async fn a_refusal_is_journalled_and_tried_again_the_next_day() {
    let mut agr = Registered::agr(MORNING, "").await;
    let update = agr.updates(1).await.remove(0);
    agr.answer_update(&update, Response::rejected(&[RejectionReason::Unauthorized])).await;
    assert_eq!(agr.journalled("PortfolioRejected").await, ["Unauthorized"]);
    let query = agr.queries(1).await.remove(0);
    // The schemas make a rejection carry a view, which says nothing.
    let views = vec![DsoView::nothing("cro.example.com".parse().unwrap())];
    let why = [RejectionReason::NoConnectionsAvailable, RejectionReason::other("1 behind nothing")];
    agr.answer_query(&query, Response::rejected(&why), views).await;
    let expected = "2026-06-11: No connections available; 1 behind nothing";
    assert_eq!(agr.journalled("PortfolioDiffers").await, [expected]);
    agr.node.restart().await;
    agr.node.settle().await;
    assert_eq!(agr.cro.mailbox.payloads().len(), 2);
    agr.clock.advance(SignedDuration::from_hours(24));
    let again = agr.updates(2).await.remove(1);
    assert_eq!(told(&again), [(CONNECTION.to_owned(), day("2026-06-11"), None)]);
    agr.answer_update(&again, Response::ACCEPTED).await;
    let query = agr.queries(2).await.remove(1);
    agr.answer_query(&query, Response::rejected(&[RejectionReason::Unauthorized]), vec![]).await;
    assert_eq!(agr.journalled("PortfolioQueryRejected").await, ["Unauthorized"]);
    assert_eq!(agr.journalled("PortfolioDiffers").await.len(), 1, "a refusal says nothing of connections");
}

#[tokio::test]
async fn what_could_not_be_delivered_is_told_again() {
    let agr = Registered::agr(MORNING, "").await;
    let first = agr.updates(1).await.remove(0);
    agr.cro.mailbox.answer_with(500);
    agr.answer_update(&first, Response::ACCEPTED).await;
    // The query is given up after two hours, and asked again after half an hour.
    for _ in 0..40 {
        agr.clock.advance(SignedDuration::from_mins(5));
        agr.node.settle().await;
    }
    assert!(agr.cro.mailbox.payloads().len() == 1 && agr.cro.mailbox.asked() > 2);
    agr.cro.mailbox.answer_with(200);
    agr.clock.advance(SignedDuration::from_mins(5));
    let query = eventually("a query", async || {
        agr.cro.mailbox.payloads().into_iter().find_map(|payload| match payload {
            Payload::AgrPortfolioQuery(query) => Some(query),
            _ => None,
        })
    })
    .await;
    assert_eq!(query.period, day("2026-06-11"));
    assert!(agr.node.record("portfolio", CRO).await.unwrap()["asked"].is_string());
}

#[tokio::test]
async fn an_answer_to_nothing_changes_nothing() {
    let agr = Registered::agr(MORNING, "").await;
    let update = agr.updates(1).await.remove(0);
    let before = agr.node.record("portfolio", CRO).await.unwrap();
    let mut forged = update.clone();
    forged.header.message_id = MessageId::from(uuid::Uuid::nil());
    agr.answer_update(&forged, Response::ACCEPTED).await;
    assert_eq!(agr.node.record("portfolio", CRO).await.unwrap(), before);
    agr.answer_update(&update, Response::rejected(&[RejectionReason::AlreadySubmitted])).await;
    assert_eq!(agr.node.record("portfolio", CRO).await.unwrap(), before);
}

#[tokio::test]
async fn a_grid_operator_registers_its_points_and_asks_for_each() {
    let both = format!("\"{CONNECTION}\", \"{OTHER}\"");
    let mut dso = Registered::dso(MORNING, &point_table(&both, false)).await;
    let update = dso.point_updates(1).await.remove(0);
    let point = &update.congestion_points[0];
    assert_eq!((point.entity_address.to_string().as_str(), point.mutex_offers_supported), (POINT, false));
    assert_eq!((point.start_period, point.end_period), (day("2026-06-10"), None));
    assert_eq!((point.day_ahead_redispatch_by, point.intraday_redispatch_by), (RedispatchBy::Dso, None));
    let periods: Vec<_> =
        point.connections.iter().map(|known| (known.start_period, known.end_period)).collect();
    assert_eq!(periods, [(day("2026-06-10"), None); 2]);
    dso.answer_point_update(&update, Response::ACCEPTED).await;
    let query = dso.point_queries(1).await.remove(0);
    assert_eq!((query.entity_address.to_string().as_str(), query.period), (POINT, day("2026-06-11")));
    dso.answer_point_query(&query, &[(CONNECTION, Some(AGR)), (OTHER, None)]).await;
    assert_eq!(dso.journalled("PortfolioDiffers").await, [""; 0]);

    // A connection less: the point is told again, with what is behind it now.
    dso.node.stop().await;
    dso.clock.advance(SignedDuration::from_hours(24));
    let config = dso.node.config.clone();
    dso.node.config = config.replace(&both, &format!("\"{CONNECTION}\""));
    dso.node.resume().await;
    let update = dso.point_updates(2).await.remove(1);
    let point = &update.congestion_points[0];
    assert_eq!((point.start_period, point.connections.len()), (day("2026-06-10"), 1));
    dso.answer_point_update(&update, Response::ACCEPTED).await;
    let query = dso.point_queries(2).await.remove(1);
    dso.answer_point_query(&query, &[(CONNECTION, Some("agr9.example.com")), (OTHER, None)]).await;
    let expected = format!(
        "2026-06-12: {OTHER} is registered behind {POINT} and not configured; \
         agr9.example.com has {CONNECTION} and is no aggregator of {POINT}"
    );
    assert_eq!(dso.journalled("PortfolioDiffers").await, [expected]);

    // A point less: it ends today, with all that is behind it.
    dso.node.stop().await;
    dso.node.config = config.replace(&point_table(&both, false), "");
    dso.node.resume().await;
    let update = dso.point_updates(3).await.remove(2);
    let point = &update.congestion_points[0];
    assert_eq!(point.end_period, Some(day("2026-06-11")));
    assert_eq!(point.connections[0].end_period, Some(day("2026-06-11")));
    dso.answer_point_update(&update, Response::ACCEPTED).await;
    dso.node.settle().await;
    assert_eq!(dso.point_queries(2).await.len(), 2, "there is nothing left to ask about");
}

#[tokio::test]
async fn nothing_behind_a_point_is_a_difference_too() {
    let dso = Registered::dso(MORNING, &point_table(&format!("\"{CONNECTION}\""), true)).await;
    let update = dso.point_updates(1).await.remove(0);
    dso.answer_point_update(&update, Response::ACCEPTED).await;
    let query = dso.point_queries(1).await.remove(0);
    dso.answer_point_query(&query, &[]).await;
    let expected = format!("2026-06-11: {CONNECTION} is not registered behind {POINT}");
    assert_eq!(dso.journalled("PortfolioDiffers").await, [expected]);
}

#[tokio::test]
async fn what_is_said_of_several_options_is_kept() {
    let mut agr = Registered::agr(MORNING, "").await;
    let update = agr.updates(1).await.remove(0);
    agr.answer_update(&update, Response::ACCEPTED).await;
    let query = agr.queries(1).await.remove(0);
    agr.answer_query(&query, Response::ACCEPTED, vec![view(DSO, POINT, false, &[CONNECTION])]).await;
    agr.node.restart().await;
    let known = agr.node.record("portfolio", CRO).await.unwrap();
    assert_eq!(known["mutex_offers"], serde_json::json!({ POINT: false }));
}

#[tokio::test]
async fn where_several_options_are_not_supported_an_offer_has_one() {
    for (mutex, accepted) in [(false, false), (true, true)] {
        let points = point_table(&format!("\"{CONNECTION}\""), mutex);
        let operator = Operator::with("\"agr.example.com\"", &points).await;
        let mut offer = operator.offer(&operator.request().await);
        let another = OfferOption { option_reference: "or".parse().unwrap(), ..offer.options[0].clone() };
        offer.options.push(another);
        let answer = operator.ask(offer).await;
        assert_eq!(answer.is_accepted(), accepted, "{answer:?}");
        let reasons = answer.reasons();
        assert!(accepted || reasons.contains(&RejectionReason::NoMutexOfferSupport), "{reasons:?}");
    }
}
