//! An aggregator's node between two grid operators and its chargers, on a morning in June.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use tieline_ocpp::Version;
use tieline_types::{Clock as _, IspRange, ManualClock, Power};
use tieline_uftp::message::{
    Disposition, FlexMessage, FlexOffer, FlexOrder, FlexRequest, FlexRequestIsp, Isp, Response,
};
use tieline_uftp::value::{ActivationFactor, ConversationId, DateTime};
use tieline_uftp::{Delivery, Header, Payload, Role, SigningKey};

use crate::charger::Charger;
use crate::daemon::{Daemon, loopback, own};
use crate::market::Party;

pub(crate) const AGR: &str = "agr.example.com";
pub(crate) const POINT: &str = "ean.871685900012345678";
pub(crate) const CONNECTION: &str = "ean.871685900012345001";

/// 10:00 in Amsterdam, the start of ISP 41.
pub(crate) const MORNING: &str = "2026-06-10T08:00:00Z";

/// What CP-1 draws when nobody limits it: 3 × 230 V × 32 A, in watts.
pub(crate) const FULL: i64 = 22_080;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn watts(limit: i64) -> Decimal {
    Decimal::from(limit)
}

/// The tables `[agr]` and `[ocpp]`, with chargers of 1.6 (CP-1 in W, CP-2 in A), 2.0.1 (CP-3) and 2.1 (CP-4).
pub(crate) fn fleet(ocpp: SocketAddr, plan_ahead: &str) -> String {
    let mut text = format!(
        "
[agr]
currency = \"EUR\"
price_per_mwh = \"85.00\"
plan_ahead = \"{plan_ahead}\"
plan_delay = \"0s\"

[[agr.congestion_point]]
entity_address = \"{POINT}\"

[[agr.connection]]
entity_address = \"{CONNECTION}\"
congestion_point = \"{POINT}\"

[ocpp]
listen = \"{ocpp}\"
plaintext = true
id_tokens = \"any\"
"
    );
    for (identity, phases, unit) in [("CP-1", 3, "W"), ("CP-2", 1, "A"), ("CP-3", 3, "W"), ("CP-4", 3, "W")] {
        text += &charger_of(identity, phases, unit);
    }
    text
}

/// One charger in the configuration, of 32 A.
pub(crate) fn charger_of(identity: &str, phases: u8, unit: &str) -> String {
    format!(
        "
[[ocpp.charger]]
identity = \"{identity}\"
connection = \"{CONNECTION}\"
phases = {phases}
maximum_current = 32
unit = \"{unit}\"
"
    )
}

pub(crate) struct Scene {
    pub(crate) clock: ManualClock,
    pub(crate) dso: Party,
    /// Another grid operator that the aggregator knows.
    pub(crate) other: Party,
    pub(crate) agr: Daemon,
    /// How many requests were made.
    requests: AtomicI64,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With more keys in the table `[uftp]`.
    pub(crate) async fn with(uftp: &str) -> Self {
        Self::starting(MORNING, uftp, "").await
    }

    pub(crate) async fn starting(now: &str, uftp: &str, charger: &str) -> Self {
        let fleet = |listen| fleet(listen, "30m") + charger;
        Self::with_fleet(now, uftp, fleet).await
    }

    /// In front of another CSMS.
    pub(crate) async fn behind(csms: SocketAddr) -> Self {
        let proxy = format!("proxy = {{ csms = \"ws://{csms}/ocpp\", plaintext = true }}");
        let fleet = |listen| fleet(listen, "30m").replacen("id_tokens = \"any\"", &proxy, 1);
        Self::with_fleet(MORNING, "", fleet).await
    }

    pub(crate) async fn with_fleet(now: &str, uftp: &str, fleet: impl FnOnce(SocketAddr) -> String) -> Self {
        let clock = ManualClock::new(at(now));
        let dso = Party::new(Role::Dso, "dso.example.com", &clock).await;
        let other = Party::new(Role::Dso, "other.example.com", &clock).await;
        let ip = loopback();
        let peers = [dso.entry(), other.entry()];
        let mut config = own("AGR", AGR, SocketAddr::new(ip, 8081), &peers, uftp);
        config += &fleet(SocketAddr::new(ip, 9000));
        let key = SigningKey::from_seed(&[1; 32]);
        let agr = Daemon::start(config, &key, &clock, 99).await;
        Self { clock, dso, other, agr, requests: AtomicI64::new(0) }
    }

    /// An aggregator that tells the grid operator what it expects and what it measured, and expects 30 kW all day.
    pub(crate) async fn reporting(now: &str, more: &str) -> Self {
        Self::expecting(now, more, Some("time,watts\n00:00,30000\n")).await
    }

