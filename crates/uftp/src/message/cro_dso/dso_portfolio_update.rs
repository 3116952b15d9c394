//! `DSOPortfolioUpdate`: DSO to CRO.

use jiff::civil::Date;
use tieline_types::EntityAddress;

use super::RedispatchBy;
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::value::TimeZoneName;
use crate::xml::{Child, ParseError, Tag, XmlReader, XmlWriter};

/// The congestion points of a DSO, and which connections are behind them from when to when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioUpdate {
    /// The attributes of every message.
    pub header: Header,
    /// `TimeZone`: the zone whose days the periods are.
    pub time_zone: TimeZoneName,
    /// `CongestionPoint`: the points, one or more.
    pub congestion_points: Vec<DsoPortfolioUpdateCongestionPoint>,
}

/// A congestion point (`DSOPortfolioUpdateCongestionPoint`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioUpdateCongestionPoint {
    /// `EntityAddress`: the point.
    pub entity_address: EntityAddress,
    /// `StartPeriod`: the first day.
    pub start_period: Date,
    /// `EndPeriod`: the last day, if there is one.
    pub end_period: Option<Date>,
    /// `MutexOffersSupported`: whether offers of several options are taken there.
    pub mutex_offers_supported: bool,
    /// `DayAheadRedispatchBy`: who redispatches day-ahead.
    pub day_ahead_redispatch_by: RedispatchBy,
    /// `IntradayRedispatchBy`: who redispatches intraday; without it there is no intraday trade.
    pub intraday_redispatch_by: Option<RedispatchBy>,
    /// `Connection`: the connections behind it, one or more.
    pub connections: Vec<DsoPortfolioUpdateConnection>,
}

/// A connection behind a congestion point (`DSOPortfolioUpdateConnectionType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioUpdateConnection {
    /// `EntityAddress`: the connection.
    pub entity_address: EntityAddress,
    /// `StartPeriod`: the first day.
    pub start_period: Date,
    /// `EndPeriod`: the last day, if there is one.
    pub end_period: Option<Date>,
}

impl Wire for DsoPortfolioUpdate {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let time_zone = root.required("TimeZone")?;
        root.attributes.finish()?;
        Ok(Self { header, time_zone, congestion_points: root.reader.sequence(root.tag)? })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("DSOPortfolioUpdate");
        self.header.write(writer);
        writer.attribute("TimeZone", &self.time_zone);
        let write = DsoPortfolioUpdateCongestionPoint::write;
        writer.close_with("DSOPortfolioUpdate", &self.congestion_points, write);
    }

    fn size(&self) -> usize {
        let points = self.congestion_points.iter().map(|point| 256 + 128 * point.connections.len());
        SIZE_OF_ROOT + points.sum::<usize>()
    }
}

impl DsoPortfolioUpdateCongestionPoint {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("CongestionPoint");
        writer.attribute("EntityAddress", &self.entity_address);
        writer.attribute("StartPeriod", &self.start_period);
        writer.optional("EndPeriod", self.end_period.as_ref());
        writer.attribute("MutexOffersSupported", &self.mutex_offers_supported);
        writer.attribute("DayAheadRedispatchBy", &self.day_ahead_redispatch_by);
        writer.optional("IntradayRedispatchBy", self.intraday_redispatch_by.as_ref());
        writer.close_with("CongestionPoint", &self.connections, |connection, writer| {
            writer.open("Connection");
            writer.attribute("EntityAddress", &connection.entity_address);
            writer.attribute("StartPeriod", &connection.start_period);
            writer.optional("EndPeriod", connection.end_period.as_ref());
            writer.close_empty();
        });
    }
}

impl Child for DsoPortfolioUpdateCongestionPoint {
    const NAME: &'static str = "CongestionPoint";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let entity_address = attributes.required("EntityAddress")?;
        let start_period = attributes.required("StartPeriod")?;
        let end_period = attributes.optional("EndPeriod")?;
        let mutex_offers_supported = attributes.required("MutexOffersSupported")?;
        let day_ahead_redispatch_by = attributes.required("DayAheadRedispatchBy")?;
        let intraday_redispatch_by = attributes.optional("IntradayRedispatchBy")?;
        attributes.finish()?;
        Ok(Self {
            entity_address,
            start_period,
            end_period,
            mutex_offers_supported,
            day_ahead_redispatch_by,
            intraday_redispatch_by,
            connections: reader.sequence(tag)?,
        })
    }
}

impl Child for DsoPortfolioUpdateConnection {
    const NAME: &'static str = "Connection";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let connection = Self {
            entity_address: attributes.required("EntityAddress")?,
            start_period: attributes.required("StartPeriod")?,
            end_period: attributes.optional("EndPeriod")?,
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(connection)
    }
}
