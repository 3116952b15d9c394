use jiff::SignedDuration;
use jiff::civil::date;
use tieline_types::Currency;
use tieline_uftp::message::{DPrognosis, FlexOffer, FlexOfferRevocation, FlexOrder};
use tieline_uftp::value::ActivationFactor;
use tieline_uftp::{Fate, Version};

use super::flex_offer::offer;
use super::{
    R, Scene, conversation, each, each_about_isps, instant, isps, message_id, recorded, text, unknown, watts,
};

/// All of the first option of [`offer`].
fn order() -> FlexOrder {
    recorded("FlexOrder")
}

fn known() -> Scene {
    let mut scene = Scene::new();
    scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Accepted);
    scene.before(offer(), Fate::Accepted);
    scene
}

fn factor(hundredths: u8) -> ActivationFactor {
    ActivationFactor::from_hundredths(hundredths).unwrap()
}

#[test]
fn it_is_about_isps_of_a_day() {
    let scene = || {
        let mut scene = Scene::new();
        scene.terms.unsolicited_orders = true;
        scene
    };
    let unsolicited: FlexOrder = recorded("FlexOrder-unsolicited");
    each_about_isps(&unsolicited, scene, |m| &mut m.flex, |m| &mut m.isps[0].range);
    each(
        &order(),
        known,
        vec![
            ("no ISP", |_, m| m.isps.clear(), vec![R::IspsOutOfBounds]),
            (
                "an ISP twice: no mismatch in addition",
                |_, m| m.isps.push(isps(48, 1, 0)),
                vec![R::IspConflict],
            ),
        ],
    );
}

#[test]
fn it_orders_an_offer_that_may_be_ordered() {
    each(
        &order(),
        known,
        vec![
            (
                "an unknown one",
                |_, m| m.flex_offer_message_id = Some(message_id(1)),
                vec![unknown("FlexOfferMessageID")],
            ),
            (
                "in another conversation",
                |_, m| m.header.conversation_id = conversation(1),
                vec![unknown("FlexOfferMessageID")],
            ),
            ("another day", |_, m| m.flex.period = date(2026, 6, 5), vec![R::ReferencePeriodMismatch]),
            (
                "another point",
                |_, m| m.flex.congestion_point = "ean.111111111111".parse().unwrap(),
                vec![R::InvalidCongestionPoint],
            ),
            ("at the last moment", |s, _| s.now = instant("2026-06-03T18:00:00Z"), vec![]),
            (
                "after it",
                |s, _| s.now = instant("2026-06-03T18:00:00Z") + SignedDuration::from_nanos(1),
                vec![R::ReferenceMessageExpired],
            ),
            (
                "one that is revoked",
                |s, _| s.before(recorded::<FlexOfferRevocation>("FlexOfferRevocation"), Fate::Accepted),
                vec![R::ReferenceMessageRevoked],
            ),
            (
                "one whose revocation is not decided: the revocation wins",
                |s, _| s.before(recorded::<FlexOfferRevocation>("FlexOfferRevocation"), Fate::Open),
                vec![R::ReferenceMessageRevoked],
            ),
            (
                "one whose revocation was rejected",
                |s, _| s.before(recorded::<FlexOfferRevocation>("FlexOfferRevocation"), Fate::Rejected),
                vec![],
            ),
            (
                "one that is ordered",
                |s, _| s.before(recorded::<FlexOrder>("FlexOrder-partial"), Fate::Accepted),
                vec![R::other("The FlexOffer has been ordered already")],
            ),
            (
                "one whose order was rejected",
                |s, _| s.before(recorded::<FlexOrder>("FlexOrder-partial"), Fate::Rejected),
                vec![],
            ),
            (
                "another contract",
                |_, m| m.contract_id = Some(text("C-2")),
                vec![R::other("ContractID is not that of the FlexOffer")],
            ),
            ("no contract", |_, m| m.contract_id = None, vec![]),
            ("an unknown one", |s, _| s.terms.contracts = Some([].into()), vec![unknown("ContractID")]),
        ],
    );
}

