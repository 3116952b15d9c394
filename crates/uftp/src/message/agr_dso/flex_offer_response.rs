//! `FlexOfferResponse`: DSO to AGR.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a FlexOffer. An accepted offer may be ordered until it expires or is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOfferResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the FlexOffer was accepted, and why not.
    pub response: Response,
    /// `FlexOfferMessageID`: the `MessageID` of the FlexOffer.
    pub flex_offer_message_id: MessageId,
}

impl Wire for FlexOfferResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let flex_offer_message_id = root.reference("FlexOfferMessageID")?;
        root.finish()?;
        Ok(Self { header, response, flex_offer_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexOfferResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(self.header.revision().reference("FlexOfferMessageID"), &self.flex_offer_message_id);
        writer.close_empty();
    }
}
