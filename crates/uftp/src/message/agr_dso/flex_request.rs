//! `FlexRequest`: DSO to AGR.

use tieline_types::{IspRange, Power};

use super::FlexMessage;
use super::isp::{SIZE_OF_ISP, read_range, write_range};
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::value::DateTime;
use crate::xml::lexical::words;
use crate::xml::{Child, ParseError, Tag, Text, XmlReader, XmlWriter};

/// What a DSO needs at a congestion point on one day, sent to every AGR there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexRequest {
    /// The attributes of every message.
    pub header: Header,
    /// Where and when.
    pub flex: FlexMessage,
    /// `Revision` (`xs:long`): incremented with each new request for the same point and day.
    pub revision: i64,
    /// `ExpirationDateTime`: until when offers are taken.
    pub expiration_date_time: DateTime,
    /// `ContractID`: the contract that the request is based on.
    pub contract_id: Option<Text>,
    /// `ServiceType`: how fast and by which assets, as the contract names it.
    pub service_type: Option<Text>,
    /// `ISP`: the needs, one or more.
    pub isps: Vec<FlexRequestIsp>,
}

/// One or more ISPs in a row with one need (`FlexRequestISPType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlexRequestIsp {
    /// `Disposition`: whether flexibility is requested or room is left. The schema has no default for it.
    pub disposition: Option<Disposition>,
    /// `MinPower` (`xs:integer`): the least that the power may become, in watts, positive towards the customer.
    pub min_power: Power,
    /// `MaxPower` (`xs:integer`): the most that the power may become, in watts, positive towards the customer.
    pub max_power: Power,
    /// `Start` and `Duration`: the first ISP, from 1, and how many, 1 if it is not said.
    pub range: IspRange,
}

/// What an ISP of a request says (`AvailableRequestedType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The grid has this much room; it may be used to make up for flexibility delivered elsewhere.
    Available,
    /// The DSO asks for flexibility in this ISP.
    Requested,
}

words!(
    Disposition, "AvailableRequestedType",
    "Available" => Disposition::Available,
    "Requested" => Disposition::Requested,
);

impl Wire for FlexRequest {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let flex = FlexMessage::read(root)?;
        let revision = root.required("Revision")?;
        let expiration_date_time = root.required("ExpirationDateTime")?;
        let contract_id = root.optional("ContractID")?;
        let service_type = root.optional("ServiceType")?;
        root.attributes.finish()?;
        let isps = root.reader.sequence(root.tag)?;
        Ok(Self { header, flex, revision, expiration_date_time, contract_id, service_type, isps })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexRequest");
        self.header.write(writer);
        self.flex.write(writer);
        writer.attribute("Revision", &self.revision);
        writer.attribute("ExpirationDateTime", &self.expiration_date_time);
        writer.optional("ContractID", self.contract_id.as_ref());
        writer.optional("ServiceType", self.service_type.as_ref());
        writer.close_with("FlexRequest", &self.isps, FlexRequestIsp::write);
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + SIZE_OF_ISP * self.isps.len()
    }
}

impl FlexRequestIsp {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("ISP");
        writer.optional("Disposition", self.disposition.as_ref());
        writer.attribute("MinPower", &self.min_power);
        writer.attribute("MaxPower", &self.max_power);
        write_range(self.range, writer);
        writer.close_empty();
    }
}

impl Child for FlexRequestIsp {
    const NAME: &'static str = "ISP";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let isp = Self {
            disposition: attributes.optional("Disposition")?,
            min_power: attributes.required("MinPower")?,
            max_power: attributes.required("MaxPower")?,
            range: read_range(tag, &mut attributes)?,
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(isp)
    }
}
