//! `MeteringResponse`: DSO to AGR.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a Metering message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MeteringResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the Metering was accepted, and why not.
    pub response: Response,
    /// `MeteringMessageID`: the `MessageID` of the Metering.
    pub metering_message_id: MessageId,
}

impl Wire for MeteringResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let metering_message_id = root.reference("MeteringMessageID")?;
        root.finish()?;
        Ok(Self { header, response, metering_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("MeteringResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(self.header.revision().reference("MeteringMessageID"), &self.metering_message_id);
        writer.close_empty();
    }
}
