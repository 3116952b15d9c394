//! A network between two participants that fails in every way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tieline_edge::ServeConfig;
use tieline_edge::listener::PlainListener;
use tieline_uftp::message::MessageType;
use tieline_uftp::service::{AgrService, DsoService, RoleType};
use tieline_uftp::storage::Storage as _;
use tieline_uftp::{Fate, History as _, Participant, Role};
use tokio_util::sync::CancellationToken;

use super::{
    Handled, Party, ToSetUp, answered, domain, eventually, listeners, offer, order, ordered, request, set_up,
    tomorrow,
};

/// How many conversations there are.
const CONVERSATIONS: usize = 60;

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

fn start<R: RoleType>(setup: ToSetUp<R>, listener: PlainListener, stop: &CancellationToken) -> Party<R> {
    let running = setup.start();
    let faults = Faults(Arc::new(Mutex::new(R::ROLE as u64 + 7)));
    let router = axum::Router::new()
        .route_service(tieline_uftp::MESSAGE_PATH, running.receiver())
        .layer(middleware::from_fn_with_state(faults, fail));
    tokio::spawn(tieline_edge::serve(listener, router, ServeConfig::default(), stop.clone()));
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_handled_once_whatever_the_network_does() {
    let stop = CancellationToken::new();
    let [(at_agr, agr_address), (at_dso, dso_address)] = listeners();
    let (by_agr, by_dso) = (Handled::default(), Handled::default());
    let agr = AgrService::new().process(offer).process(ordered).with_state(by_agr.clone());
    let dso = DsoService::new().process(order).process(answered).with_state(by_dso.clone());
    let agr = start(set_up((Role::Dso, dso_address), agr), at_agr, &stop);
    let dso = start(set_up((Role::Agr, agr_address), dso), at_dso, &stop);
    let client = dso.agr_client(domain(Role::Agr));
    for number in 0..CONVERSATIONS {
        client.send(request(number)).await.unwrap();
    }
    let of = |handled: &Handled| handled.lock().unwrap().clone();
    eventually("every conversation ends", async || {
        of(&by_dso).len() >= 2 * CONVERSATIONS && of(&by_agr).len() >= 2 * CONVERSATIONS
    })
    .await;
    eventually("nothing is owed", async || agr.storage().owing() == 0 && dso.storage().owing() == 0).await;
    for handled in [of(&by_agr), of(&by_dso)] {
        assert_eq!(handled.len(), 2 * CONVERSATIONS);
        assert!(handled.values().all(|times| *times == 1), "{handled:?}");
    }
    let counterparty = Participant { role: Role::Agr, domain: domain(Role::Agr) };
    let period = tomorrow();
    let orders = dso.storage().within(&counterparty, MessageType::FlexOrder, period, period).await;
    let orders = orders.unwrap();
    assert_eq!(orders.len(), CONVERSATIONS);
    assert!(orders.iter().all(|order| order.fate == Fate::Accepted));
    assert!(dso.storage().held().await.unwrap().is_empty());
    stop.cancel();
    agr.stop().await;
    dso.stop().await;
}
