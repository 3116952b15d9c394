//! Whatever is exchanged, the rules come to an end, and say each thing once.

use proptest::prelude::*;
use tieline_types::Domain;
use tieline_uftp::message::{FlexMessage, FlexSettlement, Metering};
use tieline_uftp::rules::{SettlementTerms, acceptance, check};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Direction, Exchanged, Fate, Header, MemoryHistory, Payload};

use super::{PERIOD, amsterdam, at_once, conversation, instant, message_id, participant, text};
use crate::round_trip::payload;

/// Makes messages meet: few identifiers, one conversation, one point and one day.
fn bent() -> impl Strategy<Value = Payload> {
    (payload(), 0_u128..6, 0_u128..6, any::<bool>()).prop_map(|(mut payload, own, other, window)| {
        let (own, other) = (message_id(own), message_id(other));
        refer(&mut payload, other);
        if window {
            settle(&mut payload);
        }
        let (sender, recipient) = parties(&payload);
        let header = header(&mut payload);
        header.message_id = own;
        header.conversation_id = conversation(1);
        (header.sender_domain, header.recipient_domain) = (sender, recipient);
        payload
    })
}

fn parties(payload: &Payload) -> (Domain, Domain) {
    let pairs =
        [("agr", "dso"), ("dso", "agr"), ("agr", "cro"), ("cro", "agr"), ("dso", "cro"), ("cro", "dso")];
    let domains = pairs.map(|(from, to)| (format!("{from}.example.com"), format!("{to}.example.com")));
    let may_go = |(from, to): &&(String, String)| {
        payload.message_type().may_go(participant(from).role, participant(to).role)
    };
    let (from, to) = domains.iter().find(may_go).unwrap();
    (from.parse().unwrap(), to.parse().unwrap())
}

fn refer(payload: &mut Payload, id: MessageId) {
    match payload {
        Payload::FlexOffer(offer) => {
            offer.flex_request_message_id = offer.flex_request_message_id.map(|_| id);
            offer.d_prognosis_message_id = offer.d_prognosis_message_id.map(|_| id);
            for option in &mut offer.options {
                option.option_reference = text("A");
            }
        }
        Payload::FlexOrder(order) => {
            order.flex_offer_message_id = order.flex_offer_message_id.map(|_| id);
            order.d_prognosis_message_id = order.d_prognosis_message_id.map(|_| id);
            order.option_reference = None;
            order.order_reference = text("A");
        }
        Payload::FlexSettlement(settlement) => {
            for item in &mut settlement.orders {
                item.order_reference = Some(text("A"));
                item.d_prognosis_message_id = Some(id);
            }
        }
        Payload::FlexOfferRevocation(revocation) => revocation.flex_offer_message_id = id,
        Payload::DPrognosisResponse(answer) => answer.d_prognosis_message_id = id,
        Payload::FlexRequestResponse(answer) => answer.flex_request_message_id = id,
        Payload::FlexOfferResponse(answer) => answer.flex_offer_message_id = id,
        Payload::FlexOrderResponse(answer) => answer.flex_order_message_id = id,
        Payload::FlexSettlementResponse(answer) => answer.flex_settlement_message_id = id,
        Payload::MeteringResponse(answer) => answer.metering_message_id = id,
        _ => {}
    }
}

/// To the market's day and point.
fn settle(payload: &mut Payload) {
    let bend = |flex: &mut FlexMessage| {
        flex.isp_duration = amsterdam().calendar.isp_duration();
        flex.time_zone = "Europe/Amsterdam".parse().unwrap();
        flex.period = PERIOD;
        flex.congestion_point = "ean.871685900012636543".parse().unwrap();
    };
    match payload {
        Payload::DPrognosis(message) => bend(&mut message.flex),
        Payload::FlexRequest(message) => bend(&mut message.flex),
        Payload::FlexOffer(message) => bend(&mut message.flex),
        Payload::FlexOrder(message) => bend(&mut message.flex),
        Payload::FlexReservationUpdate(message) => bend(&mut message.flex),
        Payload::FlexSettlement(FlexSettlement { period_start, period_end, orders, .. }) => {
            (*period_start, *period_end) = (PERIOD, PERIOD);
            for item in orders {
                item.period = PERIOD;
                item.congestion_point = "ean.871685900012636543".parse().unwrap();
            }
        }
        Payload::Metering(Metering { period, isp_duration, time_zone, .. }) => {
            *period = PERIOD;
            *isp_duration = amsterdam().calendar.isp_duration();
            *time_zone = "Europe/Amsterdam".parse().unwrap();
        }
        _ => {}
    }
}

fn header(payload: &mut Payload) -> &mut Header {
    macro_rules! header {
        ($($name:ident)+) => {
            match payload {
                $(Payload::$name(message) => &mut message.header,)+
                other => panic!("no {} is made", other.message_type()),
            }
        };
    }
    header!(
        TestMessage TestMessageResponse AgrPortfolioUpdate AgrPortfolioUpdateResponse AgrPortfolioQuery
        AgrPortfolioQueryResponse DsoPortfolioUpdate DsoPortfolioUpdateResponse DsoPortfolioQuery
        DsoPortfolioQueryResponse DPrognosis DPrognosisResponse FlexRequest FlexRequestResponse FlexOffer
        FlexOfferResponse FlexOfferRevocation FlexOfferRevocationResponse FlexOrder FlexOrderResponse
        FlexReservationUpdate FlexReservationUpdateResponse FlexSettlement FlexSettlementResponse Metering
        MeteringResponse
    )
}

fn fate() -> impl Strategy<Value = Fate> {
    prop::sample::select(vec![Fate::Open, Fate::Accepted, Fate::Rejected])
}

proptest! {
    #[test]
    fn the_rules_come_to_an_end(
        past in prop::collection::vec((bent(), fate()), 0..8),
        payload in bent(),
        second in -60_000_000_i64..60_000_000,
        priced in any::<bool>(),
    ) {
        let mut terms = amsterdam();
        terms.unsolicited_orders = true;
        let penalty_per_megawatt_hour = rust_decimal::Decimal::MAX;
        terms.settlement = priced.then_some(SettlementTerms { penalty_per_megawatt_hour, tolerance: 0.into() });
        let now = instant("2026-06-04T12:00:00Z") + jiff::SignedDuration::from_secs(second);
        for direction in [Direction::Received, Direction::Sent] {
            let own = if direction == Direction::Sent { payload.sender() } else { payload.recipient() };
            let other = if direction == Direction::Sent { payload.recipient() } else { payload.sender() };
            let counterparty = participant(other.as_str());
            let history = MemoryHistory::new();
            for (payload, fate) in &past {
                let direction =
                    if payload.sender() == own { Direction::Sent } else { Direction::Received };
                let at = instant("2026-06-01T00:00:00Z");
                let (payload, fate) = (payload.clone(), *fate);
                history.record(Exchanged { counterparty: counterparty.clone(), direction, at, payload, fate });
            }
            let reasons =
                at_once(check(&payload, &counterparty, direction, &terms, &history, now)).unwrap();
            prop_assert!(reasons.is_sorted_by(|one, next| one < next), "{reasons:?}");
            at_once(acceptance(&payload, &counterparty, &terms, &history, now)).unwrap();
        }
    }
}