#[test]
fn what_is_not_decided_binds_its_sender_alone() {
    let with = |offer_fate, order_fate: Option<Fate>| {
        let mut scene = Scene::new();
        scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Accepted);
        scene.before(offer(), offer_fate);
        if let Some(fate) = order_fate {
            scene.before(recorded::<FlexOrder>("FlexOrder-partial"), fate);
        }
        (scene.sent(order()), scene.received(order()))
    };
    let ordered = R::other("The FlexOffer has been ordered already");
    assert_eq!(
        with(Fate::Accepted, Some(Fate::Open)),
        (vec![ordered], vec![]),
        "an order waits for its answer"
    );
    let early = R::other("The FlexOffer has not been accepted");
    assert_eq!(
        with(Fate::Open, None),
        (vec![early], vec![]),
        "the order may overtake the answer to the offer"
    );
    let gone = vec![unknown("FlexOfferMessageID")];
    assert_eq!(with(Fate::Rejected, None), (gone.clone(), gone));
}

#[test]
fn it_is_one_option_times_the_activation_factor() {
    let half = |_: &mut Scene, m: &mut FlexOrder| {
        m.activation_factor = factor(50);
        m.isps[0].power = watts(-200_000);
        m.price = "6.25".parse().unwrap();
    };
    each(
        &order(),
        known,
        vec![
            ("half of it", half, vec![]),
            (
                "the recorded partial order",
                |_, m| *m = FlexOrder { d_prognosis_message_id: None, ..recorded("FlexOrder-partial") },
                vec![],
            ),
            (
                "less than the least",
                |_, m| {
                    m.activation_factor = factor(49);
                    m.isps[0].power = watts(-196_000);
                    m.price = "6.125".parse().unwrap();
                },
                vec![R::other("ActivationFactor is below MinActivationFactor")],
            ),
            ("a price written otherwise", |_, m| m.price = "12.5".parse().unwrap(), vec![]),
            ("one ten-thousandth", |_, m| m.price = "12.5001".parse().unwrap(), vec![R::PriceMismatch]),
            (
                "the largest number",
                |_, m| m.price = "-79228162514264337593543950335".parse().unwrap_or(m.price),
                vec![],
            ),
            ("the opposite", |_, m| m.price = "-12.5".parse().unwrap(), vec![R::PriceMismatch]),
            ("another currency", |_, m| m.currency = Currency::GBP, vec![R::PriceMismatch]),
            ("a watt less", |_, m| m.isps[0].power = watts(-399_999), vec![R::PowerMismatch]),
            ("an ISP less", |_, m| m.isps = vec![isps(41, 7, -400_000)], vec![R::IspMismatch]),
            ("other runs", |_, m| m.isps = vec![isps(44, 5, -400_000), isps(41, 3, -400_000)], vec![]),
            (
                "the other option's power",
                |_, m| m.option_reference = Some(text("OPT-2")),
                vec![R::PowerMismatch, R::PriceMismatch],
            ),
            (
                "the other option",
                |_, m| {
                    m.option_reference = Some(text("OPT-2"));
                    m.isps[0].power = watts(-500_000);
                    m.price = "20.0001".parse().unwrap();
                },
                vec![],
            ),
            (
                "an unknown option",
                |_, m| m.option_reference = Some(text("OPT-3")),
                vec![unknown("OptionReference")],
            ),
            ("no option of two", |_, m| m.option_reference = None, vec![unknown("OptionReference")]),
            (
                "the factor of one, the power of another",
                |_, m| {
                    m.activation_factor = factor(50);
                    m.price = "6.25".parse().unwrap();
                },
                vec![R::PowerMismatch],
            ),
        ],
    );
}

