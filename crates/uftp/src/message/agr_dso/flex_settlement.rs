//! `FlexSettlement`: DSO to AGR.

use jiff::civil::Date;
use tieline_types::{Amount, Currency, EntityAddress, IspRange, Power};

use super::ContractSettlement;
use super::isp::{SIZE_OF_ISP, read_range, write_range};
use crate::Header;
use crate::message::{Response, Root, SIZE_OF_ROOT, Wire};
use crate::value::MessageId;
use crate::xml::{Child, ParseError, ParseErrorKind, Tag, Text, XmlReader, XmlWriter};

/// What a DSO makes of the orders of a period: what was delivered of each, and what it pays.
///
/// The schema derives this request from the base of the answers, so that it has a `Result` itself; write
/// [`Response::ACCEPTED`]. It also demands at least one element of both kinds, where the text has none or more: a
/// settlement without contracts is valid only with an element that settles nothing, such as
/// [`ContractSettlement::nothing_reserved`].
/// [`Tolerance::absent_settlement_elements`](crate::Tolerance::absent_settlement_elements) says who may leave them out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexSettlement {
    /// The attributes of every message.
    pub header: Header,
    /// `Result` and `RejectionReason`, which say nothing here.
    pub response: Response,
    /// `PeriodStart`: the first day that is settled.
    pub period_start: Date,
    /// `PeriodEnd`: the last day that is settled.
    pub period_end: Date,
    /// `Currency`: of all amounts.
    pub currency: Currency,
    /// `FlexOrderSettlement`: every order of the period.
    pub orders: Vec<FlexOrderSettlement>,
    /// `ContractSettlement`: what was reserved by bilateral contracts.
    pub contracts: Vec<ContractSettlement>,
}

/// The settlement of one order (`FlexOrderSettlementType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlexOrderSettlement {
    /// `OrderReference`: the number that the DSO gave the order.
    pub order_reference: Option<Text>,
    /// `Period`: the local day of the order.
    pub period: Date,
    /// `ContractID`: the contract that the order was linked to.
    pub contract_id: Option<Text>,
    /// `D-PrognosisMessageID`: the `MessageID` of the D-Prognosis that is the baseline, if one is.
    pub d_prognosis_message_id: Option<MessageId>,
    /// `BaselineReference`: the baseline, if it is no D-Prognosis.
    pub baseline_reference: Option<Text>,
    /// `CongestionPoint`: the point that the order was for.
    pub congestion_point: EntityAddress,
    /// `Price`: what the FlexOrder says for all that was ordered.
    pub price: Amount,
    /// `Penalty`: what is kept back of the price, and asked on top; 0 if it is not said.
    pub penalty: Amount,
    /// `NetSettlement`: the price less the penalty.
    pub net_settlement: Amount,
    /// `ISP`: the ISPs of the order, one or more.
    pub isps: Vec<FlexOrderSettlementIsp>,
}

/// What was ordered and delivered in a run of ISPs (`FlexOrderSettlementISPType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlexOrderSettlementIsp {
    /// `Start` and `Duration`: the first ISP, from 1, and how many.
    pub range: IspRange,
    /// `BaselinePower`: as forecast, in watts.
    pub baseline: Power,
    /// `OrderedFlexPower`: the ordered change in watts, negative for a reduction.
    pub ordered: Power,
    /// `ActualPower`: as measured, in watts.
    pub actual: Power,
    /// `DeliveredFlexPower`: the delivered part of the ordered change, in watts, with its sign.
    pub delivered: Power,
    /// `PowerDeficiency`: by how much the ordered power was missed, in watts, never negative; 0 if it is not said.
    pub deficiency: Power,
}

