//! The part of a `FlexSettlement` that is about bilateral contracts.

use jiff::civil::Date;
use tieline_types::{IspNumber, IspRange, Power};

use super::isp::{read_range, write_range};
use crate::xml::{Child, ParseError, Tag, Text, XmlReader, XmlWriter};

/// What was reserved by one contract, and what became of it (`ContractSettlementType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContractSettlement {
    /// `ContractID`: the contract.
    pub contract_id: Option<Text>,
    /// `Period`: the days with a reservation, one or more.
    pub periods: Vec<ContractSettlementPeriod>,
}

/// One day of a contract (`ContractSettlementPeriodType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContractSettlementPeriod {
    /// `Period`: the local day.
    pub period: Date,
    /// `ISP`: its ISPs with a reservation, one or more.
    pub isps: Vec<ContractSettlementIsp>,
}

/// Powers of a contract in a run of ISPs, in watts (`ContractSettlementISPType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContractSettlementIsp {
    /// `Start` and `Duration`: the first ISP, from 1, and how many.
    pub range: IspRange,
    /// `ReservedPower`: reserved, and not released by a FlexReservationUpdate.
    pub reserved: Power,
    /// `RequestedPower`: of that, what a FlexRequest asked for; absent without one.
    pub requested: Option<Power>,
    /// `AvailablePower`: what was available by the FlexRequest.
    pub available: Option<Power>,
    /// `OfferedPower`: of what was requested, what an offer covered; absent without one.
    pub offered: Option<Power>,
    /// `OrderedPower`: what was ordered of it; absent without an order.
    pub ordered: Option<Power>,
}

impl ContractSettlement {
    /// The element that the schema demands where there is no contract: no contract's name, and 0 W reserved in the first
    /// ISP of `period`.
    pub fn nothing_reserved(period: Date) -> Self {
        let isp = ContractSettlementIsp {
            range: IspRange::single(IspNumber::FIRST),
            reserved: Power::ZERO,
            requested: None,
            available: None,
            offered: None,
            ordered: None,
        };
        let periods = vec![ContractSettlementPeriod { period, isps: vec![isp] }];
        Self { contract_id: None, periods }
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("ContractSettlement");
        writer.optional("ContractID", self.contract_id.as_ref());
        writer.close_with("ContractSettlement", &self.periods, |period, writer| {
            writer.open("Period");
            writer.attribute("Period", &period.period);
            writer.close_with("Period", &period.isps, ContractSettlementIsp::write);
        });
    }
}

impl Child for ContractSettlement {
    const NAME: &'static str = "ContractSettlement";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let contract_id = attributes.optional("ContractID")?;
        attributes.finish()?;
        Ok(Self { contract_id, periods: reader.sequence(tag)? })
    }
}

impl Child for ContractSettlementPeriod {
    const NAME: &'static str = "Period";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let period = attributes.required("Period")?;
        attributes.finish()?;
        Ok(Self { period, isps: reader.sequence(tag)? })
    }
}

impl ContractSettlementIsp {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("ISP");
        write_range(self.range, writer);
        writer.attribute("ReservedPower", &self.reserved);
        writer.optional("RequestedPower", self.requested.as_ref());
        writer.optional("AvailablePower", self.available.as_ref());
        writer.optional("OfferedPower", self.offered.as_ref());
        writer.optional("OrderedPower", self.ordered.as_ref());
        writer.close_empty();
    }
}

impl Child for ContractSettlementIsp {
    const NAME: &'static str = "ISP";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let isp = Self {
            range: read_range(tag, &mut attributes)?,
            reserved: attributes.required("ReservedPower")?,
            requested: attributes.optional("RequestedPower")?,
            available: attributes.optional("AvailablePower")?,
            offered: attributes.optional("OfferedPower")?,
            ordered: attributes.optional("OrderedPower")?,
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(isp)
    }
}
