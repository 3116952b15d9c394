//! `FlexReservationUpdate`: DSO to AGR.

use super::isp::SIZE_OF_ISP;
use super::{FlexMessage, Isp};
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::xml::{ParseError, Text, XmlWriter};

/// What of the power that a bilateral contract reserves stays reserved on one day; the rest may be used otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexReservationUpdate {
    /// The attributes of every message.
    pub header: Header,
    /// Where and when.
    pub flex: FlexMessage,
    /// `ContractID`: the contract.
    pub contract_id: Text,
    /// `Reference`: the number that the DSO gave this message.
    pub reference: Text,
    /// `ISP`: the power that stays reserved, one run or more: 0 for none, and the sign is the direction.
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
