//! A node in front of another CSMS: chargers are the other one's, and the node steers them all the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use jiff::SignedDuration;
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::{ServeConfig, serve};
use tieline_node::registry;
use tieline_ocpp::csms::{Anyone, Csms};
use tieline_ocpp::{CallFailure, Ocpp, Version, v16, v201};
use tieline_service::{Call, Router, State};
use tieline_store::{SqliteOptions, SqliteStore};
use tokio_util::sync::CancellationToken;

use crate::charger::{Charger, when};
use crate::commands::knock;
use crate::daemon::{eventually, loopback};
use crate::scene::{FULL, POINT, Scene, at, watts};
use crate::tls::registration;

/// The last number that the other CSMS gave to a transaction.
type Numbers = Arc<AtomicI32>;

async fn boot_16(_: Call<v16::BootNotificationRequest>) -> v16::BootNotificationResponse {
    let now = when(at("2026-06-10T08:00:00Z"));
    v16::BootNotificationResponse::new(v16::RegistrationStatus::Accepted, now, 300)
}

async fn start_16(
    call: Call<v16::StartTransactionRequest>,
    State(last): State<Numbers>,
) -> v16::StartTransactionResponse {
    let status = match call.id_tag.as_str() {
        "TAG" => v16::AuthorizationStatus::Accepted,
        _ => v16::AuthorizationStatus::Invalid,
    };
    let number = last.fetch_add(1, Ordering::Relaxed) + 1;
    v16::StartTransactionResponse::new(v16::IdTagInfo::new(status), number)
}

async fn values_16(_: Call<v16::MeterValuesRequest>) -> v16::MeterValuesResponse {
    v16::MeterValuesResponse::new()
}

async fn status_16(_: Call<v16::StatusNotificationRequest>) -> v16::StatusNotificationResponse {
    v16::StatusNotificationResponse::new()
}

async fn stop_16(_: Call<v16::StopTransactionRequest>) -> v16::StopTransactionResponse {
    v16::StopTransactionResponse::new()
}

async fn boot_201(_: Call<v201::BootNotificationRequest>) -> v201::BootNotificationResponse {
    let now = when(at("2026-06-10T08:00:00Z"));
    v201::BootNotificationResponse::new(now, 300, v201::RegistrationStatus::Accepted)
}

async fn event_201(_: Call<v201::TransactionEventRequest>) -> v201::TransactionEventResponse {
    v201::TransactionEventResponse::new()
}

