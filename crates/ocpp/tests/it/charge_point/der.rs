//! Controls of distributed energy resources (2.1).

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tieline_ocpp::charge_point::SnapshotFile;
use tieline_ocpp::v21::{DERControl, NotifyDERAlarmRequest};
use tieline_ocpp::{CallFailure, ErrorCode, Version};

use super::world::{Csms, World};
use crate::support::eventually;

fn default(id: &str) -> Value {
    let content = json!({"priority": 1, "pctMaxDischargePower": 80});
    json!({"isDefault": true, "controlId": id, "controlType": "LimitMaxDischarge", "limitMaxDischarge": content})
}

fn scheduled(id: &str, start: &str, seconds: i32) -> Value {
    let content = json!({"priority": 1, "pctMaxDischargePower": 20, "startTime": start, "duration": seconds});
    json!({"isDefault": false, "controlId": id, "controlType": "LimitMaxDischarge", "limitMaxDischarge": content})
}

impl World {
    async fn follows(&self, controls: &[&str]) {
        eventually(|| {
            let told = self.bench.controls.lock().unwrap();
            told.last().is_some_and(|last| last == controls).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn the_hardware_follows_controls_and_the_csms_hears_when_they_start_and_stop() {
    let world = World::start(Version::V2_1).await;
    let (point, csms) = (&world.point, &world.csms);
    let set = async |control: Value| csms.call("SetDERControl", control).await.unwrap()["status"].clone();
    assert_eq!(set(default("base")).await, "Accepted");
    world.follows(&["base"]).await;
    assert_eq!(set(scheduled("evening", "2026-06-01T10:00:30Z", 60)).await, "Accepted");
    let other = json!({"isDefault": true, "controlId": "x", "controlType": "Gradients", "gradient": {"priority": 0, "gradient": 1, "softGradient": 1}});
    assert_eq!(set(other).await, "NotSupported");
    world.waits_for("2026-06-01T10:00:30Z").await;
    world.advance(30);
    world.follows(&["evening"]).await;
    let told = csms.heard("NotifyDERStartStop", 1).await;
    assert_eq!(
        (&told["controlId"], &told["started"], &told["supersededIds"]),
        (&json!("evening"), &json!(true), &json!(["base"]))
    );
    let asked = json!({"requestId": 9});
    assert_eq!(csms.call("GetDERControl", asked).await.unwrap()["status"], "Accepted");
    let report = csms.heard("ReportDERControl", 1).await;
    assert_eq!((&report["requestId"], report["limitMaxDischarge"].as_array().unwrap().len()), (&json!(9), 2));
    world.waits_for("2026-06-01T10:01:30Z").await;
    world.advance(60);
    world.follows(&["base"]).await;
    let told = csms.heard("NotifyDERStartStop", 2).await;
    assert_eq!((&told["controlId"], &told["started"]), (&json!("evening"), &json!(false)));
    let cleared = csms.call("ClearDERControl", json!({"isDefault": true})).await.unwrap();
    assert_eq!(cleared["status"], "Accepted");
    world.follows(&[]).await;
    let alarm = NotifyDERAlarmRequest::new(DERControl::LimitMaxDischarge, point.link().now());
    assert!(point.notify_der_alarm(&alarm));
    assert_eq!(csms.heard("NotifyDERAlarm", 1).await["controlType"], "LimitMaxDischarge");
}

#[tokio::test]
async fn controls_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = || SnapshotFile::new(directory.path().join("state"));
    let csms = Csms::start().await;
    let world = World::with(csms.clone(), Version::V2_1, |builder| builder.with_snapshots(snapshots()));
    world.online().await;
    assert_eq!(csms.call("SetDERControl", default("base")).await.unwrap()["status"], "Accepted");
    drop(world);
    eventually(|| csms.registry.is_empty().then_some(())).await;
    let world = World::with(csms, Version::V2_1, |builder| builder.with_snapshots(snapshots()));
    world.follows(&["base"]).await;
}

#[tokio::test]
async fn a_station_that_feeds_nothing_back_says_so() {
    let csms = Csms::start().await;
    let world = World::blind(csms, Version::V2_1);
    world.online().await;
    assert!(world.bench.is_blind.load(Ordering::Relaxed));
    let refused = world.csms.call("SetDERControl", default("base")).await;
    assert!(matches!(refused, Err(CallFailure::Refused(error)) if error.code == ErrorCode::NotSupported));
    let old = World::start(Version::V2_0_1).await;
    let alarm = NotifyDERAlarmRequest::new(DERControl::LimitMaxDischarge, old.point.link().now());
    assert!(!old.point.notify_der_alarm(&alarm));
}
