use tieline_uftp::message::{ConnectionEntry, DsoPortfolio, PortfolioCongestionPoint};

use super::*;

fn reference() -> Reference {
    let mut reference = Reference::new();
    reference.agr(1, "a.nl", &[(1, (1, None)), (2, (1, None)), (3, (1, None))]).unwrap();
    reference.agr(1, "b.nl", &[(4, (1, None))]).unwrap();
    reference.dso(1, "d.nl", vec![point(50, (1, None), &[(1, (1, None)), (4, (1, None))])]).unwrap();
    reference.dso(1, "e.nl", vec![point(60, (5, Some(9)), &[(2, (5, Some(8)))])]).unwrap();
    reference
}

fn entry(number: u32) -> ConnectionEntry {
    ConnectionEntry { entity_address: address(number).parse().unwrap() }
}

fn portfolio(dso: &str, point: u32, connection: u32) -> DsoPortfolio {
    DsoPortfolio {
        dso_domain: dso.parse().unwrap(),
        congestion_points: vec![PortfolioCongestionPoint {
            entity_address: address(point).parse().unwrap(),
            mutex_offers_supported: true,
            day_ahead_redispatch_by: RedispatchBy::Agr,
            intraday_redispatch_by: Some(RedispatchBy::Dso),
            connections: vec![entry(connection)],
        }],
    }
}

#[test]
fn an_agr_sees_its_own_connections_by_dso_and_point() {
    let reference = reference();
    assert_eq!(
        reference.view("a.nl", 4).unwrap(),
        DsoView { dso_portfolios: vec![portfolio("d.nl", 50, 1)], connections: vec![entry(2), entry(3)] }
    );
    assert_eq!(
        reference.view("a.nl", 5).unwrap(),
        DsoView {
            dso_portfolios: vec![portfolio("d.nl", 50, 1), portfolio("e.nl", 60, 2)],
            connections: vec![entry(3)]
        }
    );
    assert_eq!(reference.view("a.nl", 9).unwrap().dso_portfolios, [portfolio("d.nl", 50, 1)]);
    assert_eq!(reference.view("nobody.nl", 5), Err("No connections available".to_owned()));
}

/// There is no answer to write that names them: the schemas demand a congestion point in each view.
#[test]
fn an_agr_of_whose_connections_none_is_behind_a_point_has_none_available() {
    let mut reference = Reference::new();
    reference.agr(1, "a.nl", &[(1, (1, None)), (2, (1, None))]).unwrap();
    let none = "No connections available; 2 registered behind no congestion point";
    assert_eq!(reference.view("a.nl", 1), Err(none.to_owned()));
    reference.dso(1, "d.nl", vec![point(50, (3, None), &[(1, (3, None))])]).unwrap();
    assert_eq!(reference.view("a.nl", 2), Err(none.to_owned()), "not on that day");
    let view = DsoView { dso_portfolios: vec![portfolio("d.nl", 50, 1)], connections: vec![entry(2)] };
    assert_eq!(reference.view("a.nl", 3), Ok(view));
}

#[test]
fn a_dso_sees_what_is_behind_its_own_points() {
    let reference = reference();
    let seen = reference.behind("d.nl", 50, 5).unwrap().unwrap();
    assert_eq!(seen.entity_address, address(50).parse().unwrap());
    assert!(seen.connections.iter().all(|connection| connection.agr_domain.is_none()));
    assert_eq!(reference.numbers("d.nl", 50, 5), [1, 4]);
    assert_eq!(reference.behind("e.nl", 60, 4), Ok(None));
    assert_eq!(reference.behind("e.nl", 60, 9), Ok(None), "nothing is behind it on its last day");
}

#[test]
fn whose_points_there_are_is_not_told() {
    let reference = reference();
    let of_another = reference.behind("e.nl", 50, 5);
    assert_eq!(of_another, Err("Invalid congestion point".to_owned()));
    assert_eq!(reference.behind("e.nl", 99, 5), of_another, "nor that there are none");
    assert_eq!(reference.behind("f.nl", 50, 5), Err("No connections available".to_owned()));
}

#[test]
fn a_cro_may_tell_who_represents_a_connection() {
    let mut policy = policy();
    policy.disclose_aggregators = true;
    let mut reference = Reference::with(policy);
    reference.agr(1, "a.nl", &[(1, (1, Some(4)))]).unwrap();
    reference.agr(1, "b.nl", &[(1, (5, None))]).unwrap();
    reference.dso(1, "d.nl", vec![point(50, (1, None), &[(1, (1, None)), (2, (1, None))])]).unwrap();
    let told = |day| {
        let point = reference.behind("d.nl", 50, day).unwrap().unwrap();
        let told =
            |c: tieline_uftp::message::DsoPortfolioQueryConnection| c.agr_domain.map(|agr| agr.to_string());
        point.connections.into_iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(told(4), [Some("a.nl".to_owned()), None]);
    assert_eq!(told(5), [Some("b.nl".to_owned()), None]);
}

/// The schemas want a view with a portfolio also where nothing is told, and peers that go by them refuse a rejection without.
#[test]
fn a_rejected_query_of_an_agr_carries_a_view_that_says_nothing() {
    let query = agr_query("stranger.nl", 5);
    let rejected = reference().0.agr_portfolio_query(&query, &participant(Role::Agr, "stranger.nl"));
    let decision = Decision::from(rejected.unwrap_err());
    let answer = Payload::from(query).respond(&decision, header("cro.nl")).unwrap();
    let Payload::AgrPortfolioQueryResponse(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.response.reasons(), [RejectionReason::NoConnectionsAvailable]);
    assert_eq!(answer.dso_views, [DsoView::nothing("cro.nl".parse().unwrap())]);
    let [portfolio] = &answer.dso_views[0].dso_portfolios[..] else { panic!("{answer:?}") };
    assert_eq!(portfolio.congestion_points[0].connections.len(), 1);
}
