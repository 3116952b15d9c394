//! The common reference: what is registered, rejected and told.

mod model;
mod queries;
#[cfg(feature = "service")]
mod service;
mod survival;
mod updates;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tieline_uftp::cro::{CommonReference, ReferencePolicy};
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioUpdate, AgrPortfolioUpdateConnection, DsoPortfolioQuery,
    DsoPortfolioQueryCongestionPoint, DsoPortfolioUpdate, DsoPortfolioUpdateCongestionPoint,
    DsoPortfolioUpdateConnection, DsoView, RedispatchBy,
};
use tieline_uftp::{
    Accepted, Decision, Header, Participant, Payload, Rejected, RejectionReason, Role, Version,
};
use uuid::Uuid;

/// From a day in June 2026 to another, or without end.
type Days = (i8, Option<i8>);

fn june(day: i8) -> Date {
    Date::new(2026, 6, day).unwrap()
}

/// Noon in Amsterdam.
fn noon(day: i8) -> Timestamp {
    june(day).at(12, 0, 0, 0).to_zoned(TimeZone::get("Europe/Amsterdam").unwrap()).unwrap().timestamp()
}

fn participant(role: Role, domain: &str) -> Participant {
    Participant { role, domain: domain.parse().unwrap() }
}

fn policy() -> ReferencePolicy {
    ReferencePolicy::new(TimeZone::get("Europe/Amsterdam").unwrap())
}

fn header(sender: &str) -> Header {
    Header {
        version: Version::V3_1_0,
        sender_domain: sender.parse().unwrap(),
        recipient_domain: "cro.nl".parse().unwrap(),
        time_stamp: "2026-06-01T10:00:00Z".parse().unwrap(),
        message_id: Uuid::from_u128(1).into(),
        conversation_id: Uuid::from_u128(2).into(),
    }
}

/// The address of the connection or point with this number.
fn address(number: u32) -> String {
    format!("ean.{number:018}")
}

fn agr_update(agr: &str, connections: &[(u32, Days)]) -> AgrPortfolioUpdate {
    AgrPortfolioUpdate {
        header: header(agr),
        time_zone: "Europe/Amsterdam".parse().unwrap(),
        connections: connections
            .iter()
            .map(|(number, (start, end))| AgrPortfolioUpdateConnection {
                entity_address: address(*number).parse().unwrap(),
                start_period: june(*start),
                end_period: end.map(june),
            })
            .collect(),
    }
}

fn point(number: u32, (start, end): Days, connections: &[(u32, Days)]) -> DsoPortfolioUpdateCongestionPoint {
    DsoPortfolioUpdateCongestionPoint {
        entity_address: address(number).parse().unwrap(),
        start_period: june(start),
        end_period: end.map(june),
        mutex_offers_supported: true,
        day_ahead_redispatch_by: RedispatchBy::Agr,
        intraday_redispatch_by: Some(RedispatchBy::Dso),
        connections: connections
            .iter()
            .map(|(number, (start, end))| DsoPortfolioUpdateConnection {
                entity_address: address(*number).parse().unwrap(),
                start_period: june(*start),
                end_period: end.map(june),
            })
            .collect(),
    }
}

fn dso_update(dso: &str, congestion_points: Vec<DsoPortfolioUpdateCongestionPoint>) -> DsoPortfolioUpdate {
    let time_zone = "Europe/Amsterdam".parse().unwrap();
    DsoPortfolioUpdate { header: header(dso), time_zone, congestion_points }
}

fn agr_query(agr: &str, day: i8) -> AgrPortfolioQuery {
    let time_zone = "Europe/Amsterdam".parse().unwrap();
    AgrPortfolioQuery { header: header(agr), time_zone, period: june(day) }
}

fn dso_query(dso: &str, point: u32, day: i8) -> DsoPortfolioQuery {
    DsoPortfolioQuery {
        header: header(dso),
        time_zone: "Europe/Amsterdam".parse().unwrap(),
        period: june(day),
        entity_address: address(point).parse().unwrap(),
    }
}

/// A common reference on a day.
struct Reference(CommonReference);

impl Reference {
    fn new() -> Self {
        Self::with(policy())
    }

    fn with(policy: ReferencePolicy) -> Self {
        Self(CommonReference::new(policy))
    }

    fn agr(&mut self, today: i8, agr: &str, connections: &[(u32, Days)]) -> Result<usize, String> {
        let update = agr_update(agr, connections);
        let change = self.0.agr_portfolio_update(&update, &participant(Role::Agr, agr), noon(today));
        let change = change.map_err(|rejected| text(&rejected))?;
        let rows = change.points().len() + change.connections().len();
        self.0.apply(change).unwrap();
        Ok(rows)
    }

    fn dso(
        &mut self,
        today: i8,
        dso: &str,
        points: Vec<DsoPortfolioUpdateCongestionPoint>,
    ) -> Result<usize, String> {
        let update = dso_update(dso, points);
        let change = self.0.dso_portfolio_update(&update, &participant(Role::Dso, dso), noon(today));
        let change = change.map_err(|rejected| text(&rejected))?;
        let rows = change.points().len() + change.connections().len();
        self.0.apply(change).unwrap();
        Ok(rows)
    }

    fn view(&self, agr: &str, day: i8) -> Result<DsoView, String> {
        let answer = self.0.agr_portfolio_query(&agr_query(agr, day), &participant(Role::Agr, agr));
        match answer.map_err(|rejected| text(&rejected))? {
            Accepted::Connections(views) => {
                let [view] = <[_; 1]>::try_from(views).unwrap();
                Ok(view)
            }
            other => panic!("{other:?}"),
        }
    }

    /// How many of an AGR's connections are behind no congestion point on a day.
    fn unplaced(&self, agr: &str, day: i8) -> usize {
        let why = match self.view(agr, day) {
            Ok(view) => return view.connections.len(),
            Err(why) => why,
        };
        let rest = why.strip_prefix("No connections available").unwrap();
        let number = rest.strip_suffix(" registered behind no congestion point");
        number.map_or(0, |number| number.strip_prefix("; ").unwrap().parse().unwrap())
    }

    fn behind(
        &self,
        dso: &str,
        point: u32,
        day: i8,
    ) -> Result<Option<DsoPortfolioQueryCongestionPoint>, String> {
        let answer = self.0.dso_portfolio_query(&dso_query(dso, point, day), &participant(Role::Dso, dso));
        match answer.map_err(|rejected| text(&rejected))? {
            Accepted::CongestionPoint(point) => Ok(point),
            other => panic!("{other:?}"),
        }
    }

    /// The numbers of the connections behind a point, in which order they are told.
    fn numbers(&self, dso: &str, point: u32, day: i8) -> Vec<u32> {
        let point = self.behind(dso, point, day).unwrap();
        let number = |address: &str| address.trim_start_matches("ean.").parse().unwrap();
        point
            .map(|point| point.connections.iter().map(|c| number(c.entity_address.as_str())).collect())
            .unwrap_or_default()
    }
}

fn text(rejected: &Rejected) -> String {
    let reasons: Vec<_> = rejected.reasons().map(RejectionReason::text).collect();
    reasons.join("; ")
}
