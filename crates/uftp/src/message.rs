//! The messages, one file each, in folders named after the schemas that define them.
//!
//! Each message is a struct with public fields, one for each attribute and each repeated element. A value of such
//! a type can be written; whether it makes sense is a matter of rules, not of types.

pub mod agr_dso;
pub mod common;
pub mod metering;

mod message_type;
mod payload;
mod response;

use std::fmt;

pub use agr_dso::{
    AcceptedDisputed, ContractSettlement, ContractSettlementIsp, ContractSettlementPeriod, DPrognosis,
    DPrognosisResponse, Disposition, FlexMessage, FlexOffer, FlexOfferResponse, FlexOfferRevocation,
    FlexOfferRevocationResponse, FlexOrder, FlexOrderResponse, FlexOrderSettlement, FlexOrderSettlementIsp,
    FlexOrderSettlementStatus, FlexOrderStatus, FlexRequest, FlexRequestIsp, FlexRequestResponse,
    FlexReservationUpdate, FlexReservationUpdateResponse, FlexSettlement, FlexSettlementResponse, Isp,
    OfferOption,
};
pub use common::{TestMessage, TestMessageResponse};
pub use message_type::{MessageType, UnknownMessageType};
pub use metering::{Metering, MeteringIsp, MeteringProfile, MeteringResponse, ProfileType, Unit};
pub use payload::{Payload, parse, parse_with};
pub use response::{AcceptedRejected, Response};

use crate::xml::{Attributes, Lexical, ParseError, Tag, XmlReader, XmlWriter};
use crate::{Header, Revision};

/// A message of UFTP.
#[expect(private_bounds, reason = "only the messages of this crate know how they are written")]
pub trait Message: Wire + Clone + fmt::Debug + Eq + Into<Payload> + Send + Sync + 'static {
    /// Which message it is.
    const TYPE: MessageType;

    /// What the message says of itself.
    fn header(&self) -> &Header;

    /// The document: UTF-8 with declaration, two blanks per level and a line break at the end. These are the bytes
    /// to sign. Attributes that the header's `Version` does not know are left out.
    fn to_xml(&self) -> Vec<u8> {
        let mut writer = XmlWriter::new(self.size());
        self.write(&mut writer);
        writer.finish()
    }
}

/// How a message stands in a document.
pub(crate) trait Wire: Sized {
    /// Reads what follows the header.
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError>;

    /// Writes the root element.
    fn write(&self, writer: &mut XmlWriter);

    /// About how many bytes the document takes.
    fn size(&self) -> usize {
        SIZE_OF_ROOT
    }
}

/// About how many bytes a root element takes.
pub(crate) const SIZE_OF_ROOT: usize = 1024;

/// The root element while it is being read.
pub(crate) struct Root<'r, 'i> {
    tag: &'r Tag<'i>,
    attributes: Attributes<'r>,
    reader: &'r mut XmlReader<'i>,
    /// The rules of the message's own version.
    revision: &'static Revision,
}

impl Root<'_, '_> {
    fn required<T: Lexical>(&mut self, name: &'static str) -> Result<T, ParseError> {
        self.attributes.required(name)
    }

    fn optional<T: Lexical>(&mut self, name: &'static str) -> Result<Option<T>, ParseError> {
        self.attributes.optional(name)
    }

    /// An optional attribute that only some revisions have; elsewhere it stays and is refused as unknown.
    fn optional_if<T: Lexical>(&mut self, known: bool, name: &'static str) -> Result<Option<T>, ParseError> {
        if known || self.reader.tolerance().later_attributes { self.optional(name) } else { Ok(None) }
    }

    /// The end of a message that has no elements.
    fn finish(&mut self) -> Result<(), ParseError> {
        self.attributes.finish()?;
        self.reader.no_children(self.tag)
    }
}
