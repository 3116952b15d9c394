//! `FlexOrder`: DSO to AGR.

use tieline_types::{Amount, Currency};

use super::isp::SIZE_OF_ISP;
use super::{FlexMessage, Isp};
use crate::Header;
use crate::message::{Root, SIZE_OF_ROOT, Wire};
use crate::value::{ActivationFactor, MessageId};
use crate::xml::{ParseError, Text, XmlWriter};

/// What a DSO buys: one option of an offer, or, from 3.1.0 on, flexibility that a contract lets it order directly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOrder {
    /// The attributes of every message.
    pub header: Header,
    /// Where and when.
    pub flex: FlexMessage,
    /// `Unsolicited`: whether no offer came before. From 3.1.0 on; left out when the header says 3.0.0.
    /// [`FlexOrder::is_unsolicited`] reads both.
    pub unsolicited: Option<bool>,
    /// `ServiceType`: how fast and by which assets. From 3.1.0 on; left out when the header says 3.0.0.
    pub service_type: Option<Text>,
    /// `FlexOfferMessageID`: the `MessageID` of the offer; required in 3.0.0, and later unless the order is
    /// unsolicited.
    pub flex_offer_message_id: Option<MessageId>,
    /// `ContractID`: the contract that the order is based on.
    pub contract_id: Option<Text>,
    /// `D-PrognosisMessageID`: the `MessageID` of the D-Prognosis that is the baseline, if one is.
    pub d_prognosis_message_id: Option<MessageId>,
    /// `BaselineReference`: the baseline, if it is no D-Prognosis.
    pub baseline_reference: Option<Text>,
    /// `Price`: for all of it, at most four digits after the point.
    pub price: Amount,
    /// `Currency`: of the price.
    pub currency: Currency,
    /// `OrderReference`: what the DSO calls this order; settlement refers to it.
    pub order_reference: Text,
    /// `OptionReference`: which option of the offer.
    pub option_reference: Option<Text>,
    /// `ActivationFactor`: which part of the option; 1.00 if it is not said.
    pub activation_factor: ActivationFactor,
    /// `ISP`: the flexibility, one or more.
    pub isps: Vec<Isp>,
}

impl FlexOrder {
    /// Whether the order is based on no offer: `Unsolicited` if it is there, else whether no offer is named.
    pub fn is_unsolicited(&self) -> bool {
        self.unsolicited
            .unwrap_or(self.header.revision().unsolicited_if_unsaid && self.flex_offer_message_id.is_none())
    }
}

impl Wire for FlexOrder {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let revision = root.revision;
        let flex = FlexMessage::read(root)?;
        let unsolicited = root.optional_if(revision.unsolicited, "Unsolicited")?;
        let service_type = root.optional_if(revision.service_type_of_order, "ServiceType")?;
        let flex_offer_message_id = if revision.order_names_offer {
            Some(root.required("FlexOfferMessageID")?)
        } else {
            root.optional("FlexOfferMessageID")?
        };
        let contract_id = root.optional("ContractID")?;
        let d_prognosis_message_id = root.optional("D-PrognosisMessageID")?;
        let baseline_reference = root.optional("BaselineReference")?;
        let price = root.required("Price")?;
        let currency = root.required("Currency")?;
        let order_reference = root.required("OrderReference")?;
        let option_reference = root.optional("OptionReference")?;
        let activation_factor = root.optional("ActivationFactor")?.unwrap_or(ActivationFactor::FULL);
        root.attributes.finish()?;
        Ok(Self {
            header,
            flex,
            unsolicited,
            service_type,
            flex_offer_message_id,
            contract_id,
            d_prognosis_message_id,
            baseline_reference,
            price,
            currency,
            order_reference,
            option_reference,
            activation_factor,
            isps: root.reader.sequence(root.tag)?,
        })
    }

    fn write(&self, writer: &mut XmlWriter) {
        let revision = self.header.revision();
        writer.open("FlexOrder");
        self.header.write(writer);
        self.flex.write(writer);
        writer.optional("Unsolicited", self.unsolicited.as_ref().filter(|_| revision.unsolicited));
        writer.optional("ServiceType", self.service_type.as_ref().filter(|_| revision.service_type_of_order));
        writer.optional("FlexOfferMessageID", self.flex_offer_message_id.as_ref());
        writer.optional("ContractID", self.contract_id.as_ref());
        writer.optional("D-PrognosisMessageID", self.d_prognosis_message_id.as_ref());
        writer.optional("BaselineReference", self.baseline_reference.as_ref());
        writer.attribute("Price", &self.price);
        writer.attribute("Currency", &self.currency);
        writer.attribute("OrderReference", &self.order_reference);
        writer.optional("OptionReference", self.option_reference.as_ref());
        writer.attribute("ActivationFactor", &self.activation_factor);
        writer.close_with("FlexOrder", &self.isps, Isp::write);
    }

    fn size(&self) -> usize {
        SIZE_OF_ROOT + SIZE_OF_ISP * self.isps.len()
    }
}