impl Wire for FlexSettlement {
    fn read(header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
        let response =
            if root.revision.result_of_settlement { Response::read(root)? } else { Response::ACCEPTED };
        let period_start = root.required("PeriodStart")?;
        let period_end = root.required("PeriodEnd")?;
        let currency = root.required("Currency")?;
        root.attributes.finish()?;
        let (orders, contracts) =
            root.reader.two_lists::<FlexOrderSettlement, ContractSettlement>(root.tag)?;
        if !root.reader.tolerance().absent_settlement_elements {
            let absent = [
                (FlexOrderSettlement::NAME, orders.is_empty()),
                (ContractSettlement::NAME, contracts.is_empty()),
            ];
            if let Some((name, _)) = absent.into_iter().find(|(_, absent)| *absent) {
                return Err(root.tag.error(ParseErrorKind::MissingElement(name)));
            }
        }
        Ok(Self { header, response, period_start, period_end, currency, orders, contracts })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexSettlement");
        self.header.write(writer);
        if self.header.revision().result_of_settlement {
            self.response.write(writer);
        }
        writer.attribute("PeriodStart", &self.period_start);
        writer.attribute("PeriodEnd", &self.period_end);
        writer.attribute("Currency", &self.currency);
        writer.close_with_two(
            "FlexSettlement",
            (&self.orders, FlexOrderSettlement::write),
            (&self.contracts, ContractSettlement::write),
        );
    }

    fn size(&self) -> usize {
        let orders = self.orders.iter().map(|order| 4 * SIZE_OF_ISP + 2 * SIZE_OF_ISP * order.isps.len());
        SIZE_OF_ROOT + orders.sum::<usize>() + 3 * SIZE_OF_ISP * self.contracts.len()
    }
}

impl FlexOrderSettlement {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("FlexOrderSettlement");
        writer.optional("OrderReference", self.order_reference.as_ref());
        writer.attribute("Period", &self.period);
        writer.optional("ContractID", self.contract_id.as_ref());
        writer.optional("D-PrognosisMessageID", self.d_prognosis_message_id.as_ref());
        writer.optional("BaselineReference", self.baseline_reference.as_ref());
        writer.attribute("CongestionPoint", &self.congestion_point);
        writer.attribute("Price", &self.price);
        writer.attribute("Penalty", &self.penalty);
        writer.attribute("NetSettlement", &self.net_settlement);
        writer.close_with("FlexOrderSettlement", &self.isps, FlexOrderSettlementIsp::write);
    }
}

impl Child for FlexOrderSettlement {
    const NAME: &'static str = "FlexOrderSettlement";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let order_reference = attributes.optional("OrderReference")?;
        let period = attributes.required("Period")?;
        let contract_id = attributes.optional("ContractID")?;
        let d_prognosis_message_id = attributes.optional("D-PrognosisMessageID")?;
        let baseline_reference = attributes.optional("BaselineReference")?;
        let congestion_point = attributes.required("CongestionPoint")?;
        let price = attributes.required("Price")?;
        let penalty = attributes.optional("Penalty")?.unwrap_or(Amount::ZERO);
        let net_settlement = attributes.required("NetSettlement")?;
        attributes.finish()?;
        Ok(Self {
            order_reference,
            period,
            contract_id,
            d_prognosis_message_id,
            baseline_reference,
            congestion_point,
            price,
            penalty,
            net_settlement,
            isps: reader.sequence(tag)?,
        })
    }
}

impl FlexOrderSettlementIsp {
    fn write(&self, writer: &mut XmlWriter) {
        writer.open("ISP");
        write_range(self.range, writer);
        writer.attribute("BaselinePower", &self.baseline);
        writer.attribute("OrderedFlexPower", &self.ordered);
        writer.attribute("ActualPower", &self.actual);
        writer.attribute("DeliveredFlexPower", &self.delivered);
        writer.attribute("PowerDeficiency", &self.deficiency);
        writer.close_empty();
    }
}

impl Child for FlexOrderSettlementIsp {
    const NAME: &'static str = "ISP";

    fn read(tag: &Tag<'_>, reader: &mut XmlReader<'_>) -> Result<Self, ParseError> {
        let mut attributes = reader.attributes(tag)?;
        let isp = Self {
            range: read_range(tag, &mut attributes)?,
            baseline: attributes.required("BaselinePower")?,
            ordered: attributes.required("OrderedFlexPower")?,
            actual: attributes.required("ActualPower")?,
            delivered: attributes.required("DeliveredFlexPower")?,
            deficiency: attributes.optional("PowerDeficiency")?.unwrap_or(Power::ZERO),
        };
        attributes.finish()?;
        reader.no_children(tag)?;
        Ok(isp)
    }
}
