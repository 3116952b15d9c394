use tieline_uftp::Fate;
use tieline_uftp::message::{
    AcceptedDisputed, DPrognosis, DPrognosisResponse, FlexOffer, FlexOfferResponse, FlexOrder,
    FlexOrderResponse, FlexOrderSettlementStatus, FlexRequest, FlexRequestResponse, FlexSettlement,
    FlexSettlementResponse, Metering, MeteringResponse, Response,
};

use super::{R, Row, Scene, conversation, each, message_id, recorded, text, unknown};

fn contradiction() -> Vec<R> {
    vec![R::other("The answer contradicts an earlier one")]
}

#[test]
fn it_answers_a_message_of_the_other_side_in_its_conversation() {
    let known = || {
        let mut scene = Scene::new();
        scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Open);
        scene
    };
    each(
        &recorded::<FlexRequestResponse>("FlexRequestResponse"),
        known,
        vec![
            (
                "an unknown one",
                |_, m| m.flex_request_message_id = message_id(1),
                vec![unknown("FlexRequestMessageID")],
            ),
            (
                "in another conversation",
                |_, m| m.header.conversation_id = conversation(1),
                vec![unknown("FlexRequestMessageID")],
            ),
            (
                "another message",
                |s, m| {
                    let order: FlexOrder = recorded("FlexOrder");
                    m.flex_request_message_id = order.header.message_id;
                    s.before(order, Fate::Open);
                },
                vec![unknown("FlexRequestMessageID")],
            ),
            (
                "its own message",
                |s, m| {
                    let mut own: FlexRequest = recorded("FlexRequest");
                    own.header.message_id = message_id(1);
                    let header = &mut own.header;
                    std::mem::swap(&mut header.sender_domain, &mut header.recipient_domain);
                    m.flex_request_message_id = message_id(1);
                    s.before(own, Fate::Open);
                },
                vec![unknown("FlexRequestMessageID")],
            ),
            ("a rejection", |_, m| m.response = Response::rejected(&[R::IspConflict]), vec![]),
        ],
    );
}

#[test]
fn it_does_not_contradict_an_earlier_one() {
    let with = |fate, response: Response| {
        let mut scene = Scene::new();
        scene.before(recorded::<FlexOffer>("FlexOffer"), fate);
        let mut answer: FlexOfferResponse = recorded("FlexOfferResponse");
        answer.response = response;
        assert_eq!(scene.received(answer.clone()), scene.sent(answer.clone()));
        scene.received(answer)
    };
    let rejected = || Response::rejected(&[R::RequestMismatch]);
    assert_eq!(with(Fate::Accepted, Response::ACCEPTED), []);
    assert_eq!(with(Fate::Accepted, rejected()), contradiction());
    assert_eq!(with(Fate::Rejected, rejected()), []);
    assert_eq!(with(Fate::Rejected, Response::ACCEPTED), contradiction());
    assert_eq!(with(Fate::Accepted, Response::rejected(&[R::AlreadySubmitted])), [], "a repeat has arrived");
}

#[test]
fn each_answer_knows_what_it_answers() {
    let mut scene = Scene::new();
    scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Open);
    scene.before(recorded::<FlexOrder>("FlexOrder"), Fate::Open);
    scene.before(recorded::<FlexSettlement>("FlexSettlement"), Fate::Open);
    scene.before(recorded::<Metering>("Metering-ean18"), Fate::Open);
    let unknown_to_nobody = Scene::new();
    let both = |message: tieline_uftp::Payload, attribute| {
        assert_eq!(scene.received(message.clone()), [], "{attribute}");
        assert_eq!(unknown_to_nobody.received(message), [unknown(attribute)]);
    };
    both(recorded::<DPrognosisResponse>("D-PrognosisResponse").into(), "D-PrognosisMessageID");
    both(recorded::<FlexOrderResponse>("FlexOrderResponse").into(), "FlexOrderMessageID");
    both(recorded::<MeteringResponse>("MeteringResponse").into(), "MeteringMessageID");
    let mut settlement: FlexSettlementResponse = recorded("FlexSettlementResponse");
    settlement.statuses.pop();
    both(settlement.into(), "FlexSettlementMessageID");
}

