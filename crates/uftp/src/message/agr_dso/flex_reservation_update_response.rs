//! `FlexReservationUpdateResponse`: AGR to DSO.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a FlexReservationUpdate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexReservationUpdateResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the FlexReservationUpdate was accepted, and why not.
    pub response: Response,
    /// `FlexReservationUpdateMessageID`: the `MessageID` of the FlexReservationUpdate.
    pub flex_reservation_update_message_id: MessageId,
}

impl Wire for FlexReservationUpdateResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let flex_reservation_update_message_id = root.required("FlexReservationUpdateMessageID")?;
        root.finish()?;
        Ok(Self { header, response, flex_reservation_update_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexReservationUpdateResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute("FlexReservationUpdateMessageID", &self.flex_reservation_update_message_id);
        writer.close_empty();
    }
}
