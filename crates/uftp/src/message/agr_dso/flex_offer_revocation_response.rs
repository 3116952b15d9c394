//! `FlexOfferRevocationResponse`: DSO to AGR.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a FlexOfferRevocation. Once it is accepted the offer can no longer be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOfferRevocationResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the FlexOfferRevocation was accepted, and why not.
    pub response: Response,
    /// `FlexOfferRevocationMessageID`: the `MessageID` of the FlexOfferRevocation.
    pub flex_offer_revocation_message_id: MessageId,
}

impl Wire for FlexOfferRevocationResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let flex_offer_revocation_message_id = root.required("FlexOfferRevocationMessageID")?;
        root.finish()?;
        Ok(Self { header, response, flex_offer_revocation_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexOfferRevocationResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute("FlexOfferRevocationMessageID", &self.flex_offer_revocation_message_id);
        writer.close_empty();
    }
}
