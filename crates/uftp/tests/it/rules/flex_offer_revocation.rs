use jiff::SignedDuration;
use tieline_uftp::Fate;
use tieline_uftp::message::{FlexOfferRevocation, FlexOrder};

use super::flex_offer::offer;
use super::{R, Scene, conversation, each, instant, isps, message_id, recorded, unknown};

fn revocation() -> FlexOfferRevocation {
    recorded("FlexOfferRevocation")
}

fn known() -> Scene {
    let mut scene = Scene::new();
    scene.before(offer(), Fate::Accepted);
    scene
}

#[test]
fn an_agr_takes_back_its_own_offer() {
    each(
        &revocation(),
        known,
        vec![
            (
                "an unknown one",
                |_, m| m.flex_offer_message_id = message_id(1),
                vec![unknown("FlexOfferMessageID")],
            ),
            (
                "the other side's message",
                |s, m| {
                    let order: FlexOrder = recorded("FlexOrder");
                    m.flex_offer_message_id = order.header.message_id;
                    s.before(order, Fate::Rejected);
                },
                vec![unknown("FlexOfferMessageID")],
            ),
            ("in another conversation", |_, m| m.header.conversation_id = conversation(1), vec![]),
            ("long expired", |s, _| s.now = instant("2026-06-03T20:00:00Z"), vec![]),
            (
                "again",
                |s, m| {
                    s.before(m.clone(), Fate::Accepted);
                    m.header.message_id = message_id(1);
                },
                vec![R::ReferenceMessageRevoked],
            ),
            (
                "again, after a rejection",
                |s, m| {
                    s.before(m.clone(), Fate::Rejected);
                    m.header.message_id = message_id(1);
                },
                vec![],
            ),
            (
                "procured",
                |s, _| s.before(recorded::<FlexOrder>("FlexOrder"), Fate::Accepted),
                vec![R::FlexibilityProcured],
            ),
            (
                "a rejected order procures nothing",
                |s, _| s.before(recorded::<FlexOrder>("FlexOrder"), Fate::Rejected),
                vec![],
            ),
            (
                "an order that crosses it does not stop it",
                |s, _| s.before(recorded::<FlexOrder>("FlexOrder"), Fate::Open),
                vec![],
            ),
        ],
    );
}

#[test]
fn only_an_accepted_offer_is_taken_back() {
    let with = |fate| {
        let mut scene = Scene::new();
        scene.before(offer(), fate);
        assert_eq!(scene.sent(revocation()), scene.received(revocation()));
        scene.received(revocation())
    };
    assert_eq!(with(Fate::Open), [R::other("The FlexOffer has not been accepted")]);
    assert_eq!(with(Fate::Rejected), [unknown("FlexOfferMessageID")]);
}

#[test]
fn not_once_one_of_its_isps_is_operating() {
    let operating = || vec![R::other("An ISP of the FlexOffer is in the operate phase or past it")];
    let at = |now| {
        let mut scene = Scene::new();
        let mut offer = offer();
        // The first ISP is in the second option.
        offer.options[1].isps.push(isps(40, 1, 0));
        scene.before(offer, Fate::Accepted);
        scene.now = now;
        scene.received(revocation())
    };
    let start = instant("2026-06-04T07:45:00Z");
    assert_eq!(at(start - SignedDuration::from_nanos(1)), []);
    assert_eq!(at(start), operating());
    assert_eq!(at(instant("2026-06-05T00:00:00Z")), operating(), "past it");
}