#[test]
fn what_is_no_whole_number_is_rounded_either_way() {
    let scene = || {
        let mut offer: FlexOffer = offer();
        offer.d_prognosis_message_id = None;
        offer.options.truncate(1);
        // Three quarters of -7 W are -5.25 W, and of 0.0001 0.000075.
        offer.options[0].isps = vec![isps(41, 1, -7)];
        offer.options[0].price = "0.0001".parse().unwrap();
        let mut scene = Scene::new();
        scene.before(offer, Fate::Accepted);
        scene
    };
    let mut order = order();
    order.option_reference = None;
    order.d_prognosis_message_id = None;
    order.activation_factor = factor(75);
    order.isps = vec![isps(41, 1, -5)];
    order.price = "0.0001".parse().unwrap();
    each(
        &order,
        scene,
        vec![
            ("up", |_, m| m.isps[0].power = watts(-6), vec![]),
            ("a watt further", |_, m| m.isps[0].power = watts(-7), vec![R::PowerMismatch]),
            ("the other way", |_, m| m.isps[0].power = watts(-4), vec![R::PowerMismatch]),
            ("the price down", |_, m| m.price = "0".parse().unwrap(), vec![]),
            ("too high a price", |_, m| m.price = "0.0002".parse().unwrap(), vec![R::PriceMismatch]),
        ],
    );
}

#[test]
fn prices_beyond_reckoning_are_no_match() {
    let huge = "7000000000000000000000000000";
    let mut offer = offer();
    offer.options[0].price = huge.parse().unwrap();
    let mut scene = Scene::new();
    scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Accepted);
    scene.before(offer, Fate::Accepted);
    let mut order = order();
    order.price = format!("-{huge}").parse().unwrap();
    assert_eq!(scene.received(order.clone()), [R::PriceMismatch]);
    order.price = huge.parse().unwrap();
    assert_eq!(scene.received(order), []);
}

#[test]
fn its_baseline_is_the_offers() {
    each(
        &order(),
        || {
            let mut scene = known();
            let mut later: DPrognosis = recorded("D-Prognosis");
            later.header.message_id = message_id(1);
            later.header.conversation_id = conversation(1);
            later.revision = 2;
            scene.before(later, Fate::Accepted);
            scene
        },
        vec![
            ("none is named", |_, m| m.d_prognosis_message_id = None, vec![]),
            (
                "an unknown one",
                |_, m| m.d_prognosis_message_id = Some(message_id(9)),
                vec![unknown("D-PrognosisMessageID")],
            ),
            (
                "a later one",
                |_, m| m.d_prognosis_message_id = Some(message_id(1)),
                vec![R::other("D-PrognosisMessageID is not that of the FlexOffer")],
            ),
        ],
    );
}

#[test]
fn an_order_without_an_offer_needs_an_agreement() {
    let scene = || {
        let mut scene = Scene::new();
        scene.terms.unsolicited_orders = true;
        scene
    };
    each(
        &recorded::<FlexOrder>("FlexOrder-unsolicited"),
        scene,
        vec![
            (
                "there is none",
                |s, _| s.terms.unsolicited_orders = false,
                vec![R::other("No FlexOrder without a FlexOffer is agreed")],
            ),
            ("not said", |_, m| m.unsolicited = None, vec![]),
            ("said not to be", |_, m| m.unsolicited = Some(false), vec![unknown("FlexOfferMessageID")]),
            (
                "one that names an offer",
                |_, m| m.flex_offer_message_id = Some(message_id(1)),
                vec![R::other("An unsolicited FlexOrder names a FlexOffer")],
            ),
            (
                "in 3.0.0 an offer that is named makes it none",
                |_, m| {
                    (m.unsolicited, m.header.version) = (None, Version::V3_0_0);
                    m.flex_offer_message_id = Some(message_id(1));
                },
                vec![unknown("FlexOfferMessageID")],
            ),
            (
                "another currency",
                |s, _| s.terms.currency = Some(Currency::GBP),
                vec![R::other("Currency EUR is not agreed")],
            ),
            ("in its last ISP", |s, _| s.now = instant("2026-06-04T09:59:59Z"), vec![]),
            (
                "its last ISP is over",
                |s, _| s.now = instant("2026-06-04T10:00:00Z"),
                vec![R::PeriodOutOfBounds],
            ),
            ("more than a terawatt", |_, m| m.isps[0].power = watts(i64::MAX), vec![R::PowerMismatch]),
        ],
    );
}
