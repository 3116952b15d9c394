//! `AGRPortfolioUpdate`: AGR to CRO.

use jiff::civil::Date;
use tieline_types::EntityAddress;

use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::value::TimeZoneName;
use crate::xml::{Child, ParseError, Tag, XmlReader, XmlWriter};

/// At which connections an AGR represents the customer, and from when to when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgrPortfolioUpdate {
    /// The attributes of every message.
    pub header: Header,
    /// `TimeZone`: the zone whose days the periods are.
    pub time_zone: TimeZoneName,
    /// `Connection`: the connections, one or more.
    pub connections: Vec<AgrPortfolioUpdateConnection>,
}

/// One connection (`AGRPortfolioUpdateConnection`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgrPortfolioUpdateConnection {
    /// `EntityAddress`: the connection.
    pub entity_address: EntityAddress,
    /// `StartPeriod`: the first day.
    pub start_period: Date,
    /// `EndPeriod`: the last day, if there is one.
    pub end_period: Option<Date>,
}

impl Wire for AgrPortfolioUpdate {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let time_zone = root.required("TimeZone")?;
        root.attributes.finish()?;
        Ok(Self { header, time_zone, connections: root.reader.sequence(root.tag)? })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("AGRPortfolioUpdate");
        self.header.write(writer);
        writer.attribute("TimeZone", &self.time_zone);
        writer.close_with("AGRPortfolioUpdate", &self.connections, |connection, writer| {
            writer.open("Connection");
            writer.attribute("EntityAddress", &connection.entity_address);
            writer.attribute("StartPeriod", &connection.start_period);
            writer.optional("EndPeriod", connection.end_period.as_ref());
            writer.close_empty();
        });
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + 128 * self.connections.len()
    }
}

impl Child for AgrPortfolioUpdateConnection {
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
