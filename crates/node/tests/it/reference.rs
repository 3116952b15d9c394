//! A common reference operator's node between an aggregator and a grid operator.

use std::net::SocketAddr;

use jiff::SignedDuration;
use tieline_types::ManualClock;
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioQueryResponse, AgrPortfolioUpdate, AgrPortfolioUpdateConnection,
    DsoPortfolioQuery, DsoPortfolioQueryResponse, DsoPortfolioUpdate, DsoPortfolioUpdateCongestionPoint,
    DsoPortfolioUpdateConnection, RedispatchBy, TestMessage,
};
use tieline_uftp::{Delivery, Payload, RejectionReason as R, Role, SigningKey};

use crate::daemon::{Daemon, loopback, own};
use crate::market::Party;
use crate::scene::{MORNING, at};

const CRO: &str = "cro.example.com";
const POINT: &str = "ean.871685900012636543";
const CONNECTION: &str = "ean.871685900012636544";
const OTHER: &str = "ean.871685900012636545";

struct Registry {
    clock: ManualClock,
    agr: Party,
    rival: Party,
    dso: Party,
    cro: Daemon,
}

impl Registry {
    async fn new(cro: &str) -> Self {
        let clock = ManualClock::new(at(MORNING));
        let agr = Party::new(Role::Agr, "agr.example.com", &clock).await;
        let rival = Party::new(Role::Agr, "rival.example.com", &clock).await;
        let dso = Party::new(Role::Dso, "dso.example.com", &clock).await;
        let peers = [agr.entry(), rival.entry(), dso.entry()];
        let mut config = own("CRO", CRO, SocketAddr::new(loopback(), 8082), &peers, "");
        config += cro;
        let cro = Daemon::start(config, &SigningKey::from_seed(&[3; 32]), &clock, 55).await;
        Self { clock, agr, rival, dso, cro }
    }

    async fn open() -> Self {
        Self::new("[cro]\nmode = \"open\"\n").await
    }

    /// The answer to a message: `None` if it was accepted.
    async fn ask(&self, party: &Party, message: impl Into<Payload>) -> Option<Vec<R>> {
        let message = message.into();
        let id = message.header().message_id;
        assert_eq!(party.post(self.cro.uftp(), message).await, Delivery::Delivered);
        let answer = party.answer(id).await;
        (!answer.is_accepted()).then(|| answer.reasons())
    }

    async fn connections(&self, agr: &Party, named: &[(&str, &str, Option<&str>)]) -> Option<Vec<R>> {
        let connections = named.iter().map(|(address, start, end)| AgrPortfolioUpdateConnection {
            entity_address: address.parse().unwrap(),
            start_period: start.parse().unwrap(),
            end_period: end.map(|end| end.parse().unwrap()),
        });
        let (time_zone, connections) = ("Europe/Amsterdam".parse().unwrap(), connections.collect());
        self.ask(agr, AgrPortfolioUpdate { header: agr.header(CRO), time_zone, connections }).await
    }

    /// Puts connections behind the point from a day on.
    async fn point(&self, start: &str, behind: &[&str]) -> Option<Vec<R>> {
        let start_period = start.parse().unwrap();
        let connections = behind.iter().map(|address| DsoPortfolioUpdateConnection {
            entity_address: address.parse().unwrap(),
            start_period,
            end_period: None,
        });
        let point = DsoPortfolioUpdateCongestionPoint {
            entity_address: POINT.parse().unwrap(),
            start_period,
            end_period: None,
            mutex_offers_supported: true,
            day_ahead_redispatch_by: RedispatchBy::Agr,
            intraday_redispatch_by: None,
            connections: connections.collect(),
        };
        let time_zone = "Europe/Amsterdam".parse().unwrap();
        let header = self.dso.header(CRO);
        self.ask(&self.dso, DsoPortfolioUpdate { header, time_zone, congestion_points: vec![point] }).await
    }

    async fn view(&self, agr: &Party, day: &str) -> AgrPortfolioQueryResponse {
        let query = AgrPortfolioQuery {
            header: agr.header(CRO),
            time_zone: "Europe/Amsterdam".parse().unwrap(),
            period: day.parse().unwrap(),
        };
        let id = query.header.message_id;
        assert_eq!(agr.post(self.cro.uftp(), query).await, Delivery::Delivered);
        agr.mailbox
            .wait("the connections", |payload| match payload {
                Payload::AgrPortfolioQueryResponse(answer) if answer.agr_portfolio_query_message_id == id => {
                    Some(answer.clone())
                }
                _ => None,
            })
            .await
    }

    /// Whether an AGR has any connection on a day, wherever it is.
    async fn represents(&self, agr: &Party, day: &str) -> bool {
        self.view(agr, day).await.response.reasons() != [R::NoConnectionsAvailable]
    }

