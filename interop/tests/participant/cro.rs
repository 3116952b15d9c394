//! Everything that goes between AGRs, DSOs and a CRO.

use anyhow::{Result, ensure};
use jiff::civil::Date;
use tieline_uftp::message::{
    AgrPortfolioQuery, AgrPortfolioUpdate, AgrPortfolioUpdateConnection, ConnectionEntry, DsoPortfolio,
    DsoPortfolioQuery, DsoPortfolioQueryCongestionPoint, DsoPortfolioQueryConnection, DsoPortfolioUpdate,
    DsoPortfolioUpdateCongestionPoint, DsoPortfolioUpdateConnection, DsoView, PortfolioCongestionPoint,
    RedispatchBy, TestMessage,
};
use tieline_uftp::value::TimeZoneName;
use tieline_uftp::{Accepted, Header, Payload};

use crate::agr_dso::{ACCEPTED, CONGESTION_POINT};
use crate::coverage::Maker;
use crate::world::{Side, Verdict, World, participant};

const CONNECTIONS: [&str; 2] = ["ean.871685900012636544", "ean.871685900012636545"];

/// An AGR and a DSO of one implementation and a CRO of the other.
pub(crate) struct Registration<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) agr: Side,
    pub(crate) dso: Side,
    pub(crate) cro: Side,
}

fn day() -> Date {
    Date::constant(2026, 6, 4)
}

fn amsterdam() -> TimeZoneName {
    "Europe/Amsterdam".parse().expect("it is a time zone")
}

/// The AGR has both connections, from the day on.
pub(crate) fn agr_portfolio_update(header: Header) -> AgrPortfolioUpdate {
    let connections = CONNECTIONS.map(|address| AgrPortfolioUpdateConnection {
        entity_address: address.parse().expect("it is an address"),
        start_period: day(),
        end_period: None,
    });
    AgrPortfolioUpdate { header, time_zone: amsterdam(), connections: connections.into() }
}

/// Both connections are behind the congestion point, from the day on.
pub(crate) fn dso_portfolio_update(header: Header) -> DsoPortfolioUpdate {
    let connections = CONNECTIONS.map(|address| DsoPortfolioUpdateConnection {
        entity_address: address.parse().expect("it is an address"),
        start_period: day(),
        end_period: None,
    });
    let point = DsoPortfolioUpdateCongestionPoint {
        entity_address: CONGESTION_POINT.parse().expect("it is an address"),
        start_period: day(),
        end_period: None,
        mutex_offers_supported: true,
        day_ahead_redispatch_by: RedispatchBy::Agr,
        intraday_redispatch_by: Some(RedispatchBy::Dso),
        connections: connections.into(),
    };
    DsoPortfolioUpdate { header, time_zone: amsterdam(), congestion_points: vec![point] }
}

pub(crate) fn agr_portfolio_query(header: Header) -> AgrPortfolioQuery {
    AgrPortfolioQuery { header, time_zone: amsterdam(), period: day() }
}

pub(crate) fn dso_portfolio_query(header: Header) -> DsoPortfolioQuery {
    let entity_address = CONGESTION_POINT.parse().expect("it is an address");
    DsoPortfolioQuery { header, time_zone: amsterdam(), period: day(), entity_address }
}

/// What the AGR is told of its connections.
pub(crate) fn view(dso: Side) -> DsoView {
    let connections = CONNECTIONS
        .map(|address| ConnectionEntry { entity_address: address.parse().expect("it is an address") });
    let point = PortfolioCongestionPoint {
        entity_address: CONGESTION_POINT.parse().expect("it is an address"),
        mutex_offers_supported: true,
        day_ahead_redispatch_by: RedispatchBy::Agr,
        intraday_redispatch_by: Some(RedispatchBy::Dso),
        connections: connections.into(),
    };
    let portfolio = DsoPortfolio { dso_domain: participant(dso).domain, congestion_points: vec![point] };
    DsoView { dso_portfolios: vec![portfolio], connections: Vec::new() }
}

/// What the DSO is told of its congestion point.
pub(crate) fn behind() -> DsoPortfolioQueryCongestionPoint {
    let connections = CONNECTIONS.map(|address| DsoPortfolioQueryConnection {
        entity_address: address.parse().expect("it is an address"),
        agr_domain: None,
    });
    DsoPortfolioQueryCongestionPoint {
        entity_address: CONGESTION_POINT.parse().expect("it is an address"),
        connections: connections.into(),
    }
}

