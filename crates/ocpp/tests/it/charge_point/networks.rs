//! Other ways to a CSMS, and higher security profiles.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::SnapshotFile;

use super::world::{Csms, World};
use crate::support::eventually;

const VERSIONS: [Version; 2] = [Version::V2_0_1, Version::V2_1];

fn profile(slot: i32, url: &str, security_profile: i32) -> Value {
    let data = json!({
        "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": url, "messageTimeout": 30,
        "securityProfile": security_profile, "ocppInterface": "Wired0",
    });
    json!({"configurationSlot": slot, "connectionData": data})
}

fn url(csms: &Csms, scheme: &str) -> String {
    format!("{scheme}://{}/ocpp", csms.address)
}

/// Status and reason.
async fn set(csms: &Csms, profile: Value) -> (Value, Value) {
    let answer = csms.call("SetNetworkProfile", profile).await.unwrap();
    (answer["status"].clone(), answer["statusInfo"]["reasonCode"].clone())
}

async fn prioritize(csms: &Csms, priority: &str) -> (Value, Value) {
    let variable = json!({"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}, "attributeValue": priority});
    let answer = csms.call("SetVariables", json!({"setVariableData": [variable]})).await.unwrap();
    let result = &answer["setVariableResult"][0];
    (result["attributeStatus"].clone(), result["attributeStatusInfo"]["reasonCode"].clone())
}

async fn variable(csms: &Csms, component: &str, name: &str) -> String {
    let asked = json!({"component": {"name": component}, "variable": {"name": name}});
    let answer = csms.call("GetVariables", json!({"getVariableData": [asked]})).await.unwrap();
    answer["getVariableResult"][0]["attributeValue"].as_str().unwrap().to_owned()
}

async fn reset(csms: &Csms) {
    let answer = csms.call("Reset", json!({"type": "Immediate"})).await.unwrap();
    assert_eq!(answer["status"], "Accepted");
}

#[tokio::test]
async fn a_station_moves_to_another_csms_with_the_next_reset() {
    for version in VERSIONS {
        let (old, new) = (Csms::start().await, Csms::start().await);
        let directory = tempfile::tempdir().unwrap();
        let snapshots = || SnapshotFile::new(directory.path().join("state"));
        let world = World::with(old.clone(), version, |builder| builder.with_snapshots(snapshots()));
        world.online().await;
        assert_eq!(set(&old, profile(1, &url(&new, "ws"), 1)).await.0, "Accepted");
        assert_eq!(prioritize(&old, "1,0").await.0, "Accepted");
        assert_eq!(variable(&old, "OCPPCommCtrlr", "NetworkConfigurationPriority").await, "1,0");
        assert_eq!(variable(&old, "OCPPCommCtrlr", "ActiveNetworkProfile").await, "0");
        assert!(new.said().is_empty());
        reset(&old).await;
        assert_eq!(new.heard("BootNotification", 1).await["reason"], "RemoteReset");
        assert_eq!(variable(&new, "OCPPCommCtrlr", "ActiveNetworkProfile").await, "1");
        assert_eq!(set(&new, profile(1, &url(&old, "ws"), 1)).await.1, "PriorityNetworkConf");
        drop(world);
        eventually(|| new.registry.is_empty().then_some(())).await;
        let world = World::with(old, version, |builder| builder.with_snapshots(snapshots()));
        new.heard("BootNotification", 2).await;
        drop(world);
    }
}

#[tokio::test]
async fn a_station_comes_back_when_the_other_csms_cannot_be_reached() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let csms = &world.csms;
        assert_eq!(set(csms, profile(1, "ws://127.0.0.1:1/ocpp", 1)).await.0, "Accepted");
        assert_eq!(prioritize(csms, "1").await.0, "Accepted");
        reset(csms).await;
        csms.heard("BootNotification", 2).await;
        assert_eq!(variable(csms, "OCPPCommCtrlr", "ActiveNetworkProfile").await, "0");
        assert_eq!(variable(csms, "OCPPCommCtrlr", "NetworkConfigurationPriority").await, "1");
    }
}

