//! `AGRPortfolioUpdateResponse`: CRO to AGR.

use crate::Header;
use crate::message::{Response, Root, Wire};
use crate::value::MessageId;
use crate::xml::{ParseError, XmlWriter};

/// The answer to an AGRPortfolioUpdate: all of it is registered, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgrPortfolioUpdateResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the AGRPortfolioUpdate was accepted, and why not.
    pub response: Response,
    /// `AGRPortfolioUpdateMessageID`: the `MessageID` of the AGRPortfolioUpdate.
    pub agr_portfolio_update_message_id: MessageId,
}

impl Wire for AgrPortfolioUpdateResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let agr_portfolio_update_message_id = root.reference("AGRPortfolioUpdateMessageID")?;
        root.finish()?;
        Ok(Self { header, response, agr_portfolio_update_message_id })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("AGRPortfolioUpdateResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(
            self.header.revision().reference("AGRPortfolioUpdateMessageID"),
            &self.agr_portfolio_update_message_id,
        );
        writer.close_empty();
    }
}
