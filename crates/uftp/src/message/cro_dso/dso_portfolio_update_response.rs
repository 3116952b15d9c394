//! `DSOPortfolioUpdateResponse`: CRO to DSO.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to a DSOPortfolioUpdate: all of it is registered, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DsoPortfolioUpdateResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the DSOPortfolioUpdate was accepted, and why not.
    pub response: Response,
    /// `DSOPortfolioUpdateResponseMessageID`: the `MessageID` of the DSOPortfolioUpdate.
    /// The attribute has the name of the answer, and the value is that of the request.
    pub dso_portfolio_update_message_id: MessageId,
}

impl Wire for DsoPortfolioUpdateResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let dso_portfolio_update_message_id = root.reference("DSOPortfolioUpdateResponseMessageID")?;
        root.finish()?;
        Ok(Self { header, response, dso_portfolio_update_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("DSOPortfolioUpdateResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(
            self.header.revision().reference("DSOPortfolioUpdateResponseMessageID"),
            &self.dso_portfolio_update_message_id,
        );
        writer.close_empty();
    }
}
