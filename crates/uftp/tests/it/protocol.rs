//! Handlers and the answers they lead to.

use std::sync::Arc;

use jiff::Timestamp;
use tieline_service::{Call, Router, Routes};
use tieline_uftp::message::{
    DPrognosis, FlexOrder, FlexOrderSettlementStatus, FlexOrderStatus, FlexRequest, FlexRequestResponse,
    FlexSettlementResponse,
};
use tieline_uftp::{
    Accepted, Decision, Header, Noted, Participant, Payload, Received, Rejected, RejectionReason, Role, Uftp,
    Undecided, parse,
};
use tower::ServiceExt as _;

use crate::fixtures::{library_python, read};

fn received(name: &str) -> Arc<Received> {
    let payload_bytes = read("library-python", &format!("{name}.xml"));
    let payload = parse(&payload_bytes, &library_python()).unwrap();
    let sender = Participant { role: Role::Dso, domain: payload.sender().clone() };
    Arc::new(Received {
        envelope: Vec::new().into(),
        payload_bytes: payload_bytes.into(),
        payload,
        sender,
        received_at: Timestamp::UNIX_EPOCH,
        concerns: Vec::new(),
    })
}

async fn on_request(
    request: Call<FlexRequest>,
    sender: Participant,
    whole: Arc<Received>,
) -> Result<Accepted, Rejected> {
    assert_eq!(sender, whole.sender);
    if request.contract_id.is_some() { Ok(Accepted::new()) } else { Err(RejectionReason::IspConflict.into()) }
}

async fn on_request_response(_: Call<FlexRequestResponse>) -> Result<Noted, Rejected> {
    Ok(Noted)
}

async fn on_prognosis(prognosis: Call<DPrognosis>) -> Result<Accepted, Rejected> {
    let flex_order_message_id = prognosis.header.message_id;
    Ok(Accepted::Orders(vec![FlexOrderStatus { flex_order_message_id, is_validated: true }]))
}

async fn on_order(_: Call<FlexOrder>) -> Result<Accepted, Undecided> {
    Err(Undecided { cause: "the store is away".to_owned(), retry: true })
}

fn routes() -> Routes<Uftp> {
    Router::<Uftp, ()>::new()
        .on(on_request)
        .on(on_request_response)
        .on(on_prognosis)
        .on(on_order)
        .with_state(())
}

async fn decide(name: &str) -> (Decision, Option<Payload>) {
    let message = received(name);
    let reply =
        routes().oneshot(Uftp::incoming(Arc::clone(&message))).await.unwrap_or_else(|never| match never {});
    let header = Header::reply_to(
        message.payload.header(),
        "e5cf16ff-fe17-4a57-8c3c-d068f59030e5".parse().unwrap(),
        "2026-06-03T14:30:05+00:00".parse().unwrap(),
    );
    let answer = message.payload.respond(&reply.answer, header);
    if let Some(answer) = &answer {
        let asked = message.payload.header();
        assert_eq!(message.payload.message_type().answer(), Some(answer.message_type()));
        assert_eq!(answer.header().conversation_id, asked.conversation_id);
        assert_eq!(answer.header().version, asked.version);
        assert_eq!((answer.sender(), answer.recipient()), (&asked.recipient_domain, &asked.sender_domain));
        assert_eq!(parse(&answer.to_xml(), &tieline_uftp::Tolerance::STRICT).as_ref(), Ok(answer));
    }
    (reply.answer, answer)
}

#[tokio::test]
async fn an_accepted_request_is_answered() {
    let (_, answer) = decide("FlexRequest").await;
    let Some(Payload::FlexRequestResponse(response)) = answer else { panic!("{answer:?}") };
    assert!(response.response.is_accepted());
    assert_eq!(response.flex_request_message_id, "8a8e7728-1c41-43d1-8d35-b9e20d1f339c".parse().unwrap());
}

#[tokio::test]
async fn a_rejected_request_is_told_why_in_its_own_version() {
    let (decision, answer) = decide("FlexRequest-v3.0.0").await;
    assert_eq!(decision, RejectionReason::IspConflict.into());
    let Some(Payload::FlexRequestResponse(response)) = answer else { panic!("{answer:?}") };
    assert_eq!(response.response.reasons(), [RejectionReason::IspConflict]);
}

#[tokio::test]
async fn a_prognosis_is_answered_with_the_orders() {
    let (_, answer) = decide("D-Prognosis").await;
    let Some(Payload::DPrognosisResponse(response)) = answer else { panic!("{answer:?}") };
    assert_eq!(response.flex_order_statuses.len(), 1);
}

/// The answer to the recorded settlement of order ORD-1.
fn settled(decision: &Decision) -> FlexSettlementResponse {
    let settlement = received("FlexSettlement");
    let header = settlement.payload.header();
    let header = Header::reply_to(header, header.message_id, header.time_stamp.clone());
    let answer = settlement.payload.respond(decision, header).unwrap();
    assert_eq!(parse(&answer.to_xml(), &tieline_uftp::Tolerance::STRICT).as_ref(), Ok(&answer));
    answer.try_into().unwrap()
}

#[test]
fn a_settlement_is_answered_item_by_item() {
    let reference = || Some("ORD-1".parse().unwrap());
    let all = settled(&Accepted::new().into());
    assert_eq!(all.statuses, [FlexOrderSettlementStatus::accepted(reference())]);
    let disputed = vec![FlexOrderSettlementStatus::disputed(reference(), "ActualPower is 600000")];
    assert_eq!(settled(&Accepted::Items(disputed.clone()).into()).statuses, disputed);
    assert!(settled(&Accepted::Items(disputed).into()).response.is_accepted());
}

#[test]
fn a_rejected_settlement_is_disputed_in_all_its_items() {
    let rejected = settled(&RejectionReason::MissingSettlementItems.into());
    assert_eq!(rejected.response.reasons(), [RejectionReason::MissingSettlementItems]);
    let disputed =
        FlexOrderSettlementStatus::disputed(Some("ORD-1".parse().unwrap()), "Missing Settlement Items");
    assert_eq!(rejected.statuses, [disputed]);
}

#[tokio::test]
async fn an_answer_is_noted_and_not_answered() {
    assert_eq!(decide("FlexRequestResponse").await, (Decision::Noted, None));
    // No handler takes this one.
    assert_eq!(decide("MeteringResponse").await, (Decision::Noted, None));
}

#[tokio::test]
async fn a_request_without_a_handler_is_invalid() {
    let (decision, answer) = decide("Metering-ean16").await;
    assert_eq!(decision, RejectionReason::InvalidMessage.into());
    assert!(answer.is_some());
    // The answer to a TestMessage cannot say no.
    assert_eq!(decide("TestMessage-DSO-AGR").await.1, None);
}

#[tokio::test]
async fn what_is_undecided_is_not_answered() {
    let (decision, answer) = decide("FlexOrder").await;
    assert!(matches!(decision, Decision::Undecided(Undecided { retry: true, .. })));
    assert_eq!(answer, None);
}