#[tokio::test]
async fn a_higher_security_profile_is_kept_and_a_lower_one_refused() {
    for version in VERSIONS {
        let (old, new) = (Csms::start().await, Csms::start().await);
        let world = World::with(old.clone(), version, |builder| builder.with_security_profile(1));
        world.online().await;
        let refused = |reason: &str| (json!("Rejected"), json!(reason));
        assert_eq!(set(&old, profile(1, &url(&new, "ws"), 0)).await, refused("NoSecurityDowngrade"));
        assert_eq!(set(&old, profile(1, &url(&new, "ws"), 2)).await, refused("InvalidNetworkConf"));
        assert_eq!(set(&old, profile(0, &url(&new, "wss"), 2)).await, refused("InvalidNetworkConf"));
        let mut soap = profile(1, &url(&new, "wss"), 2);
        soap["connectionData"]["ocppTransport"] = json!("SOAP");
        assert_eq!(set(&old, soap).await, refused("InvalidNetworkConf"));
        assert_eq!(set(&old, profile(1, "wss://no host/", 2)).await, refused("InvalidNetworkConf"));
        assert_eq!(prioritize(&old, "1").await, refused("InvalidNetworkConf"));
        assert_eq!(set(&old, profile(1, &url(&new, "wss"), 2)).await.0, "Accepted");
        assert_eq!(prioritize(&old, "1,0").await.0, "Accepted");
        reset(&old).await;
        new.heard("BootNotification", 1).await;
        assert_eq!(variable(&new, "SecurityCtrlr", "SecurityProfile").await, "2");
        // There is no way back.
        assert_eq!(variable(&new, "OCPPCommCtrlr", "NetworkConfigurationPriority").await, "1");
        assert_eq!(prioritize(&new, "0").await, refused("NoSecurityDowngrade"));
        assert_eq!(set(&new, profile(2, &url(&old, "ws"), 1)).await, refused("NoSecurityDowngrade"));
    }
}

#[tokio::test]
async fn a_station_that_knows_one_way_takes_no_other() {
    let csms = Csms::start().await;
    let world = World::blind(csms, Version::V2_1);
    world.online().await;
    let refused = set(&world.csms, profile(1, &url(&world.csms, "ws"), 1)).await;
    assert_eq!(refused, (json!("Rejected"), json!("InvalidNetworkConf")));
}

async fn change(csms: &Csms, key: &str, value: &str) -> Value {
    let answer = csms.call("ChangeConfiguration", json!({"key": key, "value": value})).await.unwrap();
    answer["status"].clone()
}

async fn security_profile(csms: &Csms) -> Value {
    let answer = csms.call("GetConfiguration", json!({"key": ["SecurityProfile"]})).await.unwrap();
    answer["configurationKey"][0]["value"].clone()
}

#[tokio::test]
async fn security_profiles_of_1_6() {
    let world = World::start(Version::V1_6).await;
    let csms = &world.csms;
    let anew = async || {
        let peer = csms.registry.get("CS1").unwrap();
        eventually(|| csms.registry.get("CS1").filter(|new| new.generation() != peer.generation())).await;
        world.connected().await;
    };
    assert_eq!(security_profile(csms).await, "0");
    // It has no password.
    assert_eq!(change(csms, "SecurityProfile", "1").await, "Rejected");
    assert_eq!(change(csms, "SecurityProfile", "4").await, "Rejected");
    let ((), status) =
        tokio::join!(anew(), change(csms, "AuthorizationKey", "000102030405060708090a0b0c0d0e0f"));
    assert_eq!(status, "Accepted");
    let ((), status) = tokio::join!(anew(), change(csms, "SecurityProfile", "2"));
    assert_eq!(status, "Accepted");
    assert_eq!(security_profile(csms).await, "2");
    assert_eq!(change(csms, "SecurityProfile", "1").await, "Rejected");
    assert_eq!(change(csms, "SecurityProfile", "2").await, "Accepted");
    // What can't be reached is given up.
    world.bench.is_cut_off.store(true, Ordering::Relaxed);
    let ((), status) = tokio::join!(anew(), change(csms, "SecurityProfile", "3"));
    assert_eq!(status, "Accepted");
    assert_eq!(security_profile(csms).await, "2");
    // It has been the same CSMS all the time.
    assert_eq!(csms.all("BootNotification").len(), 1);
}
