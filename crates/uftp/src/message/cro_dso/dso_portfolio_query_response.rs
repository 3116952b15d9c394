//! `DSOPortfolioQueryResponse`: CRO to DSO.

use jiff::civil::Date;
use tieline_types::{Domain, EntityAddress};

use crate::Header;
use crate::message::{Response, Root, SIZE_OF_ROOT, Wire};
use crate::value::{MessageId, TimeZoneName};
use crate::xml::{Child, ParseError, ParseErrorKind, Tag, XmlReader, XmlWriter};

/// Which connections are behind a congestion point on one day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioQueryResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the DSOPortfolioQuery was accepted, and why not.
    pub response: Response,
    /// `DSOPortfolioQueryMessageID`: the `MessageID` of the DSOPortfolioQuery.
    pub dso_portfolio_query_message_id: MessageId,
    /// `TimeZone`: the zone in which `period` is a day.
    pub time_zone: TimeZoneName,
    /// `Period`: the day.
    pub period: Date,
    /// `CongestionPoint`: the point with its connections, if it has any.
    pub congestion_point: Option<DsoPortfolioQueryCongestionPoint>,
}

/// A congestion point (`DSOPortfolioQueryCongestionPointType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioQueryCongestionPoint {
    /// `EntityAddress`: the point.
    pub entity_address: EntityAddress,
    /// `Connection`: the connections behind it, one or more.
    pub connections: Vec<DsoPortfolioQueryConnection>,
}

/// A connection behind a congestion point (`DSOPortfolioQueryConnectionType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioQueryConnection {
    /// `EntityAddress`: the connection.
    pub entity_address: EntityAddress,
    /// `AGR-Domain`: who represents the customer there, if anybody does and the DSO is told.
    pub agr_domain: Option<Domain>,
}

impl Wire for DsoPortfolioQueryResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let dso_portfolio_query_message_id = root.reference("DSOPortfolioQueryMessageID")?;
        let (time_zone, period) = (root.required("TimeZone")?, root.required("Period")?);
        root.attributes.finish()?;
        let mut points = root.reader.children::<DsoPortfolioQueryCongestionPoint>(root.tag)?;
        let congestion_point = points.pop();
        if !points.is_empty() {
            return Err(root
                .tag
                .error(ParseErrorKind::TooManyElements(DsoPortfolioQueryCongestionPoint::NAME)));
        }
        Ok(Self { header, response, dso_portfolio_query_message_id, time_zone, period, congestion_point })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("DSOPortfolioQueryResponse");
        self.header.write(writer);
        self.response.write(writer);
        let reference = self.header.revision().reference("DSOPortfolioQueryMessageID");
        writer.attribute(reference, &self.dso_portfolio_query_message_id);
        writer.attribute("TimeZone", &self.time_zone);
        writer.attribute("Period", &self.period);
        let write = DsoPortfolioQueryCongestionPoint::write;
        writer.close_with("DSOPortfolioQueryResponse", self.congestion_point.as_slice(), write);
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + self.congestion_point.iter().map(|point| 128 * point.connections.len()).sum::<usize>()
    }
}

impl DsoPortfolioQueryCongestionPoint {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("CongestionPoint");
        writer.attribute("EntityAddress", &self.entity_address);
        writer.close_with("CongestionPoint", &self.connections, |connection, writer| {
            writer.open("Connection");
            writer.attribute("EntityAddress", &connection.entity_address);
            writer.optional("AGR-Domain", connection.agr_domain.as_ref());
            writer.close_empty();
        });
    }
}

impl Child for DsoPortfolioQueryCongestionPoint {
    const NAME: &'static str = "CongestionPoint";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let entity_address = attributes.required("EntityAddress")?;
        attributes.finish()?;
        Ok(Self { entity_address, connections: reader.sequence(tag)? })
    }
}

impl Child for DsoPortfolioQueryConnection {
    const NAME: &'static str = "Connection";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let connection = Self {
            entity_address: attributes.required("EntityAddress")?,
            agr_domain: attributes.optional("AGR-Domain")?,
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(connection)
    }
}
