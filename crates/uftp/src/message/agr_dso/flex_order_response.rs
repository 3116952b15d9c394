//! `FlexOrderResponse`: AGR to DSO.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a FlexOrder. An accepted order is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOrderResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the FlexOrder was accepted, and why not.
    pub response: Response,
    /// `FlexOrderMessageID`: the `MessageID` of the FlexOrder.
    pub flex_order_message_id: MessageId,
}

impl Wire for FlexOrderResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let flex_order_message_id = root.reference("FlexOrderMessageID")?;
        root.finish()?;
        Ok(Self { header, response, flex_order_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexOrderResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(self.header.revision().reference("FlexOrderMessageID"), &self.flex_order_message_id);
        writer.close_empty();
    }
}
