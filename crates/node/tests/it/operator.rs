//! A grid operator's node with one need, and the aggregators that it asks.

use std::net::SocketAddr;

use jiff::SignedDuration;
use tieline_types::ManualClock;
use tieline_uftp::message::{FlexOffer, FlexOrder, FlexRequest, OfferOption, Response};
use tieline_uftp::value::{ActivationFactor, DateTime, MessageId};
use tieline_uftp::{Delivery, Payload, Role, SigningKey};

use crate::daemon::{Daemon, loopback, own};
use crate::market::Party;
use crate::scene::{MORNING, POINT, at, isp};

pub(crate) const DSO: &str = "dso.example.com";

/// ISPs 45 and 46 may go down by 10 kW, 47 may go up by 5 kW, and 48 has room for either.
pub(crate) const ISPS: &str = "[
    { start = 45, duration = 2, min = -10000, max = 0 },
    { start = 47, min = 0, max = 5000 },
    { start = 48, min = -3000, max = 3000, available = true },
]";

pub(crate) struct Operator {
    pub(crate) clock: ManualClock,
    pub(crate) agr: Party,
    /// Another aggregator, that is not asked.
    pub(crate) other: Party,
    pub(crate) dso: Daemon,
}

pub(crate) fn need(aggregators: &str, isps: &str) -> String {
    format!(
        "
[[dso.need]]
reference = \"noon\"
congestion_point = \"{POINT}\"
aggregators = [{aggregators}]
period = \"2026-06-10\"
isps = {isps}
expires = \"2026-06-10T09:00:00Z\"
decide_after = \"1h\"
maximum_price = \"10.00\"
currency = \"EUR\"
"
    )
}

impl Operator {
    pub(crate) async fn new() -> Self {
        Self::asking("\"agr.example.com\"").await
    }

    pub(crate) async fn asking(aggregators: &str) -> Self {
        Self::with(aggregators, "").await
    }

    /// With more tables.
    pub(crate) async fn with(aggregators: &str, more: &str) -> Self {
        let clock = ManualClock::new(at(MORNING));
        let agr = Party::new(Role::Agr, "agr.example.com", &clock).await;
        let other = Party::new(Role::Agr, "agr2.example.com", &clock).await;
        let real_ean = "tolerances = [\"eighteen_digit_ean\"]\n";
        let peers = [agr.entry() + real_ean, other.entry() + real_ean];
        let mut config = own("DSO", DSO, SocketAddr::new(loopback(), 8080), &peers, "");
        config += &need(aggregators, ISPS);
        config += more;
        let dso = Daemon::start(config, &SigningKey::from_seed(&[2; 32]), &clock, 77).await;
        Self { clock, agr, other, dso }
    }

    /// The request that arrived.
    pub(crate) async fn request(&self) -> FlexRequest {
        request_to(&self.agr).await
    }

    pub(crate) async fn ask(&self, message: impl Into<Payload>) -> Response {
        ask_from(&self.agr, self.dso.uftp(), message).await
    }

    pub(crate) fn offer(&self, request: &FlexRequest) -> FlexOffer {
        offer_by(&self.agr, request)
    }

    pub(crate) async fn order(&self) -> FlexOrder {
        order_to(&self.agr).await
    }
}

pub(crate) async fn request_to(agr: &Party) -> FlexRequest {
    agr.mailbox
        .wait("a request", |payload| match payload {
            Payload::FlexRequest(request) => Some(request.clone()),
            _ => None,
        })
        .await
}

pub(crate) async fn order_to(agr: &Party) -> FlexOrder {
    agr.mailbox
        .wait("an order", |payload| match payload {
            Payload::FlexOrder(order) => Some(order.clone()),
            _ => None,
        })
        .await
}

pub(crate) fn orders(agr: &Party) -> Vec<FlexOrder> {
    let order = |payload| if let Payload::FlexOrder(order) = payload { Some(order) } else { None };
    agr.mailbox.payloads().into_iter().filter_map(order).collect()
}

pub(crate) async fn ask_from(agr: &Party, dso: SocketAddr, message: impl Into<Payload>) -> Response {
    let message = message.into();
    let id: MessageId = message.header().message_id;
    assert_eq!(agr.post(dso, message).await, Delivery::Delivered);
    agr.answer(id).await
}

pub(crate) fn offer_by(agr: &Party, request: &FlexRequest) -> FlexOffer {
    let mut header = agr.header(DSO);
    header.conversation_id = request.header.conversation_id;
    FlexOffer {
        header,
        flex: request.flex.clone(),
        expiration_date_time: DateTime::utc(at(MORNING) + SignedDuration::from_mins(90)),
        unsolicited: None,
        flex_request_message_id: Some(request.header.message_id),
        contract_id: None,
        d_prognosis_message_id: None,
        baseline_reference: None,
        currency: "EUR".parse().unwrap(),
        options: vec![OfferOption {
            option_reference: "all".parse().unwrap(),
            price: "4.50".parse().unwrap(),
            min_activation_factor: ActivationFactor::FULL,
            isps: vec![isp(45, 1, -10_000), isp(46, 1, 0), isp(47, 1, 5000)],
        }],
    }
}
