//! Chargers that an operator adds beside the file, and their passwords.

use std::sync::{Arc, Mutex};

use tieline_edge::websocket;
use tieline_node::registry::{self, Registration, RegistryError};
use tieline_ocpp::client::{ChargingStation, ConnectError};
use tieline_ocpp::csms::PasswordHash;
use tieline_ocpp::{CallOptions, EndReason, Ocpp, Peer, Version, v16, v201};
use tieline_service::{Call, Router, State};
use tieline_store::{SqliteOptions, SqliteStore};
use tokio::task::JoinHandle;

use crate::commands::{HOUR, ask, becomes, knock};
use crate::daemon::eventually;
use crate::scene::{CONNECTION, Scene};

const PASSWORD: &[u8] = b"open sesame 4711";

/// What a charger answers to the change of its password.
type Answer = Arc<Mutex<Option<&'static str>>>;

fn registration(identity: &str) -> Registration {
    let tolerances = vec!["long_strings".to_owned()];
    Registration { tolerances, ..crate::tls::registration(identity, 1, None) }
}

fn hash(password: &[u8]) -> PasswordHash {
    PasswordHash::of(password, [7; 16])
}

/// Another process's view of the database.
fn beside(scene: &Scene) -> SqliteStore {
    SqliteStore::open(&scene.agr.database(), SqliteOptions::default()).unwrap()
}

async fn add(scene: &Scene, registration: Registration) -> Result<(), RegistryError> {
    let password = (registration.security_profile > 0).then(|| hash(PASSWORD));
    registry::add(&beside(scene), registration, password, scene.now()).await
}

async fn on_configuration(
    _: Call<v16::ChangeConfigurationRequest>,
    csms: Peer,
    State(answer): State<Answer>,
) -> v16::ChangeConfigurationResponse {
    let status = *answer.lock().unwrap();
    match status {
        Some("Accepted") => v16::ChangeConfigurationResponse::new(v16::ConfigurationStatus::Accepted),
        Some(_) => v16::ChangeConfigurationResponse::new(v16::ConfigurationStatus::Rejected),
        None => {
            csms.close("before it has answered");
            std::future::pending().await
        }
    }
}

async fn on_variables(
    call: Call<v201::SetVariablesRequest>,
    State(answer): State<Answer>,
) -> v201::SetVariablesResponse {
    let status = *answer.lock().unwrap();
    let status = if status == Some("Accepted") {
        v201::SetVariableStatus::Accepted
    } else {
        v201::SetVariableStatus::Rejected
    };
    let of = |data: &v201::SetVariableData| {
        v201::SetVariableResult::new(status.clone(), data.component.clone(), data.variable.clone())
    };
    v201::SetVariablesResponse::new(call.set_variable_data.iter().map(of).collect())
}

