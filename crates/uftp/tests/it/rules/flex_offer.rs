use jiff::SignedDuration;
use jiff::civil::date;
use tieline_types::Currency;
use tieline_uftp::message::{DPrognosis, FlexOffer, FlexOrder, FlexRequest};
use tieline_uftp::rules::CongestionPointTerms;
use tieline_uftp::value::DateTime;
use tieline_uftp::{Fate, Version};

use super::{
    R, Scene, conversation, date_time, each, each_about_isps, instant, isps, message_id, recorded, text,
    unknown, watts,
};

/// Two options: -400 kW and -500 kW in the ISPs 41 to 48.
pub(super) fn offer() -> FlexOffer {
    recorded("FlexOffer")
}

fn known() -> Scene {
    let mut scene = Scene::new();
    scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Accepted);
    scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Accepted);
    scene
}

#[test]
fn it_is_about_isps_of_a_day() {
    let unsolicited: FlexOffer = recorded("FlexOffer-unsolicited");
    each_about_isps(&unsolicited, Scene::new, |m| &mut m.flex, |m| &mut m.options[0].isps[0].range);
    each(
        &offer(),
        known,
        vec![
            ("no option", |_, m| m.options.clear(), vec![R::IspsOutOfBounds]),
            ("no ISP in the second", |_, m| m.options[1].isps.clear(), vec![R::IspsOutOfBounds]),
            (
                "an ISP twice in the second",
                |_, m| m.options[1].isps.push(isps(48, 1, -1)),
                vec![R::IspConflict],
            ),
            (
                "each option is looked at",
                |_, m| {
                    m.options[0].isps.push(isps(97, 1, 0));
                    m.options[1].isps.push(isps(48, 1, -1));
                },
                vec![R::IspsOutOfBounds, R::IspConflict],
            ),
            (
                "it expires now",
                |s, m| m.expiration_date_time = s.now.into(),
                vec![R::ExpirationDateTimeOutOfBounds],
            ),
            (
                "at the end of the last ISP of any option",
                |_, m| {
                    m.options[1].isps.push(isps(60, 1, 0));
                    m.expiration_date_time = date_time("2026-06-04T13:00:00Z");
                },
                vec![],
            ),
            (
                "after it",
                |_, m| m.expiration_date_time = date_time("2026-06-04T10:00:01Z"),
                vec![R::ExpirationDateTimeOutOfBounds],
            ),
        ],
    );
}

#[test]
fn it_answers_a_request_of_the_other_side() {
    each(
        &offer(),
        known,
        vec![
            (
                "of none that is known",
                |_, m| m.flex_request_message_id = Some(message_id(1)),
                vec![unknown("FlexRequestMessageID")],
            ),
            (
                "something else",
                |_, m| m.flex_request_message_id = m.d_prognosis_message_id,
                vec![unknown("FlexRequestMessageID")],
            ),
            (
                "of another conversation",
                |_, m| m.header.conversation_id = conversation(1),
                vec![unknown("FlexRequestMessageID")],
            ),
            (
                "for another day: of request and prognosis, and nothing is compared",
                |_, m| m.flex.period = date(2026, 6, 5),
                vec![R::ReferencePeriodMismatch],
            ),
            (
                "for another point",
                |_, m| m.flex.congestion_point = "ean.111111111111".parse().unwrap(),
                vec![R::InvalidCongestionPoint],
            ),
            ("for another contract", |_, m| m.contract_id = Some(text("C-2")), vec![R::RequestMismatch]),
            ("for no contract", |_, m| m.contract_id = None, vec![]),
            (
                "at the last moment",
                |s, m| {
                    s.now = instant("2026-06-03T18:00:00Z");
                    m.expiration_date_time = date_time("2026-06-04T10:00:00Z");
                },
                vec![],
            ),
            (
                "after it",
                |s, m| {
                    s.now = instant("2026-06-03T18:00:00Z") + SignedDuration::from_nanos(1);
                    m.expiration_date_time = date_time("2026-06-04T10:00:00Z");
                },
                vec![R::ReferenceMessageExpired],
            ),
        ],
    );
    let mut scene = Scene::new();
    scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Accepted);
    scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Rejected);
    assert_eq!(scene.received(offer()), [unknown("FlexRequestMessageID")], "a request that was rejected");
}

#[test]
fn an_offer_may_overtake_the_answer_to_its_request() {
    let mut scene = Scene::new();
    scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Open);
    scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Open);
    assert_eq!(scene.received(offer()), []);
}

