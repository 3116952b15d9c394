//! What an operator asks of chargers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tieline_node::command::{self, Asked, CommandState};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::{CallError, EndReason, Ocpp, Peer, Version, v16};
use tieline_service::{Call, Router, State};
use tieline_store::{SqliteOptions, SqliteStore};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::daemon::eventually;
use crate::scene::Scene;

/// A charger that answers what it is asked, by the kind of what it is.
struct Asker {
    csms: Peer,
    running: JoinHandle<EndReason>,
    seen: Seen,
}

/// What a charger was asked.
type Seen = Arc<Mutex<Vec<String>>>;

async fn on_clear(_: Call<v16::ClearCacheRequest>, State(seen): State<Seen>) -> v16::ClearCacheResponse {
    seen.lock().unwrap().push("ClearCache".to_owned());
    v16::ClearCacheResponse::new(v16::ClearCacheStatus::Accepted)
}

async fn on_unlock(
    _: Call<v16::UnlockConnectorRequest>,
    State(seen): State<Seen>,
) -> Result<v16::UnlockConnectorResponse, CallError> {
    seen.lock().unwrap().push("UnlockConnector".to_owned());
    Err(CallError::security("the door is guarded"))
}

/// It goes before it answers.
async fn on_reset(_: Call<v16::ResetRequest>, csms: Peer, State(seen): State<Seen>) -> v16::ResetResponse {
    seen.lock().unwrap().push("Reset".to_owned());
    csms.close("reset");
    tokio::time::sleep(Duration::from_millis(200)).await;
    v16::ResetResponse::new(v16::ResetStatus::Accepted)
}

