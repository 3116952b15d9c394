//! Two participants at work, with a network between them that fails in every way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::tls::ClientTls;
use tieline_edge::{Backoff, HttpClient, ServeConfig};
use tieline_service::{Call, State as Shared};
use tieline_types::{Amount, Currency, EntityAddress, IspCalendar, IspDuration, IspRange, Power};
use tieline_uftp::message::*;
use tieline_uftp::rules::Terms;
use tieline_uftp::server::{FixedAddressBook, KnownParticipant};
use tieline_uftp::service::{
    Agr, AgrService, Conversation, Dso, DsoService, RoleRoutes, RoleType, Running, Setup, Unsendable,
};
use tieline_uftp::storage::{MemoryStorage, Storage as _};
use tieline_uftp::value::{ActivationFactor, DateTime, MessageId};
use tieline_uftp::{Client, Fate, History as _, Participant, Received, Role, SigningKey};
use tokio_util::sync::CancellationToken;

/// How many conversations there are.
const CONVERSATIONS: usize = 60;

/// How often each message was handled.
type Handled = Arc<Mutex<BTreeMap<MessageId, u32>>>;

fn count(handled: &Handled, received: &Received) {
    *handled.lock().unwrap().entry(received.payload.header().message_id).or_default() += 1;
}

async fn offer(
    request: Call<FlexRequest>,
    conversation: Conversation,
    received: Arc<Received>,
    Shared(handled): Shared<Handled>,
) -> Result<(), Unsendable> {
    count(&handled, &received);
    conversation.send(|header| FlexOffer {
        header,
        flex: request.flex.clone(),
        expiration_date_time: request.expiration_date_time.clone(),
        unsolicited: None,
        flex_request_message_id: Some(request.header.message_id),
        contract_id: None,
        d_prognosis_message_id: None,
        baseline_reference: None,
        currency: Currency::EUR,
        options: vec![OfferOption {
            option_reference: "1".parse().unwrap(),
            price: Amount::new("1.5".parse().unwrap()).unwrap(),
            min_activation_factor: ActivationFactor::FULL,
            isps: vec![Isp { power: Power::from_watts(-1000), range: request.isps[0].range }],
        }],
    })?;
    Ok(())
}

async fn ordered(_: Call<FlexOrder>, received: Arc<Received>, Shared(handled): Shared<Handled>) {
    count(&handled, &received);
}

async fn order(
    offer: Call<FlexOffer>,
    conversation: Conversation,
    received: Arc<Received>,
    Shared(handled): Shared<Handled>,
) -> Result<(), Unsendable> {
    count(&handled, &received);
    let option = &offer.options[0];
    conversation.send(|header| FlexOrder {
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
    })?;
    Ok(())
}

async fn answered(_: Call<FlexOrderResponse>, received: Arc<Received>, Shared(handled): Shared<Handled>) {
    count(&handled, &received);
}

/// Decides by a seed what becomes of each post.
#[derive(Clone)]
struct Faults(Arc<Mutex<u64>>);

impl Faults {
    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }
}

/// Loses the post, or its answer, repeats it, or says that now is not the time.
async fn fail(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let status = |code: u16| StatusCode::from_u16(code).unwrap().into_response();
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let again = |bytes: &axum::body::Bytes| Request::from_parts(head.clone(), bytes.clone().into());
    match faults.next() % 10 {
        0 => status(500),
        1 => status(404),
        2 => status(419),
        3 => status(503),
        4 => {
            next.run(again(&bytes)).await;
            status(500)
        }
        5 => {
            next.clone().run(again(&bytes)).await;
            next.run(again(&bytes)).await
        }
        6 => {
            tokio::time::sleep(Duration::from_millis(faults.next() % 20)).await;
            next.run(again(&bytes)).await
        }
        _ => next.run(again(&bytes)).await,
    }
}

struct Party<R> {
    running: Running<R, MemoryStorage, FixedAddressBook>,
    handled: Handled,
}

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&[role as u8 + 1; 32])
}

