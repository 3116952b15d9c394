//! `FlexSettlementResponse`: AGR to DSO.

use crate::Header;
use crate::message::{Response, Root, SIZE_OF_ROOT, Wire};
use crate::value::MessageId;
use crate::xml::lexical::words;
use crate::xml::{Child, ParseError, Tag, Text, XmlReader, XmlWriter};

/// The answer to a FlexSettlement: which of its items the AGR accepts.
///
/// An item that is not what the AGR has in its books is disputed in an accepted answer. A rejected answer disputes all of
/// them. The schema demands at least one status in either, the text only in an accepted one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexSettlementResponse {
    /// The attributes of every message.
    pub header: Header,
    /// Whether the FlexSettlement was accepted, and why not.
    pub response: Response,
    /// `FlexSettlementMessageID`: the `MessageID` of the FlexSettlement.
    pub flex_settlement_message_id: MessageId,
    /// `FlexOrderSettlementStatus`: the items, one by one.
    pub statuses: Vec<FlexOrderSettlementStatus>,
}

/// What an AGR says to the settlement of one order (`FlexOrderSettlementStatusType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOrderSettlementStatus {
    /// `OrderReference`: the number that the DSO gave the order.
    pub order_reference: Option<Text>,
    /// `Disposition`: whether the AGR accepts the item.
    pub disposition: AcceptedDisputed,
    /// `DisputeReason`: why not, for people; the text demands it of a disputed item.
    pub dispute_reason: Option<Text>,
}

/// Whether a settlement item is accepted (`AcceptedDisputedType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcceptedDisputed {
    /// The AGR will invoice accordingly.
    Accepted,
    /// The AGR has other figures.
    Disputed,
}

words!(
    AcceptedDisputed, "AcceptedDisputedType",
    "Accepted" => AcceptedDisputed::Accepted,
    "Disputed" => AcceptedDisputed::Disputed,
);

impl FlexOrderSettlementStatus {
    /// The item is accepted.
    pub fn accepted(order_reference: Option<Text>) -> Self {
        Self { order_reference, disposition: AcceptedDisputed::Accepted, dispute_reason: None }
    }

    /// The item is disputed, for this reason.
    pub fn disputed(order_reference: Option<Text>, reason: &str) -> Self {
        Self {
            order_reference,
            disposition: AcceptedDisputed::Disputed,
            dispute_reason: Some(Text::lossy(reason)),
        }
    }
}

impl Wire for FlexSettlementResponse {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response = Response::read(root)?;
        let flex_settlement_message_id = root.reference("FlexSettlementMessageID")?;
        root.attributes.finish()?;
        let statuses = if root.reader.tolerance().absent_settlement_elements {
            root.reader.children(root.tag)?
        } else {
            root.reader.sequence(root.tag)?
        };
        Ok(Self { header, response, flex_settlement_message_id, statuses })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexSettlementResponse");
        self.header.write(writer);
        self.response.write(writer);
        writer.attribute(
            self.header.revision().reference("FlexSettlementMessageID"),
            &self.flex_settlement_message_id,
        );
        writer.close_with("FlexSettlementResponse", &self.statuses, |status, writer| {
            writer.open("FlexOrderSettlementStatus");
            writer.optional("OrderReference", status.order_reference.as_ref());
            writer.attribute("Disposition", &status.disposition);
            writer.optional("DisputeReason", status.dispute_reason.as_ref());
            writer.close_empty();
        });
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + 160 * self.statuses.len()
    }
}

impl Child for FlexOrderSettlementStatus {
    const NAME: &'static str = "FlexOrderSettlementStatus";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let status = Self {
            order_reference: attributes.optional("OrderReference")?,
            disposition: attributes.required("Disposition")?,
            dispute_reason: attributes.optional("DisputeReason")?,
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(status)
    }
}
