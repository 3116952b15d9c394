//! Charging profiles: what the CSMS sets, and what the hardware is told.

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::{IdToken, SnapshotFile};

use super::world::{Csms, World};
use crate::support::eventually;

/// 16 A, and from five minutes after the start on 6 A.
fn profile(version: Version, id: i32, purpose: &str, transaction: Option<&Value>) -> Value {
    let periods = json!([{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 300, "limit": 6.0}]);
    let mut schedule = json!({"chargingRateUnit": "A", "chargingSchedulePeriod": periods});
    let mut profile =
        json!({"stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"});
    if version == Version::V1_6 {
        profile["chargingProfileId"] = json!(id);
        profile["chargingSchedule"] = schedule;
    } else {
        schedule["id"] = json!(1);
        profile["id"] = json!(id);
        profile["chargingSchedule"] = json!([schedule]);
    }
    if let Some(transaction) = transaction {
        profile["transactionId"] = transaction.clone();
    }
    profile
}

fn set(version: Version, evse: i32, profile: &Value) -> Value {
    match version {
        Version::V1_6 => json!({"connectorId": evse, "csChargingProfiles": profile}),
        _ => json!({"evseId": evse, "chargingProfile": profile}),
    }
}

fn composite(version: Version) -> Value {
    match version {
        Version::V1_6 => json!({"connectorId": 1, "duration": 600}),
        _ => json!({"evseId": 1, "duration": 600}),
    }
}

const VERSIONS: [Version; 3] = [Version::V1_6, Version::V2_0_1, Version::V2_1];

#[tokio::test]
async fn the_hardware_is_told_what_the_profiles_allow_from_period_to_period() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let default = set(version, 0, &profile(version, 1, "TxDefaultProfile", None));
        assert_eq!(csms.call("SetChargingProfile", default).await.unwrap()["status"], "Accepted");
        assert_eq!(world.limit().as_deref(), Some("free"));
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        world.limited("A 16").await;
        let asked = csms.call("GetCompositeSchedule", composite(version)).await.unwrap();
        assert_eq!(asked["status"], "Accepted");
        let schedule = if version == Version::V1_6 { &asked["chargingSchedule"] } else { &asked["schedule"] };
        let starts: Vec<_> = schedule["chargingSchedulePeriod"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["startPeriod"].clone())
            .collect();
        assert_eq!(starts, [json!(0), json!(300)]);
        for minute in 1..=5 {
            world.waits_for(&format!("2026-06-01T10:0{minute}:00Z")).await;
            world.advance(60);
        }
        world.limited("A 6").await;
        point.unplug(1);
        world.limited("free").await;
        assert_eq!(csms.call("ClearChargingProfile", clear(version, 1)).await.unwrap()["status"], "Accepted");
        assert_eq!(csms.call("ClearChargingProfile", clear(version, 1)).await.unwrap()["status"], "Unknown");
    }
}

fn clear(version: Version, id: i32) -> Value {
    if version == Version::V1_6 { json!({"id": id}) } else { json!({"chargingProfileId": id}) }
}

#[tokio::test]
async fn a_profile_of_a_transaction_ends_with_it() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        eventually(|| (point.link().owed() == 0).then_some(())).await;
        let transaction = match version {
            Version::V1_6 => json!(4711),
            _ => csms.all("TransactionEvent")[0]["transactionInfo"]["transactionId"].clone(),
        };
        let strange = if version == Version::V1_6 { json!(9) } else { json!("nobody's") };
        let wrong = set(version, 1, &profile(version, 2, "TxProfile", Some(&strange)));
        assert_eq!(csms.call("SetChargingProfile", wrong).await.unwrap()["status"], "Rejected");
        let right = set(version, 1, &profile(version, 3, "TxProfile", Some(&transaction)));
        assert_eq!(csms.call("SetChargingProfile", right).await.unwrap()["status"], "Accepted");
        world.limited("A 16").await;
        point.unplug(1);
        world.limited("free").await;
        assert_eq!(csms.call("ClearChargingProfile", clear(version, 3)).await.unwrap()["status"], "Unknown");
    }
}

#[tokio::test]
async fn a_request_to_start_brings_its_profile() {
    for version in VERSIONS {
        let world = World::start(version).await;
        world.point.plug_in(1);
        let profile = profile(version, 4, "TxProfile", None);
        let answer = if version == Version::V1_6 {
            let request = json!({"idTag": "R", "connectorId": 1, "chargingProfile": profile});
            world.csms.call("RemoteStartTransaction", request).await
        } else {
            let token = json!({"idToken": "R", "type": "Central"});
            let request =
                json!({"idToken": token, "remoteStartId": 1, "evseId": 1, "chargingProfile": profile});
            world.csms.call("RequestStartTransaction", request).await
        };
        assert_eq!(answer.unwrap()["status"], "Accepted");
        world.limited("A 16").await;
        // In 1.6 the transaction has got its number meanwhile, and the profile with it.
        eventually(|| (world.point.link().owed() == 0).then_some(())).await;
        assert_eq!(world.limit().as_deref(), Some("A 16"));
        world.point.unplug(1);
        world.limited("free").await;
    }
}

#[tokio::test]
async fn profiles_survive_a_restart() {
    for version in VERSIONS {
        let directory = tempfile::tempdir().unwrap();
        let snapshots = || SnapshotFile::new(directory.path().join("state"));
        let csms = Csms::start().await;
        let world = World::with(csms.clone(), version, |builder| builder.with_snapshots(snapshots()));
        world.online().await;
        let default = set(version, 1, &profile(version, 1, "TxDefaultProfile", None));
        csms.call("SetChargingProfile", default).await.unwrap();
        drop(world);
        eventually(|| csms.registry.is_empty().then_some(())).await;
        let world = World::with(csms, version, |builder| builder.with_snapshots(snapshots()));
        world.connected().await;
        world.point.plug_in(1);
        world.point.present(1, IdToken::card("A")).await;
        world.limited("A 16").await;
    }
}

