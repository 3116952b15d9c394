//! `FlexRequestResponse`: AGR to DSO.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a FlexRequest. An accepted request binds the AGR to nothing; an offer may follow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexRequestResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the FlexRequest was accepted, and why not.
    pub response: Response,
    /// `FlexRequestMessageID`: the `MessageID` of the FlexRequest.
    pub flex_request_message_id: MessageId,
}

impl Wire for FlexRequestResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let flex_request_message_id = root.reference("FlexRequestMessageID")?;
        root.finish()?;
        Ok(Self { header, response, flex_request_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexRequestResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(
            self.header.revision().reference("FlexRequestMessageID"),
            &self.flex_request_message_id,
        );
        writer.close_empty();
    }
}
