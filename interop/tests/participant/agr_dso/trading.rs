//! FlexRequest, FlexOffer, FlexOrder and FlexOfferRevocation.

use anyhow::Result;
use jiff::ToSpan as _;
use tieline_types::{IspDuration, Power};
use tieline_uftp::message::{FlexOffer, FlexOrder, FlexRequest};
use tieline_uftp::value::{ActivationFactor, ConversationId, MessageId};
use tieline_uftp::{MessageType, Version};

use super::draft::{
    FIRST, SECOND, amount, flex_offer, flex_order, flex_request, isp, range, revocation, text,
};
use super::{ACCEPTED, Orders, Trade, Wrong, unknown};
use crate::world::instant;

/// Until when requests can be answered.
const EXPIRES: &str = "2026-06-03T16:00:00Z";

impl Trade<'_> {
    pub(super) fn trade(&mut self, prognosis: MessageId) -> Result<Orders> {
        let request = self.request()?;
        let conversation = request.header.conversation_id;
        let [first, second, revoked] = self.offer(&request, prognosis)?;
        self.order_wrongly(&first)?;
        let ordered = [self.order(&first, "ORDER-1", ActivationFactor::FULL)?, self.order_half(&second)?];
        self.order_again(&first)?;
        self.revoke(&first, &revoked, conversation)?;
        if self.world.version >= Version::V3_1_0 {
            self.unsolicited()?;
        }
        Ok(Orders { ordered })
    }

    fn request(&mut self) -> Result<FlexRequest> {
        let request = flex_request(self.header(self.dso, None), EXPIRES);
        self.ask(self.dso, request.clone(), &ACCEPTED)?;
        let wrong: [Wrong<FlexRequest>; 12] = [
            (
                |request| request.expiration_date_time = instant("2026-06-03T07:59:00Z"),
                "ExpirationDateTime out of bounds",
            ),
            (
                |request| request.expiration_date_time = instant("2026-06-04T14:00:00Z"),
                "ExpirationDateTime out of bounds",
            ),
            (
                |request| request.isps.retain(|isp| isp.max_power == isp.min_power),
                "Lacking Requested Disposition",
            ),
            (|request| request.isps[0].max_power = Power::from_watts(1), "Requested Power discrepancy"),
            (|request| request.isps[2].min_power = Power::from_watts(1), "Power discrepancy"),
            (|request| request.isps[2].range = range((96, 2)), "ISPs out of bounds"),
            (|request| request.isps[2].range = range((56, 2)), "ISP conflict"),
            (|request| request.flex.isp_duration = IspDuration::PT30M, "ISP duration rejected"),
            (
                |request| request.flex.time_zone = "Europe/London".parse().expect("it is a zone"),
                "Time zone rejected",
            ),
            (
                |request| {
                    request.flex.congestion_point =
                        "ean.871685900012636550".parse().expect("it is an address");
                },
                "Invalid congestion point",
            ),
            (|request| request.flex.period -= 2.days(), "Period out of bounds"),
            (|request| request.contract_id = Some(text("C-9")), "Unknown reference ContractID"),
        ];
        for (change, reason) in wrong {
            let mut request = flex_request(self.header(self.dso, None), EXPIRES);
            change(&mut request);
            self.broken(self.dso, request, reason)?;
        }
        let same = flex_request(self.header(self.dso, None), EXPIRES);
        self.broken(self.dso, same, "An identical FlexRequest was sent before")?;
        let older = flex_request(self.header(self.dso, Some(request.header.conversation_id)), EXPIRES);
        self.broken(self.dso, older, "Subordinate sequence number")?;
        let another = flex_request(self.header(self.dso, None), "2026-06-03T15:00:00Z");
        self.turned_down(self.dso, another)?;
        Ok(request)
    }

    /// Three offers that are accepted: two to be ordered, one to be revoked.
    fn offer(&mut self, request: &FlexRequest, prognosis: MessageId) -> Result<[FlexOffer; 3]> {
        let (own, id) = (Some(request.header.conversation_id), request.header.message_id);
        let mut make = |conversation, request, isps| {
            flex_offer(self.header(self.agr, conversation), Some(request), Some(prognosis), isps)
        };
        let offers = [
            make(own, id, isp(FIRST, -400_000)),
            make(own, id, isp(SECOND, -400_000)),
            make(own, id, isp(FIRST, -100_000)),
        ];
        let too_much = make(own, id, isp(FIRST, -400_001));
        let beside = make(own, id, isp((57, 4), 0));
        let elsewhere = make(None, id, isp(FIRST, -400_000));
        let stranger = make(own, prognosis, isp(FIRST, -400_000));
        let mut in_dollars = make(own, id, isp(FIRST, -400_000));
        in_dollars.currency = "USD".parse().expect("it is a currency");
        let mut late = make(own, id, isp(FIRST, -400_000));
        late.expiration_date_time = instant("2026-06-03T08:00:00Z");
        let mut without_baseline = make(own, id, isp(FIRST, -400_000));
        without_baseline.d_prognosis_message_id = Some(id);
        let refused = make(own, id, isp(SECOND, -200_000));

        for offer in &offers {
            self.ask(self.agr, offer.clone(), &ACCEPTED)?;
        }
        self.broken(self.agr, too_much, "Power value rejection")?;
        self.broken(self.agr, beside, "Request mismatch")?;
        self.broken(self.agr, elsewhere, &unknown(MessageType::FlexRequest))?;
        self.broken(self.agr, stranger, &unknown(MessageType::FlexRequest))?;
        self.broken(self.agr, in_dollars, "Currency USD is not agreed")?;
        self.broken(self.agr, late, "ExpirationDateTime out of bounds")?;
        self.broken(self.agr, without_baseline, &unknown(MessageType::DPrognosis))?;
        self.turned_down(self.agr, refused)?;
        Ok(offers)
    }

    fn order_of(&mut self, offer: &FlexOffer, reference: &str) -> FlexOrder {
        let header = self.header(self.dso, Some(offer.header.conversation_id));
        flex_order(header, offer.header.message_id, reference, offer)
    }

    /// Orders of an offer that are not as it was offered.
    fn order_wrongly(&mut self, offer: &FlexOffer) -> Result<()> {
        let wrong: [Wrong<FlexOrder>; 6] = [
            (|order| order.price = amount("12.51"), "Price mismatch"),
            (|order| order.isps[0].power = Power::from_watts(-399_999), "Power mismatch"),
            (|order| order.isps[0].range = range((41, 7)), "ISP mismatch"),
            (|order| order.option_reference = Some(text("B")), "Unknown reference OptionReference"),
            (
                |order| order.flex_offer_message_id = Some(order.header.message_id),
                "Unknown reference FlexOfferMessageID",
            ),
            (
                |order| {
                    order.activation_factor = ActivationFactor::from_hundredths(40).expect("it is a factor");
                    order.isps[0].power = Power::from_watts(-160_000);
                    order.price = amount("5.00");
                },
                "ActivationFactor is below MinActivationFactor",
            ),
        ];
        for (change, reason) in wrong {
            let mut order = self.order_of(offer, "ORDER-X");
            change(&mut order);
            self.broken(self.dso, order, reason)?;
        }
        // A rejected order leaves the offer as it was.
        let refused = self.order_of(offer, "ORDER-0");
        self.turned_down(self.dso, refused)
    }

    fn order(&mut self, offer: &FlexOffer, reference: &str, factor: ActivationFactor) -> Result<MessageId> {
        let mut order = self.order_of(offer, reference);
        order.activation_factor = factor;
        let id = order.header.message_id;
        self.ask(self.dso, order, &ACCEPTED)?;
        Ok(id)
    }

    /// Half of an offer at half of its price.
    fn order_half(&mut self, offer: &FlexOffer) -> Result<MessageId> {
        let mut order = self.order_of(offer, "ORDER-2");
        order.activation_factor = ActivationFactor::from_hundredths(50).expect("it is a factor");
        order.isps[0].power = Power::from_watts(-200_000);
        order.price = amount("6.25");
        let id = order.header.message_id;
        self.ask(self.dso, order, &ACCEPTED)?;
        Ok(id)
    }

    /// One order per offer.
    fn order_again(&mut self, offer: &FlexOffer) -> Result<()> {
        let again = self.order_of(offer, "ORDER-3");
        self.broken(self.dso, again, "The FlexOffer has been ordered already")
    }

    fn revoke(&mut self, ordered: &FlexOffer, offer: &FlexOffer, conversation: ConversationId) -> Result<()> {
        let (id, nobodys) = (offer.header.message_id, self.world.id());
        let mut make = |offer| revocation(self.header(self.agr, Some(conversation)), offer);
        let (procured, stranger) = (make(ordered.header.message_id), make(nobodys));
        let (refused, accepted, again) = (make(id), make(id), make(id));
        self.broken(self.agr, procured, "Flexibility procured")?;
        self.broken(self.agr, stranger, &unknown(MessageType::FlexOffer))?;
        self.turned_down(self.agr, refused)?;
        self.ask(self.agr, accepted, &ACCEPTED)?;
        self.broken(self.agr, again, "Reference message revoked")?;
        let order = self.order_of(offer, "ORDER-4");
        self.broken(self.dso, order, "Reference message revoked")
    }

    /// From 3.1.0 on: an offer without a request and an order without an offer, of a day that is not settled.
    fn unsolicited(&mut self) -> Result<()> {
        let mut offer = flex_offer(self.header(self.agr, None), None, None, isp(FIRST, -50_000));
        offer.unsolicited = Some(true);
        offer.flex.period += 1.days();
        self.ask(self.agr, offer.clone(), &ACCEPTED)?;
        let mut order = self.order_of(&offer, "ORDER-5");
        order.header = self.header(self.dso, None);
        order.unsolicited = Some(true);
        order.flex_offer_message_id = None;
        order.option_reference = None;
        order.service_type = Some(text("fast"));
        self.ask(self.dso, order, &ACCEPTED).map(drop)
    }

    /// What is too late: an offer for a request that has expired, and an order of an offer that has.
    pub(super) fn expire(&mut self) -> Result<()> {
        let soon = "2026-06-03T08:30:00Z";
        let request = flex_request(self.header(self.dso, None), soon);
        self.ask(self.dso, request.clone(), &ACCEPTED)?;
        let (own, id) = (Some(request.header.conversation_id), Some(request.header.message_id));
        let mut offer = flex_offer(self.header(self.agr, own), id, None, isp(SECOND, -100_000));
        offer.expiration_date_time = instant(soon);
        self.ask(self.agr, offer.clone(), &ACCEPTED)?;

        self.at("2026-06-03T09:00:00Z")?;
        let late = flex_offer(self.header(self.agr, own), id, None, isp(SECOND, -50_000));
        self.broken(self.agr, late, "Reference message expired")?;
        let order = self.order_of(&offer, "ORDER-6");
        self.broken(self.dso, order, "Reference message expired")
    }
}
