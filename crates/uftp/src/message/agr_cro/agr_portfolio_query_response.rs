//! `AGRPortfolioQueryResponse`: CRO to AGR.

use jiff::civil::Date;
use tieline_types::{Domain, EntityAddress};

use crate::Header;
use crate::message::cro_dso::RedispatchBy;
use crate::message::{Response, Root, SIZE_OF_ROOT, Wire};
use crate::value::{MessageId, TimeZoneName};
use crate::xml::{Child, ParseError, ParseErrorKind, Tag, XmlReader, XmlWriter};

/// Where the connections of an AGR are on one day: behind which congestion points of which DSOs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgrPortfolioQueryResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the AGRPortfolioQuery was accepted, and why not.
    pub response: Response,
    /// `TimeZone`: the zone in which `period` is a day.
    pub time_zone: TimeZoneName,
    /// `AGRPortfolioQueryMessageID`: the `MessageID` of the AGRPortfolioQuery.
    pub agr_portfolio_query_message_id: MessageId,
    /// `Period`: the day.
    pub period: Date,
    /// `DSO-View`: the connections. The schemas demand at least one view, the text only of an accepted answer. A rejected one that is
    /// written without any is what the text says, and peers that go by the schemas refuse it: write [`DsoView::nothing`].
    pub dso_views: Vec<DsoView>,
}

/// The connections of an AGR (`AGRPortfolioQueryResponseDSOViewType`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DsoView {
    /// `DSO-Portfolio`: what is behind congestion points, by DSO; one or more by the schemas.
    pub dso_portfolios: Vec<DsoPortfolio>,
    /// `Connection`: what is behind no congestion point.
    pub connections: Vec<ConnectionEntry>,
}

/// The congestion points of a DSO (`AGRPortfolioQueryResponseDSOPortfolioType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolio {
    /// `DSO-Domain`: the DSO.
    pub dso_domain: Domain,
    /// `CongestionPoint`: the points, one or more.
    pub congestion_points: Vec<PortfolioCongestionPoint>,
}

/// A congestion point (`AGRPortfolioQueryResponseCongestionPointType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PortfolioCongestionPoint {
    /// `EntityAddress`: the point.
    pub entity_address: EntityAddress,
    /// `MutexOffersSupported`: whether the DSO takes offers of several options there.
    pub mutex_offers_supported: bool,
    /// `DayAheadRedispatchBy`: who redispatches day-ahead.
    pub day_ahead_redispatch_by: RedispatchBy,
    /// `IntradayRedispatchBy`: who redispatches intraday; without it there is no intraday trade.
    pub intraday_redispatch_by: Option<RedispatchBy>,
    /// `Connection`: the AGR's connections, one or more.
    pub connections: Vec<ConnectionEntry>,
}

/// A connection (`AGRPortfolioQueryResponseConnectionType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectionEntry {
    /// `EntityAddress`: the connection.
    pub entity_address: EntityAddress,
}

impl Wire for AgrPortfolioQueryResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let agr_portfolio_query_message_id = root.reference("AGRPortfolioQueryMessageID")?;
        let (time_zone, period) = (root.required("TimeZone")?, root.required("Period")?);
        root.attributes.finish()?;
        // A rejection has nothing to tell; only the schemas would have it told.
        let dso_views = if response.is_accepted() && !root.reader.tolerance().absent_portfolio_elements {
            root.reader.sequence(root.tag)?
        } else {
            root.reader.children(root.tag)?
        };
        Ok(Self { header, response, time_zone, agr_portfolio_query_message_id, period, dso_views })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("AGRPortfolioQueryResponse");
        self.header.write(writer);
        self.response.write(writer);
        let reference = self.header.revision().reference("AGRPortfolioQueryMessageID");
        writer.attribute(reference, &self.agr_portfolio_query_message_id);
        writer.attribute("TimeZone", &self.time_zone);
        writer.attribute("Period", &self.period);
        writer.close_with("AGRPortfolioQueryResponse", &self.dso_views, DsoView::write);
    }

    fn size(&self) -> usize {
        let points = |portfolio: &DsoPortfolio| {
            let points = portfolio.congestion_points.iter();
            points.map(|point| 256 + 80 * point.connections.len()).sum::<usize>()
        };
        let views = self
            .dso_views
            .iter()
            .map(|view| 80 * view.connections.len() + view.dso_portfolios.iter().map(points).sum::<usize>());
        SIZE_OF_ROOT + views.sum::<usize>()
    }
}

