//! `FlexReservationUpdate`: DSO to AGR.

use super::isp::SIZE_OF_ISP;
use super::{FlexMessage, Isp};
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::xml::{ParseError, Text, XmlWriter};

/// Which part of what a bilateral contract reserves a DSO still needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexReservationUpdate {
    /// The attributes of every message.
    pub header: Header,
    /// Where and when.
    pub flex: FlexMessage,
    /// `ContractID`: the contract.
    pub contract_id: Text,
    /// `Reference`: what the DSO calls this message.
    pub reference: Text,
    /// `ISP`: the remaining power, one or more.
    pub isps: Vec<Isp>,
}

impl Wire for FlexReservationUpdate {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let flex = FlexMessage::read(root)?;
        let contract_id = root.required("ContractID")?;
        let reference = root.required("Reference")?;
        root.attributes.finish()?;
        Ok(Self { header, flex, contract_id, reference, isps: root.reader.sequence(root.tag)? })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexReservationUpdate");
        self.header.write(writer);
        self.flex.write(writer);
        writer.attribute("ContractID", &self.contract_id);
        writer.attribute("Reference", &self.reference);
        writer.close_with("FlexReservationUpdate", &self.isps, Isp::write);
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + SIZE_OF_ISP * self.isps.len()
    }
}
