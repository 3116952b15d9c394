//! `AGRPortfolioQuery`: AGR to CRO.

use jiff::civil::Date;

use crate::Header;
use crate::message::{Root, Wire};
use crate::value::TimeZoneName;
use crate::xml::{ParseError, XmlWriter};

/// Asks where the connections of an AGR are on one day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgrPortfolioQuery {
    /// The attributes of every message.
    pub header: Header,
    /// `TimeZone`: the zone in which `period` is a day.
    pub time_zone: TimeZoneName,
    /// `Period`: the day.
    pub period: Date,
}

impl Wire for AgrPortfolioQuery {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let (time_zone, period) = (root.required("TimeZone")?, root.required("Period")?);
        root.finish()?;
        Ok(Self { header, time_zone, period })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("AGRPortfolioQuery");
        self.header.write(writer);
        writer.attribute("TimeZone", &self.time_zone);
        writer.attribute("Period", &self.period);
        writer.close_empty();
    }
}