impl DsoView {
    /// A view that says nothing, for a rejection: the schemas demand a view with a DSO, a congestion point and a connection. The
    /// domain is that of whoever rejects, and the addresses are those of nobody.
    pub fn nothing(own: Domain) -> Self {
        let nobody = || -> EntityAddress { "ean.000000000000".parse().expect("it is an address") };
        let point = PortfolioCongestionPoint {
            entity_address: nobody(),
            mutex_offers_supported: false,
            day_ahead_redispatch_by: RedispatchBy::Dso,
            intraday_redispatch_by: None,
            connections: vec![ConnectionEntry { entity_address: nobody() }],
        };
        let portfolio = DsoPortfolio { dso_domain: own, congestion_points: vec![point] };
        Self { dso_portfolios: vec![portfolio], connections: Vec::new() }
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("DSO-View");
        writer.close_with_two(
            "DSO-View",
            (&self.dso_portfolios, DsoPortfolio::write),
            (&self.connections, ConnectionEntry::write),
        );
    }
}

impl Child for DsoView {
    const NAME: &'static str = "DSO-View";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        reader.attributes(tag)?.finish()?;
        let (dso_portfolios, connections) = reader.two_lists::<DsoPortfolio, _>(tag)?;
        if dso_portfolios.is_empty() && !reader.tolerance().absent_portfolio_elements {
            return Err(tag.error(ParseErrorKind::MissingElement(DsoPortfolio::NAME)));
        }
        Ok(Self { dso_portfolios, connections })
    }
}

impl DsoPortfolio {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("DSO-Portfolio");
        writer.attribute("DSO-Domain", &self.dso_domain);
        writer.close_with("DSO-Portfolio", &self.congestion_points, PortfolioCongestionPoint::write);
    }
}

impl Child for DsoPortfolio {
    const NAME: &'static str = "DSO-Portfolio";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let dso_domain = attributes.required("DSO-Domain")?;
        attributes.finish()?;
        Ok(Self { dso_domain, congestion_points: reader.sequence(tag)? })
    }
}

impl PortfolioCongestionPoint {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("CongestionPoint");
        writer.attribute("EntityAddress", &self.entity_address);
        writer.attribute("MutexOffersSupported", &self.mutex_offers_supported);
        writer.attribute("DayAheadRedispatchBy", &self.day_ahead_redispatch_by);
        writer.optional("IntradayRedispatchBy", self.intraday_redispatch_by.as_ref());
        writer.close_with("CongestionPoint", &self.connections, ConnectionEntry::write);
    }
}

impl Child for PortfolioCongestionPoint {
    const NAME: &'static str = "CongestionPoint";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let entity_address = attributes.required("EntityAddress")?;
        let mutex_offers_supported = attributes.required("MutexOffersSupported")?;
        let day_ahead_redispatch_by = attributes.required("DayAheadRedispatchBy")?;
        let intraday_redispatch_by = attributes.optional("IntradayRedispatchBy")?;
        attributes.finish()?;
        Ok(Self {
            entity_address,
            mutex_offers_supported,
            day_ahead_redispatch_by,
            intraday_redispatch_by,
            connections: reader.sequence(tag)?,
        })
    }
}

impl ConnectionEntry {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("Connection");
        writer.attribute("EntityAddress", &self.entity_address);
        writer.close_empty();
    }
}

impl Child for ConnectionEntry {
    const NAME: &'static str = "Connection";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let connection = Self { entity_address: attributes.required("EntityAddress")? };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(connection)
    }
}