/// The CSMS behind the node, which knows every charger.
fn other_csms() -> (Csms<tieline_service::Routes<Ocpp>>, SocketAddr) {
    let router = Router::<Ocpp, Numbers>::new()
        .on(boot_16)
        .on(start_16)
        .on(values_16)
        .on(status_16)
        .on(stop_16)
        .on(boot_201)
        .on(event_201);
    let csms = Csms::builder(router.with_state(Arc::new(AtomicI32::new(4710)))).authenticate(Anyone).build();
    let listener = PlainListener::bind(SocketAddr::new(loopback(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let service = axum::Router::new().fallback_service(csms.clone());
    tokio::spawn(serve(listener, service, ServeConfig::default(), CancellationToken::new()));
    (csms, address)
}

async fn session(scene: &Scene, charger: &str, transaction: &str) -> serde_json::Value {
    eventually(&format!("the session {transaction} at {charger} is booked"), async || {
        let sessions = scene.agr.records("session", POINT).await;
        sessions.into_iter().find(|session| {
            session["key"]["charger"] == charger && session["key"]["transaction"] == transaction
        })
    })
    .await
}

#[tokio::test]
async fn an_order_is_told_to_a_charger_of_another_csms_under_the_number_that_this_one_gave() {
    let (csms, address) = other_csms();
    let scene = Scene::behind(address).await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    let transaction = charger.charge(scene.now()).await;
    assert_eq!(transaction, "4711", "it is the other CSMS that answers");
    session(&scene, "CP-1", "4711").await;

    scene.ordered().await;
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    let told = charger.told_at_least(1).await;
    assert_eq!((told[0].transaction.as_str(), told[0].unit), ("4711", "W"));
    assert_eq!(told[0].periods, [(at("2026-06-10T09:00:00Z"), watts(FULL - 10_000))]);

    // What it draws and when it leaves is in the book, too.
    let now = scene.now();
    charger.draws("4711", now, 11_000, 5000).await;
    charger.stop_charging("4711", 9000, now + SignedDuration::from_mins(5)).await;
    eventually("the session has ended", async || {
        let session = session(&scene, "CP-1", "4711").await;
        (session["ended"] == "2026-06-10T08:35:00Z").then_some(())
    })
    .await;
    let known = scene.agr.record("charger", "CP-1").await.unwrap();
    assert_eq!(known["made"]["model"], "Test 1.6");
    assert!(csms.registry().get("CP-1").is_some(), "for its CSMS the charger was there all the time");
}

#[tokio::test]
async fn a_station_of_2_0_1_is_booked_under_its_own_name() {
    let (_csms, address) = other_csms();
    let scene = Scene::behind(address).await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-3", Version::V2_0_1).await;
    let transaction = charger.charge(scene.now()).await;
    session(&scene, "CP-3", &transaction).await;
    scene.ordered().await;
    scene.clock.set(at("2026-06-10T08:30:00Z"));
    let told = charger.told_at_least(1).await;
    assert_eq!(told[0].transaction, transaction);
}

/// The node knows four chargers. The others are their CSMS's alone, and so is what the node does not know.
#[tokio::test]
async fn everything_else_is_between_the_chargers_and_their_csms() {
    let (csms, address) = other_csms();
    let scene = Scene::behind(address).await;
    let stranger = Charger::connect(scene.agr.ocpp(), "CP-99", Version::V1_6).await;
    assert_eq!(stranger.charge(scene.now()).await, "4711");
    let known = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    assert_eq!(known.charge(scene.now()).await, "4712");
    session(&scene, "CP-1", "4712").await;
    let sessions = scene.agr.records("session", POINT).await;
    assert_eq!(sessions.len(), 1, "{sessions:?}");

    // What the other CSMS does not serve, it refuses itself.
    let refused = known.csms.call(v16::HeartbeatRequest::new()).await;
    let Err(CallFailure::Refused(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code, tieline_ocpp::ErrorCode::NotSupported);

    // And it calls its chargers through the node.
    let peer = csms.registry().get("CP-1").unwrap();
    let refused = peer.call(v16::ClearCacheRequest::new()).await;
    assert!(matches!(refused, Err(CallFailure::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_charger_finds_no_csms_while_the_other_one_is_away() {
    let nobody = PlainListener::bind(SocketAddr::new(loopback(), 0)).unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let scene = Scene::behind(address).await;
    let url = format!("ws://{}/ocpp", scene.agr.ocpp());
    let station = tieline_ocpp::client::ChargingStation::new(&url, "CP-1", [Version::V1_6]).unwrap();
    let router = Router::<Ocpp>::new().with_state(());
    let error = station.connect(router).await.unwrap_err();
    assert!(format!("{error:?}").contains("502"), "{error:?}");
}

/// A charger can be steered from when an operator says so, and not any more; for its CSMS nothing changes.
#[tokio::test]
async fn a_charger_that_is_added_and_removed_stays_connected() {
    let (_csms, address) = other_csms();
    let scene = Scene::behind(address).await;
    let charger = Charger::connect(scene.agr.ocpp(), "CP-9", Version::V1_6).await;
    let store = SqliteStore::open(&scene.agr.database(), SqliteOptions::default()).unwrap();
    registry::add(&store, registration("CP-9", 0, None), None, scene.now()).await.unwrap();
    knock(&scene);
    eventually("its transactions are booked", async || {
        charger.charge(scene.now()).await;
        let sessions = scene.agr.records("session", POINT).await;
        sessions.iter().any(|session| session["key"]["charger"] == "CP-9").then_some(())
    })
    .await;
    assert_eq!(scene.agr.record("charger", "CP-9").await.unwrap()["connected"], true);
    registry::remove(&store, "CP-9", scene.now()).await.unwrap();
    knock(&scene);
    eventually("its transactions are not booked any more", async || {
        let later = charger.charge(scene.now()).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        scene.agr.record("session", &format!("CP-9/{later}")).await.is_none().then_some(())
    })
    .await;
    assert!(charger.csms.is_connected());
}