fn party<R: RoleType>(
    listener: PlainListener,
    other: (Role, std::net::SocketAddr),
    handlers: RoleRoutes<R>,
    handled: Handled,
    stop: &CancellationToken,
) -> Party<R> {
    let domain = |role: Role| format!("{}.example.com", role.as_str().to_lowercase()).parse().unwrap();
    let endpoint = format!("http://{}{}", other.1, tieline_uftp::MESSAGE_PATH).parse().unwrap();
    let known = KnownParticipant::new(vec![key(other.0).verifying_key()]).at(endpoint);
    let book = FixedAddressBook::new().with(other.0, domain(other.0), known);
    let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
    let http = HttpClient::new(ClientTls::platform()).allowing_plain_text().build().unwrap();
    let mut setup = Setup::new(
        domain(R::ROLE),
        key(R::ROLE),
        handlers,
        book,
        Arc::new(MemoryStorage::new()),
        Arc::new(Terms::new(calendar)),
        Client::new(http),
    );
    setup.delivery.backoff = Backoff::new(Duration::from_millis(2), Duration::from_millis(20));
    let running = setup.start();
    let faults = Faults(Arc::new(Mutex::new(R::ROLE as u64 + 7)));
    let router = axum::Router::new()
        .route_service(tieline_uftp::MESSAGE_PATH, running.receiver())
        .layer(middleware::from_fn_with_state(faults, fail));
    tokio::spawn(tieline_edge::serve(listener, router, ServeConfig::default(), stop.clone()));
    Party { running, handled }
}

async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..3000 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("in vain: {what}");
}

fn pair(stop: &CancellationToken) -> (Party<Agr>, Party<Dso>) {
    let bind = || PlainListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (at_agr, at_dso) = (bind(), bind());
    let (agr_address, dso_address) = (at_agr.local_addr().unwrap(), at_dso.local_addr().unwrap());
    let (of_agr, of_dso) = (Handled::default(), Handled::default());
    let agr = AgrService::new().process(offer).process(ordered).with_state(of_agr.clone());
    let dso = DsoService::new().process(order).process(answered).with_state(of_dso.clone());
    (
        party(at_agr, (Role::Dso, dso_address), agr, of_agr, stop),
        party(at_dso, (Role::Agr, agr_address), dso, of_dso, stop),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_handled_once_whatever_the_network_does() {
    let stop = CancellationToken::new();
    let (agr, dso) = pair(&stop);
    let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
    #[expect(clippy::disallowed_methods, reason = "the participants go by the machine's clock")]
    let now = jiff::Timestamp::now();
    let period = calendar.time_zone().to_datetime(now).date().tomorrow().unwrap();
    let client = dso.running.agr_client("agr.example.com".parse().unwrap());
    for number in 0..CONVERSATIONS {
        let point: EntityAddress = format!("ean.8716859000126{number:05}").parse().unwrap();
        let flex = FlexMessage {
            isp_duration: IspDuration::PT15M,
            time_zone: "Europe/Amsterdam".parse().unwrap(),
            period,
            congestion_point: point,
        };
        let expires = DateTime::utc(calendar.day(period).unwrap().span().start());
        let isp = FlexRequestIsp {
            disposition: Some(Disposition::Requested),
            min_power: Power::from_watts(-5000),
            max_power: Power::ZERO,
            range: IspRange::from_numbers(41, 4).unwrap(),
        };
        let request = |header| FlexRequest {
            header,
            flex,
            revision: 1,
            expiration_date_time: expires,
            contract_id: None,
            service_type: None,
            isps: vec![isp],
        };
        client.send(request).await.unwrap();
    }
    let of = |handled: &Handled| handled.lock().unwrap().clone();
    eventually("every conversation ends", async || {
        of(&dso.handled).len() >= 2 * CONVERSATIONS && of(&agr.handled).len() >= 2 * CONVERSATIONS
    })
    .await;
    eventually("nothing is owed", async || {
        agr.running.storage().owing() == 0 && dso.running.storage().owing() == 0
    })
    .await;
    for handled in [of(&agr.handled), of(&dso.handled)] {
        assert_eq!(handled.len(), 2 * CONVERSATIONS);
        assert!(handled.values().all(|times| *times == 1), "{handled:?}");
    }
    let counterparty = Participant { role: Role::Agr, domain: "agr.example.com".parse().unwrap() };
    let orders = dso.running.storage().within(&counterparty, MessageType::FlexOrder, period, period).await;
    let orders = orders.unwrap();
    assert_eq!(orders.len(), CONVERSATIONS);
    assert!(orders.iter().all(|order| order.fate == Fate::Accepted));
    assert!(dso.running.storage().held().await.unwrap().is_empty());
    stop.cancel();
    agr.running.stop().await;
    dso.running.stop().await;
}
