//! `FlexOffer`: AGR to DSO.

use tieline_types::{Amount, Currency};

use super::isp::SIZE_OF_ISP;
use super::{FlexMessage, Isp};
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::value::{ActivationFactor, DateTime, MessageId};
use crate::xml::{Child, ParseError, Tag, Text, XmlReader, XmlWriter};

/// What an AGR can do at a congestion point on one day, and at which price.
///
/// The options exclude each other: a DSO orders at most one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOffer {
    /// The attributes of every message.
    pub header: Header,
    /// Where and when.
    pub flex: FlexMessage,
    /// `ExpirationDateTime`: until when the offer can be ordered.
    pub expiration_date_time: DateTime,
    /// `Unsolicited`: whether no request came before. From 3.1.0 on, and without a default there; left out when
    /// the header says 3.0.0, where the absence of `FlexRequestMessageID` says it. [`FlexOffer::is_unsolicited`]
    /// reads both.
    pub unsolicited: Option<bool>,
    /// `FlexRequestMessageID`: the `MessageID` of the request that is answered; required unless the offer is
    /// unsolicited.
    pub flex_request_message_id: Option<MessageId>,
    /// `ContractID`: the contract that the offer is based on.
    pub contract_id: Option<Text>,
    /// `D-PrognosisMessageID`: the `MessageID` of the D-Prognosis that is the baseline, if one is.
    pub d_prognosis_message_id: Option<MessageId>,
    /// `BaselineReference`: the baseline, if it is no D-Prognosis.
    pub baseline_reference: Option<Text>,
    /// `Currency`: of the prices.
    pub currency: Currency,
    /// `OfferOption`: the options, one or more.
    pub options: Vec<OfferOption>,
}

/// One way to deliver (`FlexOfferOptionType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OfferOption {
    /// `OptionReference`: what an order calls this option by.
    pub option_reference: Text,
    /// `Price`: for the whole option, at most four digits after the point.
    pub price: Amount,
    /// `MinActivationFactor`: the least part that may be ordered; 1.00 if it is not said.
    pub min_activation_factor: ActivationFactor,
    /// `ISP`: the flexibility, one or more.
    pub isps: Vec<Isp>,
}

impl FlexOffer {
    /// Whether the offer answers no request: `Unsolicited` if it is there, else whether no request is named.
    pub fn is_unsolicited(&self) -> bool {
        self.unsolicited
            .unwrap_or(self.header.revision().unsolicited_if_unsaid && self.flex_request_message_id.is_none())
    }
}

impl Wire for FlexOffer {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let flex = FlexMessage::read(root)?;
        let expiration_date_time = root.required("ExpirationDateTime")?;
        let unsolicited = root.optional_if(root.revision.unsolicited, "Unsolicited")?;
        let flex_request_message_id = root.optional("FlexRequestMessageID")?;
        let contract_id = root.optional("ContractID")?;
        let d_prognosis_message_id = root.optional("D-PrognosisMessageID")?;
        let baseline_reference = root.optional("BaselineReference")?;
        let currency = root.required("Currency")?;
        root.attributes.finish()?;
        Ok(Self {
            header,
            flex,
            expiration_date_time,
            unsolicited,
            flex_request_message_id,
            contract_id,
            d_prognosis_message_id,
            baseline_reference,
            currency,
            options: root.reader.sequence(root.tag)?,
        })
    }

    fn write(&self, writer: &mut XmlWriter) {
        let revision = self.header.revision();
        writer.open("FlexOffer");
        self.header.write(writer);
        self.flex.write(writer);
        writer.attribute("ExpirationDateTime", &self.expiration_date_time);
        writer.optional("Unsolicited", self.unsolicited.as_ref().filter(|_| revision.unsolicited));
        writer.optional("FlexRequestMessageID", self.flex_request_message_id.as_ref());
        writer.optional("ContractID", self.contract_id.as_ref());
        writer.optional("D-PrognosisMessageID", self.d_prognosis_message_id.as_ref());
        writer.optional("BaselineReference", self.baseline_reference.as_ref());
        writer.attribute("Currency", &self.currency);
        writer.close_with("FlexOffer", &self.options, OfferOption::write);
    }

    fn size(&self) -> usize {
        let options = self.options.iter().map(|option| 2 * SIZE_OF_ISP + SIZE_OF_ISP * option.isps.len());
        SIZE_OF_ROOT + options.sum::<usize>()
    }
}

impl OfferOption {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("OfferOption");
        writer.attribute("OptionReference", &self.option_reference);
        writer.attribute("Price", &self.price);
        writer.attribute("MinActivationFactor", &self.min_activation_factor);
        writer.close_with("OfferOption", &self.isps, Isp::write);
    }
}

impl Child for OfferOption {
    const NAME: &'static str = "OfferOption";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let option_reference = attributes.required("OptionReference")?;
        let price = attributes.required("Price")?;
        let min_activation_factor =
            attributes.optional("MinActivationFactor")?.unwrap_or(ActivationFactor::FULL);
        attributes.finish()?;
        Ok(Self { option_reference, price, min_activation_factor, isps: reader.sequence(tag)? })
    }
}
