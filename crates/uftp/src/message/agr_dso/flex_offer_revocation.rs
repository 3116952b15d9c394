//! `FlexOfferRevocation`: AGR to DSO.

use crate::Header;
use crate::message::{Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// Takes back a FlexOffer that was accepted and is not ordered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOfferRevocation {
    /// The attributes of every message.
    pub header: Header,
    /// `FlexOfferMessageID`: the `MessageID` of the FlexOffer.
    pub flex_offer_message_id: MessageId,
}

impl Wire for FlexOfferRevocation {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let flex_offer_message_id = root.required("FlexOfferMessageID")?;
        root.finish()?;
        Ok(Self { header, flex_offer_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexOfferRevocation");
        self.header.write(writer);
        writer.attribute("FlexOfferMessageID", &self.flex_offer_message_id);
        writer.close_empty();
    }
}