    async fn behind(&self, point: &str, day: &str) -> DsoPortfolioQueryResponse {
        let query = DsoPortfolioQuery {
            header: self.dso.header(CRO),
            time_zone: "Europe/Amsterdam".parse().unwrap(),
            period: day.parse().unwrap(),
            entity_address: point.parse().unwrap(),
        };
        let id = query.header.message_id;
        assert_eq!(self.dso.post(self.cro.uftp(), query).await, Delivery::Delivered);
        self.dso
            .mailbox
            .wait("what is behind the point", |payload| match payload {
                Payload::DsoPortfolioQueryResponse(answer) if answer.dso_portfolio_query_message_id == id => {
                    Some(answer.clone())
                }
                _ => None,
            })
            .await
    }

    /// The addresses behind the point, with who represents them.
    async fn told(&self, day: &str) -> Vec<(String, Option<String>)> {
        let answer = self.behind(POINT, day).await;
        assert!(answer.response.is_accepted(), "{answer:?}");
        let connections = answer.congestion_point.map(|point| point.connections).unwrap_or_default();
        let told = connections.into_iter().map(|connection| {
            (connection.entity_address.to_string(), connection.agr_domain.map(|agr| agr.to_string()))
        });
        told.collect()
    }
}

#[tokio::test]
async fn what_was_registered_is_told_to_those_whom_it_concerns() {
    let registry = Registry::open().await;
    let all = [(CONNECTION, "2026-06-10", None), (OTHER, "2026-06-10", None)];
    assert_eq!(registry.connections(&registry.agr, &all).await, None);
    assert_eq!(registry.point("2026-06-12", &[CONNECTION]).await, None);

    let before = registry.view(&registry.agr, "2026-06-11").await;
    let why = before.response.rejection_reason.unwrap();
    assert_eq!(why.as_str(), "No connections available; 2 registered behind no congestion point");
    let [view] = &registry.view(&registry.agr, "2026-06-12").await.dso_views[..] else { panic!("one view") };
    assert_eq!(view.connections[0].entity_address.as_str(), OTHER);
    let portfolio = &view.dso_portfolios[0];
    assert_eq!(portfolio.dso_domain.as_str(), "dso.example.com");
    assert_eq!(portfolio.congestion_points[0].entity_address.as_str(), POINT);
    assert_eq!(portfolio.congestion_points[0].connections[0].entity_address.as_str(), CONNECTION);

    let rival = registry.view(&registry.rival, "2026-06-12").await;
    assert_eq!(rival.response.reasons(), [R::NoConnectionsAvailable]);
    assert_eq!(registry.told("2026-06-11").await, []);
    assert_eq!(registry.told("2026-06-12").await, [(CONNECTION.to_owned(), None)]);
    let other = registry.behind("ean.871685900012636599", "2026-06-12").await;
    assert_eq!(other.response.reasons(), [R::InvalidCongestionPoint]);
    assert_eq!(other.congestion_point, None);
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_history_stays() {
    let mut registry = Registry::open().await;
    assert_eq!(registry.connections(&registry.agr, &[(CONNECTION, "2026-06-10", None)]).await, None);
    assert_eq!(registry.point("2026-06-10", &[CONNECTION, OTHER]).await, None);
    registry.cro.restart().await;
    assert_eq!(registry.told("2026-06-10").await.len(), 2);

    registry.clock.advance(SignedDuration::from_hours(5 * 24));
    assert_eq!(registry.point("2026-06-10", &[OTHER]).await, None);
    let given_up = [(CONNECTION, "2026-06-10", Some("2026-06-15"))];
    assert_eq!(registry.connections(&registry.agr, &given_up).await, None);
    let taken = [(CONNECTION, "2026-06-16", None)];
    assert_eq!(registry.connections(&registry.rival, &taken).await, None);
    registry.cro.restart().await;
    assert_eq!(registry.told("2026-06-14").await.len(), 2);
    assert_eq!(registry.told("2026-06-15").await, [(OTHER.to_owned(), None)]);
    assert!(registry.represents(&registry.agr, "2026-06-15").await);
    assert!(!registry.represents(&registry.agr, "2026-06-16").await);
    assert!(registry.represents(&registry.rival, "2026-06-16").await);
    assert!(!registry.represents(&registry.rival, "2026-06-15").await);

    // One row for each connection and point, and one that counts the changes.
    assert_eq!(registry.cro.records("registered-point", "dso.example.com").await.len(), 1);
    assert_eq!(registry.cro.records("registered-connection", CONNECTION).await.len(), 1);
    let count = registry.cro.record("registered-changes", "common reference").await.unwrap();
    assert_eq!(count["changes"], 5);
}

#[tokio::test]
async fn a_rejected_update_changes_nothing() {
    let registry = Registry::open().await;
    assert_eq!(registry.connections(&registry.agr, &[(CONNECTION, "2026-06-10", None)]).await, None);
    let wrong = [
        (OTHER, "2026-06-10", None),
        (CONNECTION, "2026-06-20", None),
        (POINT, "2026-06-10", Some("2026-06-09")),
    ];
    let reasons = registry.connections(&registry.rival, &wrong).await.unwrap();
    let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        reasons,
        [
            format!("{POINT}: EndPeriod 2026-06-09 is before StartPeriod 2026-06-10"),
            format!("{CONNECTION} is represented by another AGR in that period"),
        ]
    );
    assert!(!registry.view(&registry.rival, "2026-06-10").await.response.is_accepted());
    assert_eq!(registry.cro.records("registered-connection", OTHER).await.len(), 0);
    // What is sent again changes no row.
    assert_eq!(registry.connections(&registry.agr, &[(CONNECTION, "2026-06-10", None)]).await, None);
    let count = registry.cro.record("registered-changes", "common reference").await.unwrap();
    assert_eq!(count["changes"], 1);
}