/// What is received is taken for what it says, however badly; what is to be sent says it properly.
fn each_sent<M: tieline_uftp::Message>(message: &M, scene: impl Fn() -> Scene, rows: Vec<Row<M>>) {
    assert_eq!(scene().sent(message.clone()), [], "the message that the rows change");
    for (rule, change, reasons) in rows {
        let (mut scene, mut message) = (scene(), message.clone());
        change(&mut scene, &mut message);
        assert_eq!(scene.sent(message.clone()), reasons, "{rule}, sent");
        assert_eq!(scene.received(message), [], "{rule}, received");
    }
}

#[test]
fn a_rejection_has_a_reason() {
    let known = || {
        let mut scene = Scene::new();
        scene.before(recorded::<FlexRequest>("FlexRequest"), Fate::Open);
        scene
    };
    let missing = || vec![R::other("RejectionReason is missing")];
    let rejected = || Response::rejected(&[R::IspConflict]);
    each_sent(
        &FlexRequestResponse { response: rejected(), ..recorded("FlexRequestResponse") },
        known,
        vec![
            ("none", |_, m| m.response.rejection_reason = None, missing()),
            ("an empty one", |_, m| m.response.rejection_reason = Some(text(" ; ")), missing()),
            ("in words of one's own", |_, m| m.response.rejection_reason = Some(text("on holiday")), vec![]),
        ],
    );
}

#[test]
fn the_orders_that_a_prognosis_is_told_of_are_orders() {
    let known = || {
        let mut scene = Scene::new();
        scene.before(recorded::<DPrognosis>("D-Prognosis"), Fate::Open);
        scene.before(recorded::<FlexOrder>("FlexOrder"), Fate::Accepted);
        scene
    };
    each_sent(
        &recorded::<DPrognosisResponse>("D-PrognosisResponse"),
        known,
        vec![
            ("none", |_, m| m.flex_order_statuses.clear(), vec![]),
            (
                "an unknown one",
                |_, m| m.flex_order_statuses[0].flex_order_message_id = message_id(1),
                vec![unknown("FlexOrderMessageID")],
            ),
            (
                "the prognosis",
                |_, m| m.flex_order_statuses[0].flex_order_message_id = m.d_prognosis_message_id,
                vec![unknown("FlexOrderMessageID")],
            ),
        ],
    );
}

#[test]
fn the_items_of_a_settlement_are_told_of_once_and_with_reasons() {
    let known = || {
        let mut scene = Scene::new();
        let mut settlement: FlexSettlement = recorded("FlexSettlement");
        let mut second = settlement.orders[0].clone();
        second.order_reference = Some(text("ORD-2"));
        settlement.orders.push(second);
        scene.before(settlement, Fate::Open);
        scene
    };
    let reasonless = vec![R::other("A disputed item has no DisputeReason")];
    each_sent(
        &recorded::<FlexSettlementResponse>("FlexSettlementResponse"),
        known,
        vec![
            ("one of them", |_, m| drop(m.statuses.pop()), vec![]),
            (
                "one that is not there",
                |_, m| m.statuses[0] = FlexOrderSettlementStatus::accepted(Some(text("ORD-3"))),
                vec![unknown("OrderReference")],
            ),
            (
                "one of them twice",
                |_, m| m.statuses[0] = m.statuses[1].clone(),
                vec![unknown("OrderReference")],
            ),
            ("no reason", |_, m| m.statuses[1].dispute_reason = None, reasonless.clone()),
            ("an empty one", |_, m| m.statuses[1].dispute_reason = Some(text("")), reasonless),
            (
                "accepted without one",
                |_, m| {
                    m.statuses[1].dispute_reason = None;
                    m.statuses[1].disposition = AcceptedDisputed::Accepted;
                },
                vec![],
            ),
        ],
    );
}