    pub(crate) async fn expecting(now: &str, more: &str, load: Option<&str>) -> Self {
        let clock = ManualClock::new(at(now));
        let dso = Party::new(Role::Dso, "dso.example.com", &clock).await;
        let other = Party::new(Role::Dso, "other.example.com", &clock).await;
        let ip = loopback();
        let mut config = own("AGR", AGR, SocketAddr::new(ip, 8081), &[dso.entry(), other.entry()], "");
        config += &reported(&fleet(SocketAddr::new(ip, 9000), "30m"), load.is_some());
        config += more;
        let files: Vec<(&str, &str)> = load.map(|load| ("load.csv", load)).into_iter().collect();
        let key = SigningKey::from_seed(&[1; 32]);
        let agr = Daemon::start_beside(config, &key, &clock, 99, &files).await;
        Self { clock, dso, other, agr, requests: AtomicI64::new(0) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// CP-1 connected, with a car that charges.
    pub(crate) async fn charging(&self) -> (Charger, String) {
        let charger = Charger::connect(self.agr.ocpp(), "CP-1", Version::V1_6).await;
        let transaction = charger.charge(self.now()).await;
        (charger, transaction)
    }

    /// A request for up to 10 kW less from 11:00 to 12:00.
    pub(crate) fn request(&self) -> FlexRequest {
        let flex = flex("2026-06-10".parse().unwrap());
        self.request_of(flex, at("2026-06-10T09:00:00Z"), vec![wanted(45, 4, -10_000, 0)])
    }

    pub(crate) fn request_of(
        &self,
        flex: FlexMessage,
        expires: Timestamp,
        isps: Vec<FlexRequestIsp>,
    ) -> FlexRequest {
        // Two requests for one day must differ in something.
        let earlier = jiff::SignedDuration::from_nanos(self.requests.fetch_add(1, Ordering::Relaxed));
        FlexRequest {
            header: self.dso.header(AGR),
            flex,
            revision: 1,
            expiration_date_time: DateTime::utc(expires - earlier),
            contract_id: None,
            service_type: None,
            isps,
        }
    }

    /// Posts and waits for the answer.
    pub(crate) async fn ask(&self, message: impl Into<Payload>) -> Response {
        let message = message.into();
        let id = message.header().message_id;
        assert_eq!(self.dso.post(self.agr.uftp(), message).await, Delivery::Delivered);
        self.dso.answer(id).await
    }

    /// Posts a request, waits for the offer on it and accepts it.
    pub(crate) async fn offer(&self, request: FlexRequest) -> FlexOffer {
        let conversation = request.header.conversation_id;
        let answer = self.ask(request).await;
        assert!(answer.is_accepted(), "{answer:?}");
        self.offer_in(conversation).await
    }

    pub(crate) async fn offer_in(&self, conversation: ConversationId) -> FlexOffer {
        self.dso
            .mailbox
            .wait("an offer", |payload| match payload {
                Payload::FlexOffer(offer) if offer.header.conversation_id == conversation => {
                    Some(offer.clone())
                }
                _ => None,
            })
            .await
    }

    /// The order that takes up the first option of an offer as it is.
    pub(crate) fn order(&self, offer: &FlexOffer) -> FlexOrder {
        order_by(&self.dso, offer)
    }

    /// Request, offer and order of 10 kW less from 11:00 to 12:00.
    pub(crate) async fn ordered(&self) -> FlexOrder {
        let offer = self.offer(self.request()).await;
        let order = self.order(&offer);
        let answer = self.ask(order.clone()).await;
        assert!(answer.is_accepted(), "{answer:?}");
        order
    }
}

/// The tables of a fleet, with a grid operator for its congestion point.
pub(crate) fn reported(fleet: &str, with_load: bool) -> String {
    let point = format!("[[agr.congestion_point]]\nentity_address = \"{POINT}\"\n");
    assert!(fleet.contains(&point));
    let load = if with_load { "expected_load = \"load.csv\"\n" } else { "" };
    fleet.replacen(&point, &format!("{point}dso = \"dso.example.com\"\n{load}"), 1)
}

pub(crate) fn order_by(dso: &Party, offer: &FlexOffer) -> FlexOrder {
    let mut header = dso.header(AGR);
    header.conversation_id = offer.header.conversation_id;
    FlexOrder { order_reference: "order-1".parse().unwrap(), ..order_of(offer, header) }
}

/// The first option of an offer, ordered whole. The reference is the identifier of the message.
pub(crate) fn order_of(offer: &FlexOffer, header: Header) -> FlexOrder {
    let option = &offer.options[0];
    FlexOrder {
        flex: offer.flex.clone(),
        unsolicited: None,
        service_type: None,
        flex_offer_message_id: Some(offer.header.message_id),
        contract_id: None,
        d_prognosis_message_id: None,
        baseline_reference: None,
        price: option.price,
        currency: offer.currency,
        order_reference: header.message_id.to_string().parse().unwrap(),
        option_reference: Some(option.option_reference.clone()),
        activation_factor: ActivationFactor::FULL,
        isps: option.isps.clone(),
        header,
    }
}

pub(crate) fn flex(period: Date) -> FlexMessage {
    FlexMessage {
        isp_duration: "PT15M".parse().unwrap(),
        time_zone: "Europe/Amsterdam".parse().unwrap(),
        period,
        congestion_point: POINT.parse().unwrap(),
    }
}

pub(crate) fn range(start: u16, duration: u16) -> IspRange {
    IspRange::from_numbers(start, duration).unwrap()
}

pub(crate) fn isp(start: u16, duration: u16, power: i64) -> Isp {
    Isp { power: Power::from_watts(power), range: range(start, duration) }
}

/// Requested, from `min` to `max` watts.
pub(crate) fn wanted(start: u16, duration: u16, min: i64, max: i64) -> FlexRequestIsp {
    FlexRequestIsp {
        disposition: Some(Disposition::Requested),
        min_power: Power::from_watts(min),
        max_power: Power::from_watts(max),
        range: range(start, duration),
    }
}

pub(crate) fn available(start: u16, duration: u16, min: i64, max: i64) -> FlexRequestIsp {
    FlexRequestIsp { disposition: Some(Disposition::Available), ..wanted(start, duration, min, max) }
}