/// A charger at the node with this password, or the status of its refusal.
async fn connect(
    scene: &Scene,
    (identity, version): (&str, Version),
    password: Option<&[u8]>,
    answer: &Answer,
) -> Result<(Peer, JoinHandle<EndReason>), u16> {
    let address = format!("ws://{}/ocpp", scene.agr.ocpp());
    let station = ChargingStation::new(&address, identity, [version]).unwrap();
    if let Some(password) = password {
        station.set_password(password);
    }
    let router = Router::<Ocpp, Answer>::new().on(on_configuration).on(on_variables);
    match station.connect(router.with_state(Arc::clone(answer))).await {
        Ok(session) => Ok((session.peer().clone(), tokio::spawn(session.run()))),
        Err(ConnectError::WebSocket(websocket::ConnectError::Refused(status))) => Err(status.as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn status(scene: &Scene, identity: &str, password: Option<&[u8]>) -> u16 {
    match connect(scene, (identity, Version::V1_6), password, &Answer::default()).await {
        Ok((peer, running)) => {
            peer.close("bye");
            running.await.unwrap();
            101
        }
        Err(status) => status,
    }
}

/// Waits until a charger with this password gets this status.
async fn gets(scene: &Scene, identity: &str, password: &[u8], wanted: u16) {
    let what = format!("{identity} gets {wanted}");
    eventually(&what, async || (status(scene, identity, Some(password)).await == wanted).then_some(())).await;
}

#[tokio::test]
async fn a_charger_that_is_added_may_connect_and_charge_at_once_and_one_that_is_removed_is_cut_off() {
    let mut scene = Scene::new().await;
    assert_eq!(status(&scene, "CP-9", Some(PASSWORD)).await, 404);
    add(&scene, registration("CP-9")).await.unwrap();
    knock(&scene);
    gets(&scene, "CP-9", PASSWORD, 101).await;
    assert_eq!(status(&scene, "CP-9", Some(b"open sesame 4712")).await, 401);
    assert_eq!(status(&scene, "CP-9", None).await, 401);
    scene.agr.restart().await;
    let charger = ("CP-9", Version::V1_6);
    let (peer, running) = connect(&scene, charger, Some(PASSWORD), &Answer::default()).await.unwrap();
    let boot = format!(r#"{{"chargePointVendor":"{}","chargePointModel":"M"}}"#, "V".repeat(30));
    let boot = serde_json::value::RawValue::from_string(boot).unwrap();
    let booted = peer.call_raw("BootNotification", boot, CallOptions::default()).await;
    assert!(booted.is_ok(), "what is forgiven to it is kept: {booted:?}");
    let start = v16::StartTransactionRequest::new(1, "TAG", 0, crate::charger::when(scene.now()));
    let number = peer.call(start).await.unwrap().transaction_id;
    let session = scene.agr.record("session", &format!("CP-9/{number}")).await;
    assert_eq!(session.expect("it is in the fleet's book")["connection"], CONNECTION);

    registry::remove(&beside(&scene), "CP-9", scene.now()).await.unwrap();
    knock(&scene);
    let ended = running.await.unwrap();
    assert!(matches!(ended, EndReason::ClosedByPeer(_)), "{ended:?}");
    assert_eq!(status(&scene, "CP-9", Some(PASSWORD)).await, 404);
    // It comes back with another password and without what it had before.
    add(&scene, registration("CP-9")).await.unwrap();
    knock(&scene);
    gets(&scene, "CP-9", PASSWORD, 101).await;
    let journal = scene.agr.journal().await;
    let labels = journal.iter().map(|entry| &*entry.entry.label).filter(|label| label.starts_with("Charger"));
    assert_eq!(labels.collect::<Vec<_>>(), ["ChargerAdded", "ChargerRemoved", "ChargerAdded"]);
}

#[tokio::test]
async fn what_cannot_be_added_is_named() {
    let scene = Scene::new().await;
    let refused = async |change: fn(&mut Registration)| {
        let mut wrong = registration("CP-9");
        change(&mut wrong);
        add(&scene, wrong).await.unwrap_err().to_string()
    };
    assert_eq!(refused(|it| it.identity = "CP-1".to_owned()).await, "CP-1 is in the node's file");
    let elsewhere = "ean.871685900012345999";
    let said = refused(|it| it.connection = "ean.871685900012345999".parse().unwrap()).await;
    assert_eq!(said, format!("{elsewhere} is no agr.connection of the node"));
    assert!(refused(|it| it.phases = 4).await.contains("ocpp.charger CP-9 phases"));
    assert!(refused(|it| it.tolerances.push("everything".to_owned())).await.contains("tolerances"));
    assert!(refused(|it| it.security_profile = 3).await.contains("have no password"));
    assert!(refused(|it| it.security_profile = 4).await.contains("is 0, 1, 2 or 3"));
    assert!(refused(|it| it.serial_number = Some("SN".to_owned())).await.contains("for security profile 3"));
    add(&scene, registration("CP-9")).await.unwrap();
    assert_eq!(refused(|_| {}).await, "CP-9 is in the store already");
    let store = beside(&scene);
    let said = registry::remove(&store, "CP-1", scene.now()).await.unwrap_err().to_string();
    assert_eq!(said, "CP-1 is in the node's file");
    let said = registry::remove(&store, "CP-8", scene.now()).await.unwrap_err().to_string();
    assert_eq!(said, "CP-8 is not in the store");
    let listed = registry::listed(&store).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|known| (&*known.identity, known.added.is_some())).collect();
    let in_file = ["CP-1", "CP-2", "CP-3", "CP-4"].map(|identity| (identity, false));
    assert_eq!(listed, [&in_file[..], &[("CP-9", true)]].concat());
}

#[tokio::test]
async fn a_charger_in_the_file_and_in_the_store_starts_no_node() {
    let mut scene = Scene::new().await;
    add(&scene, registration("CP-9")).await.unwrap();
    scene.agr.stop().await;
    scene.agr.config += &crate::scene::charger_of("CP-9", 3, "W");
    let refused = scene.agr.another().await.unwrap_err().to_string();
    assert_eq!(refused, "ocpp.charger CP-9: is in the file and in the store; remove it from one of them");
    registry::remove(&beside(&scene), "CP-9", scene.now()).await.unwrap();
    scene.agr.resume().await;
    assert_eq!(status(&scene, "CP-9", None).await, 101);
}

#[tokio::test]
async fn security_profile_2_is_refused_where_there_is_no_tls() {
    let scene = Scene::new().await;
    add(&scene, Registration { security_profile: 2, ..registration("CP-8") }).await.unwrap();
    add(&scene, Registration { security_profile: 0, ..registration("CP-9") }).await.unwrap();
    knock(&scene);
    gets(&scene, "CP-9", b"", 101).await;
    assert_eq!(status(&scene, "CP-8", Some(PASSWORD)).await, 401);
}

#[tokio::test]
async fn a_changed_password_closes_nothing_and_counts_at_the_next_connect() {
    let scene = Scene::new().await;
    add(&scene, registration("CP-9")).await.unwrap();
    knock(&scene);
    gets(&scene, "CP-9", PASSWORD, 101).await;
    let charger = ("CP-9", Version::V1_6);
    let (peer, _running) = connect(&scene, charger, Some(PASSWORD), &Answer::default()).await.unwrap();
    let other = b"close sesame 4711";
    registry::set_password(&beside(&scene), "CP-9", hash(other), scene.now()).await.unwrap();
    // Once this one is heeded, what was before it is, too.
    add(&scene, registration("CP-8")).await.unwrap();
    knock(&scene);
    gets(&scene, "CP-8", PASSWORD, 101).await;
    assert!(peer.is_connected());
    assert_eq!(status(&scene, "CP-9", Some(PASSWORD)).await, 401);
    assert_eq!(status(&scene, "CP-9", Some(other)).await, 101);
}

#[tokio::test]
async fn a_password_given_over_ocpp_is_valid_once_accepted_and_alone_once_used() {
    let scene = Scene::new().await;
    add(&scene, registration("CP-9")).await.unwrap();
    knock(&scene);
    gets(&scene, "CP-9", PASSWORD, 101).await;
    let answer = Answer::default();
    let charger = ("CP-9", Version::V2_0_1);
    let (_peer, _running) = connect(&scene, charger, Some(PASSWORD), &answer).await.unwrap();
    let other = b"close sesame 4711";
    let payload = r#"{"setVariableData":[{"attributeValue":"close sesame 4711",
        "component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}"#;
    let call = async |number: u128, conduct: &'static str| {
        *answer.lock().unwrap() = Some(conduct);
        let id = ask(&scene, ("CP-9", number), "SetVariables", payload, HOUR).await;
        knock(&scene);
        becomes(&scene, id, tieline_node::command::CommandState::is_final).await;
        let kept = scene.agr.record("command", &id.to_string()).await.unwrap().to_string();
        assert!(kept.contains("BasicAuthPassword") && !kept.contains("close sesame"), "{kept}");
    };
    call(1, "Rejected").await;
    assert_eq!(
        scene.agr.record("charger-credential", "CP-9").await.unwrap()["next"],
        serde_json::Value::Null
    );
    call(2, "Accepted").await;
    let kept = scene.agr.record("charger-credential", "CP-9").await.unwrap();
    assert!(kept["next"].as_str().unwrap().starts_with("$pbkdf2-sha256$i=4096$"), "{kept}");
    gets(&scene, "CP-9", PASSWORD, 101).await;
    gets(&scene, "CP-9", other, 101).await;
    gets(&scene, "CP-9", PASSWORD, 401).await;
    assert_eq!(status(&scene, "CP-9", Some(other)).await, 101);
    let journal = scene.agr.journal().await;
    let shown = |entry: &tieline_store::JournalEntry| {
        String::from_utf8_lossy(&entry.entry.bytes).contains("close sesame")
    };
    assert!(!journal.iter().any(shown), "no secret is journalled");
}

#[tokio::test]
async fn a_charger_of_the_file_whose_answer_is_lost_is_not_locked_out_and_its_file_counts_once_it_changes() {
    let mut scene = Scene::new().await;
    let answer = Answer::default();
    let charger = ("CP-1", Version::V1_6);
    let (_peer, running) = connect(&scene, charger, None, &answer).await.unwrap();
    let key: Vec<u8> = (0..16).chain([0xFF; 4]).collect();
    let payload = r#"{"key":"AuthorizationKey","value":"000102030405060708090A0B0C0D0E0FFFFFFFFF"}"#;
    let id = ask(&scene, ("CP-1", 1), "ChangeConfiguration", payload, HOUR).await;
    knock(&scene);
    running.await.unwrap();
    *answer.lock().unwrap() = Some("Accepted");
    eventually("the new key is known", async || {
        scene.agr.record("charger-credential", "CP-1").await.filter(|known| known["next"].is_string())
    })
    .await;
    assert_eq!(status(&scene, "CP-1", None).await, 101, "it may not have taken it");
    let (_peer, _running) = connect(&scene, charger, Some(&key), &answer).await.unwrap();
    becomes(&scene, id, tieline_node::command::CommandState::is_final).await;
    gets(&scene, "CP-1", b"", 401).await;
    scene.agr.restart().await;
    assert_eq!(status(&scene, "CP-1", Some(&key)).await, 101);
    assert_eq!(status(&scene, "CP-1", None).await, 401);

    scene.agr.stop().await;
    scene.agr.write_secret("cp-1.password", "open sesame 4711\n");
    scene.agr.config = scene.agr.config.replacen(
        "identity = \"CP-1\"",
        "identity = \"CP-1\"\npassword_file = \"cp-1.password\"",
        1,
    );
    scene.agr.resume().await;
    assert_eq!(status(&scene, "CP-1", Some(PASSWORD)).await, 101);
    assert_eq!(status(&scene, "CP-1", Some(&key)).await, 401);
}
