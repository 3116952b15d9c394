//! `DSOPortfolioQuery`: DSO to CRO.

use jiff::civil::Date;
use tieline_types::EntityAddress;

use crate::Header;
use crate::message::{Root, Wire};
use crate::value::TimeZoneName;
use crate::xml::{ParseError, XmlWriter};

/// Asks which connections are behind a congestion point on one day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioQuery {
    /// The attributes of every message.
    pub header: Header,
    /// `TimeZone`: the zone in which `period` is a day.
    pub time_zone: TimeZoneName,
    /// `Period`: the day.
    pub period: Date,
    /// `EntityAddress`: the congestion point.
    pub entity_address: EntityAddress,
}

impl Wire for DsoPortfolioQuery {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let (time_zone, period) = (root.required("TimeZone")?, root.required("Period")?);
        let entity_address = root.required("EntityAddress")?;
        root.finish()?;
        Ok(Self { header, time_zone, period, entity_address })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("DSOPortfolioQuery");
        self.header.write(writer);
        writer.attribute("TimeZone", &self.time_zone);
        writer.attribute("Period", &self.period);
        writer.attribute("EntityAddress", &self.entity_address);
        writer.close_empty();
    }
}