#[test]
fn its_own_request_is_none_to_answer() {
    let mut scene = known();
    let mut own: FlexRequest = recorded("FlexRequest");
    own.header.message_id = message_id(1);
    let header = &mut own.header;
    std::mem::swap(&mut header.sender_domain, &mut header.recipient_domain);
    scene.before(own, Fate::Accepted);
    let mut offer = offer();
    offer.flex_request_message_id = Some(message_id(1));
    assert_eq!(scene.received(offer), [unknown("FlexRequestMessageID")]);
}

#[test]
fn it_keeps_to_what_is_requested() {
    each(
        &offer(),
        known,
        vec![
            ("the lower bound", |_, m| m.options[0].isps[0].power = watts(-500_000), vec![]),
            ("beyond it", |_, m| m.options[0].isps[0].power = watts(-500_001), vec![R::PowerValueRejection]),
            ("the other way", |_, m| m.options[0].isps[0].power = watts(1), vec![R::PowerValueRejection]),
            (
                "something in one requested ISP",
                |_, m| m.options[0].isps = vec![isps(48, 1, -1), isps(49, 1, 7)],
                vec![],
            ),
            (
                "nothing in a requested ISP",
                |_, m| m.options[0].isps = vec![isps(49, 1, 7)],
                vec![R::RequestMismatch],
            ),
            ("0 W there", |_, m| m.options[1].isps[0].power = watts(0), vec![R::RequestMismatch]),
            ("room is used to the bound", |_, m| m.options[0].isps.push(isps(49, 1, 1_000_000)), vec![]),
            (
                "beyond it",
                |_, m| m.options[0].isps.push(isps(49, 1, 1_000_001)),
                vec![R::PowerValueRejection],
            ),
            ("the wrong way", |_, m| m.options[0].isps.push(isps(49, 1, -1)), vec![R::PowerValueRejection]),
            (
                "runs may be cut as one likes",
                |_, m| m.options[0].isps = (41..49).map(|number| isps(number, 1, -400_000)).collect(),
                vec![],
            ),
            (
                "more than a terawatt",
                |_, m| m.options[0].isps[0].power = watts(i64::MIN),
                vec![R::PowerValueRejection],
            ),
        ],
    );
    // Of an ISP that the request does not list nothing is known, so that nothing may be offered there.
    let mut scene = Scene::new();
    let mut request: FlexRequest = recorded("FlexRequest");
    request.isps.pop();
    scene.before(request, Fate::Accepted);
    let mut offer = offer();
    offer.d_prognosis_message_id = None;
    offer.options[0].isps.push(isps(49, 1, 0));
    assert_eq!(scene.received(offer.clone()), []);
    offer.options[0].isps[1].power = watts(1);
    assert_eq!(scene.received(offer), [R::PowerValueRejection]);
}

#[test]
fn one_run_of_four_is_four_runs_of_one() {
    let mut scene = Scene::new();
    let mut request: FlexRequest = recorded("FlexRequest-v3.0.0");
    assert_eq!(request.isps.len(), 8);
    request.header.message_id = message_id(1);
    scene.before(request, Fate::Accepted);
    let mut offer = offer();
    offer.d_prognosis_message_id = None;
    offer.flex_request_message_id = Some(message_id(1));
    assert_eq!(scene.received(offer), []);
}

#[test]
fn an_unsolicited_offer_needs_no_request() {
    each(
        &recorded::<FlexOffer>("FlexOffer-unsolicited"),
        Scene::new,
        vec![
            (
                "where none is agreed",
                |s, _| s.terms.unsolicited_offers = false,
                vec![R::other("No FlexOffer without a FlexRequest is agreed")],
            ),
            (
                "one that names a request",
                |_, m| m.flex_request_message_id = Some(message_id(1)),
                vec![R::other("An unsolicited FlexOffer names a FlexRequest")],
            ),
            (
                "not said, as in 3.0.0",
                |_, m| (m.unsolicited, m.header.version) = (None, Version::V3_0_0),
                vec![],
            ),
            ("said not to be", |_, m| m.unsolicited = Some(false), vec![unknown("FlexRequestMessageID")]),
            ("any power", |_, m| m.options[0].isps[0].power = watts(77_000_000), vec![]),
            ("any conversation", |_, m| m.header.conversation_id = conversation(5), vec![]),
        ],
    );
}