#[tokio::test]
async fn a_closed_common_reference_serves_its_members_and_may_tell_who_represents_whom() {
    let member =
        |role: &str, domain: &str| format!("[[cro.member]]\nrole = \"{role}\"\ndomain = \"{domain}\"\n");
    let registry = Registry::new(&format!(
        "[cro]\nmode = \"closed\"\ndisclose_aggregators = true\n{}{}",
        member("AGR", "agr.example.com"),
        member("DSO", "dso.example.com")
    ))
    .await;
    let all = [(CONNECTION, "2026-06-10", None)];
    assert_eq!(registry.connections(&registry.rival, &all).await, Some(vec![R::Unauthorized]));
    assert_eq!(
        registry.view(&registry.rival, "2026-06-10").await.response.reasons(),
        [R::Unauthorized],
        "whoever is no member is told nothing"
    );
    assert_eq!(registry.connections(&registry.agr, &all).await, None);
    assert_eq!(registry.point("2026-06-10", &[CONNECTION]).await, None);
    let agr = Some("agr.example.com".to_owned());
    assert_eq!(registry.told("2026-06-10").await, [(CONNECTION.to_owned(), agr)]);
}

#[tokio::test]
async fn a_test_message_is_answered_and_what_is_for_others_is_not_taken() {
    let registry = Registry::open().await;
    let header = registry.agr.header(CRO);
    let conversation = header.conversation_id;
    assert_eq!(registry.agr.post(registry.cro.uftp(), TestMessage { header }).await, Delivery::Delivered);
    registry
        .agr
        .mailbox
        .wait("the answer to a test", |payload| match payload {
            Payload::TestMessageResponse(answer) => {
                (answer.header.conversation_id == conversation).then_some(())
            }
            _ => None,
        })
        .await;
    // An update of a DSO that an AGR has signed.
    let update = DsoPortfolioUpdate {
        header: registry.agr.header(CRO),
        time_zone: "Europe/Amsterdam".parse().unwrap(),
        congestion_points: vec![DsoPortfolioUpdateCongestionPoint {
            entity_address: POINT.parse().unwrap(),
            start_period: "2026-06-10".parse().unwrap(),
            end_period: None,
            mutex_offers_supported: false,
            day_ahead_redispatch_by: RedispatchBy::Dso,
            intraday_redispatch_by: None,
            connections: vec![DsoPortfolioUpdateConnection {
                entity_address: CONNECTION.parse().unwrap(),
                start_period: "2026-06-10".parse().unwrap(),
                end_period: None,
            }],
        }],
    };
    assert_eq!(registry.ask(&registry.agr, update).await, Some(vec![R::InvalidSender]));
    assert_eq!(registry.cro.record("registered-changes", "common reference").await, None);
}

#[tokio::test]
async fn the_same_update_twice_is_registered_once() {
    let mut registry = Registry::open().await;
    let time_zone = "Europe/Amsterdam".parse().unwrap();
    let connections = vec![AgrPortfolioUpdateConnection {
        entity_address: CONNECTION.parse().unwrap(),
        start_period: "2026-06-10".parse().unwrap(),
        end_period: None,
    }];
    let update = AgrPortfolioUpdate { header: registry.agr.header(CRO), time_zone, connections };
    let id = update.header.message_id;
    assert_eq!(registry.ask(&registry.agr, update.clone()).await, None);
    registry.cro.restart().await;
    assert_eq!(registry.agr.post(registry.cro.uftp(), update).await, Delivery::Delivered);
    let answers = crate::daemon::eventually("the second answer", async || {
        Some(registry.agr.answers(id)).filter(|answers| answers.len() == 2)
    })
    .await;
    assert_eq!(answers[1].reasons(), [R::AlreadySubmitted]);
    let count = registry.cro.record("registered-changes", "common reference").await.unwrap();
    assert_eq!(count["changes"], 1);
}