impl Registration<'_> {
    pub(crate) fn run(&mut self) -> Result<()> {
        let (agr, dso, cro) = (self.agr, self.dso, self.cro);
        for (from, to) in [(agr, cro), (cro, agr), (dso, cro), (cro, dso)] {
            let header = self.world.header(from, to, None);
            self.world.ask(from, to, TestMessage { header }, &ACCEPTED)?;
        }
        self.ask_in_vain()?;
        self.update()?;
        self.query()
    }

    /// Nothing is registered yet.
    fn ask_in_vain(&mut self) -> Result<()> {
        let none = Verdict::Broken("No connections available");
        self.tell(self.agr, agr_portfolio_query, &none)?;
        self.tell(self.dso, dso_portfolio_query, &none).map(drop)
    }

    fn update(&mut self) -> Result<()> {
        let refused = Verdict::Rejected("Not on a Wednesday");
        self.tell(self.agr, agr_portfolio_update, &refused)?;
        self.tell(self.agr, agr_portfolio_update, &ACCEPTED)?;
        let [known, _] = CONNECTIONS;
        let twice = format!("{known} is named twice for one day");
        let change = |mut update: AgrPortfolioUpdate| {
            update.connections[1] = update.connections[0].clone();
            update
        };
        self.tell(self.agr, |header| change(agr_portfolio_update(header)), &Verdict::Broken(&twice))?;
        let london = |header| AgrPortfolioUpdate {
            time_zone: "Europe/London".parse().expect("it is a time zone"),
            ..agr_portfolio_update(header)
        };
        self.tell(self.agr, london, &Verdict::Broken("Time zone rejected"))?;

        self.tell(self.dso, dso_portfolio_update, &refused)?;
        self.tell(self.dso, dso_portfolio_update, &ACCEPTED)?;
        let london = |header| DsoPortfolioUpdate {
            time_zone: "Europe/London".parse().expect("it is a time zone"),
            ..dso_portfolio_update(header)
        };
        self.tell(self.dso, london, &Verdict::Broken("Time zone rejected")).map(drop)
    }

    fn query(&mut self) -> Result<()> {
        let refused = Verdict::Rejected("Not on a Wednesday");
        self.tell(self.agr, agr_portfolio_query, &refused)?;
        self.tell(self.dso, dso_portfolio_query, &refused)?;

        let views = vec![view(self.dso)];
        let told = Verdict::Accepted(Accepted::Connections(views.clone()));
        let answer = self.tell(self.agr, agr_portfolio_query, &told)?;
        let right =
            matches!(&answer, Some(Payload::AgrPortfolioQueryResponse(answer)) if answer.dso_views == views);
        ensure!(right, "{answer:?}");

        let told = Verdict::Accepted(Accepted::CongestionPoint(Some(behind())));
        let answer = self.tell(self.dso, dso_portfolio_query, &told)?;
        let right = matches!(
            &answer,
            Some(Payload::DsoPortfolioQueryResponse(answer)) if answer.congestion_point == Some(behind())
        );
        ensure!(right, "{answer:?}");

        let unknown = |header| DsoPortfolioQuery {
            entity_address: "ean.871685900012636550".parse().expect("it is an address"),
            ..dso_portfolio_query(header)
        };
        let verdict = Verdict::Broken("Invalid congestion point");
        self.tell(self.dso, unknown, &verdict).map(drop)?;
        self.common_reference()
    }

    /// What ours keeps in the end, if it is ours: no more than was accepted.
    fn common_reference(&self) -> Result<()> {
        if self.cro.0 == Maker::Library {
            return Ok(());
        }
        let kept = self.world.ours(self.cro.1)?.common_reference()?;
        ensure!(kept.changes() == 2, "{} changes of the common reference", kept.changes());
        Ok(())
    }

    fn tell<M: Into<Payload>>(
        &mut self,
        from: Side,
        draft: impl FnOnce(Header) -> M,
        verdict: &Verdict<'_>,
    ) -> Result<Option<Payload>> {
        let header = self.world.header(from, self.cro, None);
        self.world.ask(from, self.cro, draft(header), verdict)
    }
}