#[test]
fn several_options_need_support_and_names() {
    each(
        &offer(),
        known,
        vec![
            (
                "not supported",
                |s, m| {
                    let terms = CongestionPointTerms { mutex_offers_supported: false };
                    s.terms.congestion_points = Some([(m.flex.congestion_point.clone(), terms)].into());
                },
                vec![R::NoMutexOfferSupport],
            ),
            (
                "one needs none",
                |s, m| {
                    let terms = CongestionPointTerms { mutex_offers_supported: false };
                    s.terms.congestion_points = Some([(m.flex.congestion_point.clone(), terms)].into());
                    m.options.pop();
                },
                vec![],
            ),
            (
                "one name twice",
                |_, m| m.options[1].option_reference = text("OPT-1"),
                vec![R::other("An OptionReference is there twice")],
            ),
            (
                "another currency",
                |s, _| s.terms.currency = Some(Currency::GBP),
                vec![R::other("Currency EUR is not agreed")],
            ),
            ("the agreed one", |s, _| s.terms.currency = Some(Currency::EUR), vec![]),
            ("an unknown contract", |s, _| s.terms.contracts = Some([].into()), vec![unknown("ContractID")]),
        ],
    );
}

#[test]
fn its_baseline_is_its_senders_own_and_holds_no_order() {
    each(
        &offer(),
        known,
        vec![
            (
                "an unknown prognosis",
                |_, m| m.d_prognosis_message_id = Some(message_id(1)),
                vec![unknown("D-PrognosisMessageID")],
            ),
            (
                "the other side's message",
                |_, m| m.d_prognosis_message_id = m.flex_request_message_id,
                vec![unknown("D-PrognosisMessageID")],
            ),
            ("none", |_, m| m.d_prognosis_message_id = None, vec![]),
            (
                "none where one must be",
                |s, m| (s.terms.baseline_required, m.d_prognosis_message_id) = (true, None),
                vec![R::NoBaseline],
            ),
            (
                "another kind of baseline",
                |s, m| {
                    s.terms.baseline_required = true;
                    m.d_prognosis_message_id = None;
                    m.baseline_reference = Some(text("BL-1"));
                },
                vec![],
            ),
            (
                "an unknown one",
                |s, m| {
                    s.terms.baselines = Some([text("BL-2")].into());
                    m.d_prognosis_message_id = None;
                    m.baseline_reference = Some(text("BL-1"));
                },
                vec![R::NoBaseline],
            ),
            (
                "an order came after it",
                |s, _| s.before(recorded::<FlexOrder>("FlexOrder-unsolicited"), Fate::Accepted),
                vec![],
            ),
        ],
    );
    let with = |conversation_of: u128, order: Option<Fate>| {
        let mut scene = Scene::new();
        scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Accepted);
        if let Some(fate) = order {
            scene.before(recorded::<FlexOrder>("FlexOrder-unsolicited"), fate);
        }
        let mut prognosis: DPrognosis = recorded("D-Prognosis");
        prognosis.header.conversation_id = conversation(conversation_of);
        scene.before(prognosis, Fate::Accepted);
        scene.received(offer())
    };
    assert_eq!(with(1, None), [], "the prognosis has a conversation of its own");
    assert_eq!(with(1, Some(Fate::Accepted)), [R::NoBaseline], "it came after an order, and holds it");
    assert_eq!(with(1, Some(Fate::Rejected)), []);
    // Where all is of one instant, an order that names the prognosis came after it.
    let at_once = |named: bool| {
        let mut scene = known();
        let mut order: FlexOrder = recorded("FlexOrder-unsolicited");
        order.d_prognosis_message_id = offer().d_prognosis_message_id.filter(|_| named);
        scene.before(order, Fate::Accepted);
        scene.all_at_once();
        scene.received(offer())
    };
    assert_eq!(at_once(true), []);
    assert_eq!(at_once(false), [R::NoBaseline]);
    let mut scene = known();
    let mut other_day: DPrognosis = recorded("D-Prognosis");
    other_day.header.message_id = message_id(1);
    other_day.flex.period = date(2026, 6, 5);
    scene.before(other_day, Fate::Accepted);
    let mut offer = offer();
    offer.d_prognosis_message_id = Some(message_id(1));
    assert_eq!(scene.received(offer), [R::ReferencePeriodMismatch]);
}

#[test]
fn an_expired_offer_is_told_by_its_instant_alone() {
    let mut offer = offer();
    let instant = offer.expiration_date_time.instant();
    offer.expiration_date_time = DateTime::utc(instant);
    let mut scene = known();
    scene.now = instant - SignedDuration::from_nanos(1);
    assert_eq!(scene.received(offer), []);
}
