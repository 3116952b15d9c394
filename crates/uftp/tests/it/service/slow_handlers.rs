//! Handlers that take their time hold up nobody but their own conversation.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tieline_edge::ServeConfig;
use tieline_edge::listener::PlainListener;
use tieline_service::{Call, State};
use tieline_uftp::message::{FlexOffer, FlexOfferRevocation, FlexRequest, TestMessage, TestMessageResponse};
use tieline_uftp::service::{
    Agr, AgrService, Conversation, Dso, DsoService, RoleRoutes, RoleType, Unsendable,
};
use tieline_uftp::storage::Storage as _;
use tieline_uftp::value::MessageId;
use tieline_uftp::{Exchanged, Fate, History as _, MessageType, Participant, Received, Role};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    Handled, Party, ToSetUp, domain, eventually, listeners, offer as send_offer, order_of, request, set_up,
    tomorrow,
};

fn start<R: RoleType>(setup: ToSetUp<R>, listener: PlainListener, stop: &CancellationToken) -> Party<R> {
    let running = setup.start();
    tokio::spawn(running.serve(listener, ServeConfig::default(), stop.clone()));
    running
}

/// An AGR and a DSO that reach each other; `change` is for the AGR.
fn pair(
    agr: RoleRoutes<Agr>,
    dso: RoleRoutes<Dso>,
    change: impl FnOnce(&mut ToSetUp<Agr>),
    stop: &CancellationToken,
) -> (Party<Agr>, Party<Dso>) {
    let [(at_agr, agr_address), (at_dso, dso_address)] = listeners();
    let mut agr = set_up((Role::Dso, dso_address), agr);
    change(&mut agr);
    let mut dso = set_up((Role::Agr, agr_address), dso);
    dso.inbox.attempts = 2;
    (start(agr, at_agr, stop), start(dso, at_dso, stop))
}

/// What slow handlers wait for, and how they went on.
#[derive(Clone)]
struct Slow {
    may_end: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    ended: Arc<Mutex<Vec<MessageId>>>,
    tested: Arc<AtomicUsize>,
}

impl Slow {
    fn new() -> Self {
        let (may_end, begun) = (Arc::new(Semaphore::new(0)), Arc::default());
        Self { may_end, begun, ended: Arc::default(), tested: Arc::default() }
    }

    async fn has_begun(&self, count: usize) {
        eventually("the handlers begin", async || self.begun.load(Ordering::SeqCst) >= count).await;
        assert_eq!(self.begun.load(Ordering::SeqCst), count);
    }

    fn ended(&self) -> Vec<MessageId> {
        self.ended.lock().unwrap().clone()
    }
}

async fn think(_: Call<FlexRequest>, received: Arc<Received>, State(slow): State<Slow>) {
    slow.begun.fetch_add(1, Ordering::SeqCst);
    slow.may_end.acquire().await.unwrap().forget();
    slow.ended.lock().unwrap().push(received.payload.header().message_id);
}

async fn tested(_: Call<TestMessageResponse>, State(slow): State<Slow>) {
    slow.tested.fetch_add(1, Ordering::SeqCst);
}

fn slow_agr(slow: &Slow) -> RoleRoutes<Agr> {
    AgrService::new().process(think).process(tested).with_state(slow.clone())
}

#[tokio::test]
async fn they_run_beside_each_other_and_beside_what_is_sent_and_answered() {
    let (stop, slow) = (CancellationToken::new(), Slow::new());
    let (agr, dso) = pair(slow_agr(&slow), DsoService::<()>::new().into(), |_| {}, &stop);
    let to_agr = dso.agr_client(domain(Role::Agr));
    for number in 0..5 {
        to_agr.send(request(number)).await.unwrap();
    }
    slow.has_begun(5).await;
    // All five wait. Meanwhile there is an answer to everything.
    agr.dso_client(domain(Role::Dso)).send(|header| TestMessage { header }).await.unwrap();
    eventually("the test is answered", async || slow.tested.load(Ordering::SeqCst) == 1).await;
    assert!(slow.ended().is_empty());
    slow.may_end.add_permits(5);
    eventually("they end", async || slow.ended().len() == 5).await;
    stop.cancel();
    agr.stop().await;
    dso.stop().await;
}

#[tokio::test]
async fn within_a_conversation_one_waits_for_the_other() {
    let (stop, slow) = (CancellationToken::new(), Slow::new());
    let (agr, dso) = pair(slow_agr(&slow), DsoService::<()>::new().into(), |_| {}, &stop);
    let to_agr = dso.agr_client(domain(Role::Agr));
    let first = to_agr.send(request(1)).await.unwrap();
    let second = to_agr.in_conversation(first.conversation_id).send(request(2)).await.unwrap();
    let elsewhere = to_agr.send(request(3)).await.unwrap();
    slow.has_begun(2).await;
    slow.may_end.add_permits(2);
    slow.has_begun(3).await;
    let mut ended = slow.ended();
    ended.sort_unstable();
    let mut expected = vec![first.message_id, elsewhere.message_id];
    expected.sort_unstable();
    assert_eq!(ended, expected);
    slow.may_end.add_permits(1);
    eventually("the last ends", async || slow.ended().last() == Some(&second.message_id)).await;
    stop.cancel();
    agr.stop().await;
    dso.stop().await;
}

