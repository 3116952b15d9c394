//! Messages on the station's display.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tieline_ocpp::charge_point::{IdToken, SnapshotFile, Transfer};
use tieline_ocpp::{CallFailure, ErrorCode, Version};

use super::world::{Csms, World};
use crate::support::eventually;

const VERSIONS: [Version; 2] = [Version::V2_0_1, Version::V2_1];

fn message(id: i32, priority: &str) -> Value {
    json!({"id": id, "priority": priority, "message": {"format": "UTF8", "content": "Hoi"}})
}

async fn set(csms: &Csms, message: Value) -> Value {
    csms.call("SetDisplayMessage", json!({"message": message})).await.unwrap()["status"].clone()
}

impl World {
    /// Waits until the hardware shows these messages.
    async fn shows(&self, messages: &[i32]) {
        eventually(|| {
            let shown = self.bench.shown.lock().unwrap();
            (shown.last().map(Vec::as_slice).unwrap_or_default() == messages).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn the_hardware_is_told_what_to_show() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        assert_eq!(set(csms, message(1, "NormalCycle")).await, "Accepted");
        assert_eq!(set(csms, message(2, "NormalCycle")).await, "Accepted");
        world.shows(&[1, 2]).await;
        let mut charging = message(3, "InFront");
        charging["state"] = json!("Charging");
        assert_eq!(set(csms, charging).await, "Accepted");
        let mut later = message(4, "AlwaysFront");
        later["startDateTime"] = json!("2026-06-01T10:00:20Z");
        later["endDateTime"] = json!("2026-06-01T10:00:40Z");
        assert_eq!(set(csms, later).await, "Accepted");
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        point.transfer(1, Transfer::Charging);
        world.shows(&[3]).await;
        let transaction = csms.heard("TransactionEvent", 1).await["transactionInfo"]["transactionId"].clone();
        let mut during = message(5, "InFront");
        during["transactionId"] = transaction.clone();
        assert_eq!(set(csms, during).await, "Accepted");
        world.shows(&[3, 5]).await;
        world.waits_for("2026-06-01T10:00:20Z").await;
        world.advance(20);
        world.shows(&[4]).await;
        world.waits_for("2026-06-01T10:00:40Z").await;
        world.advance(20);
        world.shows(&[3, 5]).await;
        let cost = json!({"totalCost": 4.25, "transactionId": transaction});
        assert_eq!(csms.call("CostUpdated", cost).await.unwrap(), json!({}));
        assert_eq!(*world.bench.costs.lock().unwrap(), [(1, "4.25".to_owned())]);
        // The message of the transaction goes with it.
        point.unplug(1);
        world.shows(&[1, 2]).await;
        assert_eq!(csms.call("ClearDisplayMessage", json!({"id": 1})).await.unwrap()["status"], "Accepted");
        assert_eq!(csms.call("ClearDisplayMessage", json!({"id": 5})).await.unwrap()["status"], "Unknown");
        world.shows(&[2]).await;
    }
}

#[tokio::test]
async fn messages_are_told_after_the_answer() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let csms = &world.csms;
        for id in 1..=12 {
            assert_eq!(set(csms, message(id, "NormalCycle")).await, "Accepted");
        }
        let mut front = message(13, "InFront");
        front["state"] = json!("Idle");
        front["display"] = json!({"name": "Display", "evse": {"id": 2}});
        if version == Version::V2_1 {
            front["messageExtra"] = json!([{"format": "ASCII", "content": "Hi", "language": "en"}]);
        }
        assert_eq!(set(csms, front.clone()).await, "Accepted");
        let ask =
            async |asked: Value| csms.call("GetDisplayMessages", asked).await.unwrap()["status"].clone();
        assert_eq!(ask(json!({"requestId": 1, "id": [99]})).await, "Unknown");
        assert_eq!(ask(json!({"requestId": 2, "priority": "InFront", "state": "Idle"})).await, "Accepted");
        let told = csms.heard("NotifyDisplayMessages", 1).await;
        assert_eq!(told, json!({"requestId": 2, "messageInfo": [front]}));
        assert_eq!(ask(json!({"requestId": 3})).await, "Accepted");
        csms.heard("NotifyDisplayMessages", 3).await;
        let pages = csms.all("NotifyDisplayMessages");
        assert_eq!(pages[1]["tbc"], true);
        assert_eq!(pages[1]["messageInfo"].as_array().unwrap().len(), 10);
        assert_eq!(pages[2]["messageInfo"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let csms = &world.csms;
        let mut page = message(1, "InFront");
        page["message"]["format"] = json!("HTML");
        assert_eq!(set(csms, page).await, "NotSupportedMessageFormat");
        let mut stranger = message(1, "InFront");
        stranger["transactionId"] = json!("nobody's");
        assert_eq!(set(csms, stranger).await, "UnknownTransaction");
        world.bench.is_blind.store(true, Ordering::Relaxed);
        let refused = csms.call("SetDisplayMessage", json!({"message": message(1, "InFront")})).await;
        assert!(matches!(refused, Err(CallFailure::Refused(error)) if error.code == ErrorCode::NotSupported));
    }
}

#[tokio::test]
async fn messages_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = || SnapshotFile::new(directory.path().join("state"));
    let csms = Csms::start().await;
    let world = World::with(csms.clone(), Version::V2_1, |builder| builder.with_snapshots(snapshots()));
    world.online().await;
    let mut one = message(1, "InFront");
    one["display"] = json!({"name": "Display"});
    assert_eq!(set(&csms, one).await, "Accepted");
    drop(world);
    eventually(|| csms.registry.is_empty().then_some(())).await;
    let world = World::with(csms, Version::V2_1, |builder| builder.with_snapshots(snapshots()));
    world.connected().await;
    world.shows(&[1]).await;
}