#[tokio::test]
async fn profiles_are_reported_after_the_answer() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let csms = &world.csms;
        let asked = json!({"requestId": 8, "chargingProfile": {}});
        assert_eq!(csms.call("GetChargingProfiles", asked.clone()).await.unwrap()["status"], "NoProfiles");
        let default = profile(version, 1, "TxDefaultProfile", None);
        csms.call("SetChargingProfile", set(version, 1, &default)).await.unwrap();
        assert_eq!(csms.call("GetChargingProfiles", asked).await.unwrap()["status"], "Accepted");
        let report = csms.heard("ReportChargingProfiles", 1).await;
        assert_eq!((&report["requestId"], &report["evseId"]), (&json!(8), &json!(1)));
        assert_eq!(report["chargingProfile"][0]["id"], 1);
    }
}

#[tokio::test]
async fn a_dynamic_profile_follows_its_updates() {
    let world = World::start(Version::V2_1).await;
    let (point, csms) = (&world.point, &world.csms);
    point.plug_in(1);
    point.present(1, IdToken::card("A")).await;
    let schedule = json!({"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7000}]});
    let dynamic = json!({"id": 5, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Dynamic", "dynUpdateInterval": 30, "chargingSchedule": [schedule]});
    assert_eq!(
        csms.call("SetChargingProfile", set(Version::V2_1, 1, &dynamic)).await.unwrap()["status"],
        "Accepted"
    );
    world.limited("W 7000").await;
    let update = json!({"chargingProfileId": 5, "scheduleUpdate": {"limit": 5000}});
    assert_eq!(csms.call("UpdateDynamicSchedule", update).await.unwrap()["status"], "Accepted");
    world.limited("W 5000").await;
    let pulled = json!({"status": "Accepted", "scheduleUpdate": {"limit": 4000}});
    csms.answer("PullDynamicScheduleUpdate", [Ok(pulled)]);
    world.waits_for("2026-06-01T10:00:30Z").await;
    world.advance(30);
    assert_eq!(csms.heard("PullDynamicScheduleUpdate", 1).await, json!({"chargingProfileId": 5}));
    world.limited("W 4000").await;
}

#[tokio::test]
async fn priority_charging_goes_first() {
    let world = World::start(Version::V2_1).await;
    let (point, csms) = (&world.point, &world.csms);
    point.plug_in(1);
    point.present(1, IdToken::card("A")).await;
    csms.call(
        "SetChargingProfile",
        set(Version::V2_1, 1, &profile(Version::V2_1, 1, "TxDefaultProfile", None)),
    )
    .await
    .unwrap();
    world.limited("A 16").await;
    let transaction = csms.heard("TransactionEvent", 1).await["transactionInfo"]["transactionId"].clone();
    let activate = json!({"transactionId": transaction, "activate": true});
    assert_eq!(csms.call("UsePriorityCharging", activate.clone()).await.unwrap()["status"], "NoProfile");
    let mut first = profile(Version::V2_1, 2, "PriorityCharging", None);
    first["chargingSchedule"][0]["chargingSchedulePeriod"] = json!([{"startPeriod": 0, "limit": 32}]);
    csms.call("SetChargingProfile", set(Version::V2_1, 1, &first)).await.unwrap();
    assert_eq!(csms.call("UsePriorityCharging", activate).await.unwrap()["status"], "Accepted");
    world.limited("A 32").await;
    assert!(point.prioritize(1, false));
    world.limited("A 16").await;
    assert_eq!(
        csms.heard("NotifyPriorityCharging", 1).await,
        json!({"transactionId": transaction, "activated": false})
    );
}

/// A transaction may begin with the vehicle alone; a relative schedule counts from when energy may flow (2.0.1 errata 2023-12
/// §2.10.1).
#[tokio::test]
async fn a_relative_schedule_counts_from_when_the_driver_may_charge() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let start = json!({"setVariableData": [{
            "attributeValue": "EVConnected",
            "component": {"name": "TxCtrlr"},
            "variable": {"name": "TxStartPoint"}
        }]});
        let answer = csms.call("SetVariables", start).await.unwrap();
        assert_eq!(answer["setVariableResult"][0]["attributeStatus"], "Accepted");
        let default = set(version, 0, &profile(version, 1, "TxDefaultProfile", None));
        assert_eq!(csms.call("SetChargingProfile", default).await.unwrap()["status"], "Accepted");
        point.plug_in(1);
        csms.heard("TransactionEvent", 1).await;
        world.waits_for("2026-06-01T10:01:00Z").await;
        world.advance(60);
        point.present(1, IdToken::card("A")).await;
        for minute in 2..=5 {
            world.waits_for(&format!("2026-06-01T10:0{minute}:00Z")).await;
            world.advance(60);
        }
        // Five minutes after the start of the transaction, and four after energy might flow.
        let asked = csms.call("GetCompositeSchedule", composite(version)).await.unwrap();
        let periods = &asked["schedule"]["chargingSchedulePeriod"];
        assert_eq!((&periods[0]["limit"], &periods[1]["startPeriod"]), (&json!(16.0), &json!(60)), "{asked}");
        world.limited("A 16").await;
        world.waits_for("2026-06-01T10:06:00Z").await;
        world.advance(60);
        world.limited("A 6").await;
    }
}
