//! The recorded messages of library-python, and those that are bad on purpose.

use tieline_uftp::message::*;
use tieline_uftp::{Fate, Payload, RejectionReason, Role, Tolerance, concerns, parse};

use super::{R, Scene, instant, participant, recorded, text, watts};
use crate::fixtures::{names, read};

/// Before the switch days that some of them are about.
const NOW: &str = "2026-03-28T12:00:00Z";

/// What was agreed when they were recorded.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.now = instant(NOW);
    scene.terms.unsolicited_orders = true;
    let contract = tieline_uftp::rules::ContractTerms { reserved: watts(-500_000), deadline: None };
    scene.terms.contracts = Some([(text("C-1"), contract)].into());
    scene
}

#[test]
fn a_conversation_breaks_no_rule() {
    let mut scene = scene();
    let mut right = Vec::new();
    let mut next = |scene: &mut Scene, name: &str, message: Payload, fate| {
        assert_eq!(scene.received(message.clone()), [], "{name}, received");
        assert_eq!(scene.sent(message.clone()), [], "{name}, sent");
        scene.before(message, fate);
        right.push(name.to_owned());
    };
    macro_rules! next {
        ($($name:literal: $type:ty),+ $(,)?) => {
            $(next(&mut scene, $name, recorded::<$type>($name).into(), Fate::Accepted);)+
        };
    }
    next! {
        "TestMessage-AGR-DSO": TestMessage, "TestMessageResponse-DSO-AGR": TestMessageResponse,
        "TestMessage-DSO-AGR": TestMessage, "TestMessageResponse-AGR-DSO": TestMessageResponse,
        "FlexReservationUpdate": FlexReservationUpdate,
        "FlexReservationUpdateResponse": FlexReservationUpdateResponse,
        "D-Prognosis": DPrognosis, "FlexRequest": FlexRequest, "FlexRequestResponse": FlexRequestResponse,
        "FlexRequest-dst-autumn-100": FlexRequest, "FlexRequest-dst-spring-92": FlexRequest,
        "FlexOffer": FlexOffer, "FlexOfferResponse": FlexOfferResponse, "FlexOffer-unsolicited": FlexOffer,
        "FlexOrder": FlexOrder, "FlexOrderResponse": FlexOrderResponse, "FlexOrder-unsolicited": FlexOrder,
        "D-PrognosisResponse": DPrognosisResponse,
    }
    // What is reported and settled afterwards.
    scene.now = instant("2026-07-01T12:00:00Z");
    // It has only the first hour.
    scene.terms.metering.every_isp = false;
    next! { "Metering-ean18": Metering, "MeteringResponse": MeteringResponse, "Metering-ean16": Metering }
    // One of its statuses is of an order that the recorded settlement does not have; and the order without an offer is to be
    // in it as well.
    let mut settlement: FlexSettlement = recorded("FlexSettlement");
    for reference in ["ORD-2", "ORD-3"] {
        let item =
            FlexOrderSettlement { order_reference: Some(text(reference)), ..settlement.orders[0].clone() };
        settlement.orders.push(item);
    }
    let mut order: FlexOrder = recorded("FlexOrder-unsolicited");
    order.header.message_id = super::message_id(1);
    order.order_reference = text("ORD-2");
    scene.before(order, Fate::Accepted);
    next(&mut scene, "FlexSettlement", settlement.into(), Fate::Accepted);
    let answer: FlexSettlementResponse = recorded("FlexSettlementResponse");
    next(&mut scene, "FlexSettlementResponse", answer.into(), Fate::Accepted);
    assert_eq!(right.len(), 23);
}

/// What can't be in the same conversation as the others: other answers and orders, and requests with the same revision.
#[test]
fn variants_break_no_rule_in_their_place() {
    let request = |scene: &mut Scene, fate| scene.before(recorded::<FlexRequest>("FlexRequest"), fate);
    let offered = |scene: &mut Scene| {
        scene.before(recorded::<FlexOffer>("FlexOffer"), Fate::Accepted);
    };
    let both = |scene: &Scene, message: Payload| {
        assert_eq!(scene.received(message.clone()), [], "{}", message.message_type());
        assert_eq!(scene.sent(message), []);
    };
    both(&scene(), recorded::<FlexRequest>("FlexRequest-96isp").into());
    both(&scene(), recorded::<FlexRequest>("FlexRequest-v3.0.0").into());
    let mut rejected = scene();
    request(&mut rejected, Fate::Open);
    both(&rejected, recorded::<FlexRequestResponse>("FlexRequestResponse-rejected").into());
    let mut ordered = scene();
    offered(&mut ordered);
    both(&ordered, recorded::<FlexOrder>("FlexOrder-partial").into());
    both(&ordered, recorded::<FlexOfferRevocation>("FlexOfferRevocation").into());
    ordered.before(recorded::<FlexOfferRevocation>("FlexOfferRevocation"), Fate::Open);
    both(&ordered, recorded::<FlexOfferRevocationResponse>("FlexOfferRevocationResponse").into());
    both(&ordered, recorded::<TestMessage>("TestMessage-AGR-CRO").into());
    both(&ordered, recorded::<TestMessageResponse>("TestMessageResponse-CRO-AGR").into());
}

/// A Metering message with the first hour alone is not whole, which is what is agreed where nothing else is.
#[test]
fn the_recorded_metering_lacks_isps() {
    let mut scene = scene();
    scene.now = instant("2026-06-05T00:00:00Z");
    assert_eq!(scene.received(recorded::<Metering>("Metering-ean18")), [R::LackingIsps]);
}

#[test]
fn what_is_functionally_wrong_gets_the_reason_of_the_standard() {
    let expected: serde_json::Value = serde_json::from_slice(&read("negative", "expected.json")).unwrap();
    let mut seen = 0;
    for name in names("negative").into_iter().filter(|name| name.starts_with("func-")) {
        let entry = expected.as_array().unwrap().iter().find(|entry| entry["name"] == *name).unwrap();
        // «Rejected 'Time zone rejected' / 'Other spelling'»
        let told: Vec<&str> = entry["spec"].as_str().unwrap().split('\'').skip(1).step_by(2).collect();
        let payload = parse(&read("negative", &format!("{name}.xml")), &Tolerance::STRICT).unwrap();
        let mut scene = scene();
        if name == "func-duplicate-id-other-content" {
            scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Accepted);
        }
        let own = [participant("agr.example.com")];
        let dso = participant("dso.example.com");
        assert_eq!(dso.role, Role::Dso);
        let mut reasons = concerns(&payload, &dso, &own, &Tolerance::STRICT);
        reasons.extend(scene.received(payload.clone()));
        let wanted = match name.as_str() {
            // The standard has no text for it.
            "func-version-9.9.9" => RejectionReason::UnsupportedVersion("9.9.9".parse().unwrap()),
            _ => RejectionReason::recognise(told[0]),
        };
        assert!(!matches!(wanted, RejectionReason::Other(_)), "{name}: {told:?}");
        assert_eq!(reasons, [wanted], "{name}");
        seen += 1;
    }
    assert_eq!(seen, 9);
}