#[tokio::test]
async fn no_more_than_allowed_run_at_once() {
    let (stop, slow) = (CancellationToken::new(), Slow::new());
    let (agr, dso) =
        pair(slow_agr(&slow), DsoService::<()>::new().into(), |setup| setup.inbox.at_once = 2, &stop);
    let to_agr = dso.agr_client(domain(Role::Agr));
    for number in 0..5 {
        to_agr.send(request(number)).await.unwrap();
    }
    let decided = async || exchanged(&agr, Role::Dso, MessageType::FlexRequest).await;
    eventually("all are decided on", async || decided().await.len() == 5).await;
    for ended in [2, 4] {
        slow.has_begun(ended).await;
        slow.may_end.add_permits(2);
    }
    slow.has_begun(5).await;
    slow.may_end.add_permits(1);
    eventually("they end", async || slow.ended().len() == 5).await;
    stop.cancel();
    agr.stop().await;
    dso.stop().await;
}

type Attempts = Arc<AtomicUsize>;

async fn order_twice(
    offer: Call<FlexOffer>,
    conversation: Conversation,
    State(attempts): State<Attempts>,
) -> Result<(), Unsendable> {
    attempts.fetch_add(1, Ordering::SeqCst);
    conversation.send(|header| order_of(&offer, header))?;
    conversation.send(|header| order_of(&offer, header))?;
    Ok(())
}

#[tokio::test]
async fn one_that_orders_an_offer_twice_orders_nothing() {
    let (stop, attempts) = (CancellationToken::new(), Attempts::default());
    let agr = AgrService::new().process(send_offer).with_state(Handled::default());
    let dso = DsoService::new().process(order_twice).with_state(Arc::clone(&attempts));
    let (agr, dso) = pair(agr, dso, |_| {}, &stop);
    dso.agr_client(domain(Role::Agr)).send(request(1)).await.unwrap();
    eventually("it was tried", async || attempts.load(Ordering::SeqCst) == 1).await;
    is_set_aside(&dso).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 1, "trying again would be in vain");
    stop.cancel();
    agr.stop().await;
    dso.stop().await;
}

/// The offer is done with, and nothing was ordered.
async fn is_set_aside(dso: &Party<Dso>) {
    eventually("it is set aside", async || dso.storage().backlog().await.unwrap() == 0).await;
    assert_eq!(exchanged(dso, Role::Agr, MessageType::FlexOrder).await, []);
}

async fn exchanged<R: RoleType>(at: &Party<R>, with: Role, message_type: MessageType) -> Vec<Exchanged> {
    let with = Participant { role: with, domain: domain(with) };
    at.storage().within(&with, message_type, tomorrow(), tomorrow()).await.unwrap()
}

async fn order_late(
    offer: Call<FlexOffer>,
    conversation: Conversation,
    State(slow): State<Slow>,
) -> Result<(), Unsendable> {
    slow.begun.fetch_add(1, Ordering::SeqCst);
    slow.may_end.acquire().await.unwrap().forget();
    conversation.send(|header| order_of(&offer, header))?;
    Ok(())
}

#[tokio::test]
async fn one_that_orders_what_was_revoked_meanwhile_orders_nothing() {
    let (stop, slow) = (CancellationToken::new(), Slow::new());
    let agr = AgrService::new().process(send_offer).with_state(Handled::default());
    let dso = DsoService::new().process(order_late).with_state(slow.clone());
    let (agr, dso) = pair(agr, dso, |_| {}, &stop);
    dso.agr_client(domain(Role::Agr)).send(request(1)).await.unwrap();
    slow.has_begun(1).await;
    let offers = async || exchanged(&agr, Role::Dso, MessageType::FlexOffer).await;
    eventually("the offer is accepted", async || offers().await[0].fate == Fate::Accepted).await;
    let offer = offers().await.remove(0).payload.header().message_id;
    let to_dso = agr.dso_client(domain(Role::Dso));
    to_dso.send(|header| FlexOfferRevocation { header, flex_offer_message_id: offer }).await.unwrap();
    let with = Participant { role: Role::Dso, domain: domain(Role::Dso) };
    eventually("it is revoked", async || {
        let about_it = agr.storage().referring_to(&with, offer).await.unwrap();
        about_it.iter().any(|revocation| revocation.fate == Fate::Accepted)
    })
    .await;
    slow.may_end.add_permits(2);
    is_set_aside(&dso).await;
    slow.has_begun(2).await;
    stop.cancel();
    agr.stop().await;
    dso.stop().await;
}