async fn on_configuration(
    call: Call<v16::GetConfigurationRequest>,
    csms: Peer,
    State(seen): State<Seen>,
) -> v16::GetConfigurationResponse {
    // What the node asks by itself names keys.
    if call.key.is_some() {
        return v16::GetConfigurationResponse::new();
    }
    let times = {
        let mut seen = seen.lock().unwrap();
        seen.push("GetConfiguration".to_owned());
        seen.len()
    };
    if times == 1 {
        csms.close("by mistake");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    v16::GetConfigurationResponse::new()
}

impl Asker {
    async fn connect(scene: &Scene, seen: &Seen) -> Self {
        let address = format!("ws://{}/ocpp", scene.agr.ocpp());
        let station = ChargingStation::new(&address, "CP-1", [Version::V1_6]).unwrap();
        let router = Router::<Ocpp, Seen>::new().on(on_clear).on(on_unlock).on(on_reset).on(on_configuration);
        let session = station.connect(router.with_state(Arc::clone(seen))).await.unwrap();
        let csms = session.peer().clone();
        let running = tokio::spawn(session.run());
        let mut boot = v16::BootNotificationRequest::new("Takara", "Optimus");
        boot.charge_point_serial_number = Some("SN-7".to_owned());
        csms.call(boot).await.unwrap();
        Self { csms, running, seen: Arc::clone(seen) }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn leave(self) {
        self.csms.close("bye");
        self.running.await.unwrap();
    }
}

/// Asks as another process does: through a database of its own, and by a knock.
pub(crate) async fn ask(
    scene: &Scene,
    (charger, number): (&str, u128),
    action: &str,
    payload: &str,
    valid: SignedDuration,
) -> Uuid {
    let store = SqliteStore::open(&scene.agr.database(), SqliteOptions::default()).unwrap();
    let (id, now) = (Uuid::from_u128(number), scene.now());
    let asked = Asked {
        id,
        action: action.to_owned(),
        payload: payload.to_owned(),
        asked: now,
        until: now.checked_add(valid).unwrap(),
        state: CommandState::Waiting,
    };
    command::ask(&store, charger, asked).await.unwrap();
    id
}

pub(crate) fn knock(scene: &Scene) {
    tieline_node::wake(scene.agr.database().parent().unwrap()).unwrap();
}

pub(crate) async fn becomes(scene: &Scene, id: Uuid, wanted: fn(&CommandState) -> bool) -> CommandState {
    eventually("the command has come so far", async || {
        let known = command::command(&**scene.agr.node().store(), id).await.unwrap().unwrap();
        wanted(&known.state).then_some(known.state)
    })
    .await
}

pub(crate) const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn commands_are_sent_in_their_order_and_answered() {
    let scene = Scene::new().await;
    let seen = Seen::default();
    let charger = Asker::connect(&scene, &seen).await;
    let first = ask(&scene, ("CP-1", 1), "ClearCache", "{}", HOUR).await;
    let second = ask(&scene, ("CP-1", 2), "UnlockConnector", r#"{"connectorId":1}"#, HOUR).await;
    let unknown = ask(&scene, ("CP-1", 3), "GetVariables", "{}", HOUR).await;
    knock(&scene);
    let answered = becomes(&scene, first, CommandState::is_final).await;
    assert!(
        matches!(&answered, CommandState::Answered { response, .. } if response == r#"{"status":"Accepted"}"#),
        "{answered:?}"
    );
    let refused = becomes(&scene, second, CommandState::is_final).await;
    assert!(
        matches!(&refused, CommandState::Refused { cause, .. } if cause.contains("the door is guarded")),
        "{refused:?}"
    );
    let refused = becomes(&scene, unknown, CommandState::is_final).await;
    assert!(matches!(&refused, CommandState::Refused { .. }), "1.6 has no such action: {refused:?}");
    assert_eq!(charger.seen(), ["ClearCache", "UnlockConnector"]);
    let journal = scene.agr.journal().await;
    let journalled: Vec<_> = journal.iter().filter(|entry| entry.entry.label == "Command").collect();
    assert_eq!(journalled.len(), 3);
    assert_eq!((&*journalled[0].entry.peer, &*journalled[0].entry.protocol), ("CP-1", "operator"));
}

#[tokio::test]
async fn a_command_waits_for_its_charger_over_a_restart_and_no_longer_than_it_is_valid() {
    let mut scene = Scene::new().await;
    let seen = Seen::default();
    let waits = ask(&scene, ("CP-1", 1), "ClearCache", "{}", HOUR).await;
    let late = ask(&scene, ("CP-1", 2), "ClearCache", "{}", SignedDuration::from_mins(10)).await;
    knock(&scene);
    scene.agr.restart().await;
    scene.clock.advance(SignedDuration::from_mins(11));
    // The first is still before it.
    assert_eq!(becomes(&scene, late, CommandState::is_final).await, CommandState::Expired);
    let charger = Asker::connect(&scene, &seen).await;
    let answered = becomes(&scene, waits, CommandState::is_final).await;
    assert!(matches!(answered, CommandState::Answered { .. }), "{answered:?}");
    assert_eq!(charger.seen(), ["ClearCache"]);
}

#[tokio::test]
async fn what_may_have_arrived_is_sent_again_only_if_that_changes_nothing() {
    let scene = Scene::new().await;
    let seen = Seen::default();
    let charger = Asker::connect(&scene, &seen).await;
    let harmless = ask(&scene, ("CP-1", 1), "GetConfiguration", "{}", HOUR).await;
    knock(&scene);
    charger.running.await.unwrap();
    let charger = Asker::connect(&scene, &seen).await;
    let answered = becomes(&scene, harmless, CommandState::is_final).await;
    assert!(matches!(answered, CommandState::Answered { .. }), "{answered:?}");
    let once = ask(&scene, ("CP-1", 2), "Reset", r#"{"type":"Hard"}"#, HOUR).await;
    knock(&scene);
    let unanswered = becomes(&scene, once, CommandState::is_final).await;
    assert!(matches!(unanswered, CommandState::Unanswered { .. }), "{unanswered:?}");
    charger.running.await.unwrap();
    let charger = Asker::connect(&scene, &seen).await;
    let after = ask(&scene, ("CP-1", 3), "ClearCache", "{}", HOUR).await;
    knock(&scene);
    becomes(&scene, after, CommandState::is_final).await;
    assert_eq!(charger.seen(), ["GetConfiguration", "GetConfiguration", "Reset", "ClearCache"]);
}

#[tokio::test]
async fn chargers_are_known_by_what_they_said_and_when_they_came_and_went() {
    let mut scene = Scene::new().await;
    let known = async |scene: &Scene| command::chargers(&**scene.agr.node().store()).await.unwrap();
    assert_eq!(known(&scene).await, []);
    let came = scene.now();
    let charger = Asker::connect(&scene, &Seen::default()).await;
    let there =
        eventually("it is there", async || known(&scene).await.into_iter().find(|known| known.connected))
            .await;
    assert_eq!((&*there.identity, &*there.version, there.since), ("CP-1", "1.6", came));
    let made = ("Takara".to_owned(), "Optimus".to_owned(), Some("SN-7".to_owned()), None);
    assert_eq!((there.made, there.booted), (Some(made), Some(came)));
    scene.clock.advance(HOUR);
    charger.leave().await;
    let gone =
        eventually("it is away", async || known(&scene).await.into_iter().find(|known| !known.connected))
            .await;
    assert_eq!(gone.since, came + HOUR);
    let _charger = Asker::connect(&scene, &Seen::default()).await;
    eventually("it is there", async || known(&scene).await.into_iter().find(|known| known.connected)).await;
    scene.agr.restart().await;
    let after: Vec<Timestamp> =
        known(&scene).await.iter().filter(|known| !known.connected).map(|known| known.since).collect();
    assert_eq!(after, [came + HOUR], "nobody is there yet");
}
