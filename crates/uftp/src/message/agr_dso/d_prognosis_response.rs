//! `D-PrognosisResponse`: DSO to AGR.

use crate::Header;
use crate::message::{Response, Root, SIZE_OF_ROOT, Wire};
use crate::value::MessageId;
use crate::xml::{Child, ParseError, Tag, XmlReader, XmlWriter};

/// The answer to a D-Prognosis, with the state of the orders of its period.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DPrognosisResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the D-Prognosis was accepted, and why not.
    pub response: Response,
    /// `D-PrognosisMessageID`: the `MessageID` of the D-Prognosis.
    pub d_prognosis_message_id: MessageId,
    /// `FlexOrderStatus`: the orders of the period, none or more.
    pub flex_order_statuses: Vec<FlexOrderStatus>,
}

/// Whether a D-Prognosis holds what was ordered (`FlexOrderStatusType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlexOrderStatus {
    /// `FlexOrderMessageID`: the `MessageID` of the order.
    pub flex_order_message_id: MessageId,
    /// `IsValidated`: whether the D-Prognosis shows the ordered flexibility.
    pub is_validated: bool,
}

impl Wire for DPrognosisResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let d_prognosis_message_id = root.reference("D-PrognosisMessageID")?;
        root.attributes.finish()?;
        let flex_order_statuses = root.reader.children(root.tag)?;
        Ok(Self { header, response, d_prognosis_message_id, flex_order_statuses })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("D-PrognosisResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(
            self.header.revision().reference("D-PrognosisMessageID"),
            &self.d_prognosis_message_id,
        );
        writer.close_with("D-PrognosisResponse", &self.flex_order_statuses, |status, writer| {
            writer.open("FlexOrderStatus");
            writer.attribute("FlexOrderMessageID", &status.flex_order_message_id);
            writer.attribute("IsValidated", &status.is_validated);
            writer.close_empty();
        });
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + 104 * self.flex_order_statuses.len()
    }
}

impl Child for FlexOrderStatus {
    const NAME: &'static str = "FlexOrderStatus";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let status = Self {
            flex_order_message_id: attributes.required("FlexOrderMessageID")?,
            is_validated: attributes.required("IsValidated")?,
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(status)
    }
}
