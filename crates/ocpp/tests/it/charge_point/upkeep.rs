//! Triggers, firmware, logs and certificates.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::IdToken;

use super::world::{Csms, START, World};
use crate::support::eventually;

fn statuses(csms: &Csms, action: &str) -> Vec<Value> {
    csms.all(action).iter().map(|one| one["status"].clone()).collect()
}

async fn until_status(csms: &Csms, action: &str, status: &str) -> Vec<Value> {
    eventually(|| Some(statuses(csms, action)).filter(|all| all.last().is_some_and(|last| last == status)))
        .await
}

#[tokio::test]
async fn what_is_asked_for_comes_after_the_answer() {
    let world = World::start(Version::V1_6).await;
    let csms = &world.csms;
    for (message, action, before) in [
        ("BootNotification", "BootNotification", 1),
        ("Heartbeat", "Heartbeat", 0),
        ("MeterValues", "MeterValues", 0),
        ("FirmwareStatusNotification", "FirmwareStatusNotification", 0),
        ("DiagnosticsStatusNotification", "DiagnosticsStatusNotification", 0),
    ] {
        let asked = json!({"requestedMessage": message, "connectorId": 1});
        assert_eq!(csms.call("TriggerMessage", asked).await.unwrap()["status"], "Accepted", "{message}");
        csms.heard(action, before + 1).await;
    }
    let told = csms.all("StatusNotification").len();
    csms.call("TriggerMessage", json!({"requestedMessage": "StatusNotification", "connectorId": 2}))
        .await
        .unwrap();
    eventually(|| {
        csms.all("StatusNotification")[told..].iter().any(|one| one["connectorId"] == 2).then_some(())
    })
    .await;
    let nowhere = json!({"requestedMessage": "StatusNotification", "connectorId": 9});
    assert_eq!(csms.call("TriggerMessage", nowhere).await.unwrap()["status"], "Rejected");
    let asked = json!({"requestedMessage": "SignChargePointCertificate"});
    assert_eq!(csms.call("ExtendedTriggerMessage", asked).await.unwrap()["status"], "Accepted");
    assert!(csms.heard("SignCertificate", 1).await["csr"].as_str().unwrap().contains("CERTIFICATE REQUEST"));
}

#[tokio::test]
async fn what_is_asked_for_in_2_x() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let csms = &world.csms;
        world.point.plug_in(1);
        world.point.present(1, IdToken::card("A")).await;
        csms.heard("TransactionEvent", 1).await;
        for (message, action, before) in [
            ("BootNotification", "BootNotification", 1),
            ("Heartbeat", "Heartbeat", 0),
            ("MeterValues", "MeterValues", 0),
            ("TransactionEvent", "TransactionEvent", 1),
            ("FirmwareStatusNotification", "FirmwareStatusNotification", 0),
            ("LogStatusNotification", "LogStatusNotification", 0),
            ("SignChargingStationCertificate", "SignCertificate", 0),
        ] {
            let asked = json!({"requestedMessage": message, "evse": {"id": 1}});
            assert_eq!(csms.call("TriggerMessage", asked).await.unwrap()["status"], "Accepted", "{message}");
            csms.heard(action, before + 1).await;
        }
        assert_eq!(csms.all("BootNotification")[1]["reason"], "Triggered");
        assert_eq!(csms.all("TransactionEvent")[1]["triggerReason"], "Trigger");
        let other = json!({"requestedMessage": "PublishFirmwareStatusNotification"});
        assert_eq!(csms.call("TriggerMessage", other).await.unwrap()["status"], "NotImplemented");
    }
}

#[tokio::test]
async fn firmware_the_old_way() {
    let world = World::start(Version::V1_6).await;
    let csms = &world.csms;
    world.bench.downloads_fail.store(1, Ordering::Relaxed);
    let update =
        json!({"location": "https://example.com/f", "retrieveDate": "2026-06-01T10:00:00Z", "retries": 1});
    csms.call("UpdateFirmware", update.clone()).await.unwrap();
    let seen = until_status(csms, "FirmwareStatusNotification", "Installed").await;
    assert_eq!(seen, ["Downloading", "Downloaded", "Installing", "Installed"].map(Value::from));
    world.bench.downloads_fail.store(9, Ordering::Relaxed);
    csms.call("UpdateFirmware", update).await.unwrap();
    let seen = until_status(csms, "FirmwareStatusNotification", "DownloadFailed").await;
    assert_eq!(seen[4..], ["Downloading", "DownloadFailed"].map(Value::from));
}

#[tokio::test]
async fn signed_firmware_waits_for_its_time_and_for_drivers() {
    for version in [Version::V1_6, Version::V2_0_1] {
        // No heartbeat sets the clock back meanwhile.
        let csms = Csms::start().await;
        csms.answer(
            "BootNotification",
            [Ok(json!({"status": "Accepted", "currentTime": START, "interval": 86_400}))],
        );
        let world = World::with(csms, version, |builder| builder);
        world.online().await;
        let csms = &world.csms;
        let (update, told) = match version {
            Version::V1_6 => ("SignedUpdateFirmware", "SignedFirmwareStatusNotification"),
            _ => ("UpdateFirmware", "FirmwareStatusNotification"),
        };
        let request = |number: i32, signer: &str| {
            json!({"requestId": number, "firmware": {
                "location": "https://example.com/f", "retrieveDateTime": "2026-06-01T10:10:00Z",
                "installDateTime": "2026-06-01T10:20:00Z", "signingCertificate": signer, "signature": "c2ln"}})
        };
        let strange = csms.call(update, request(1, "somebody's")).await.unwrap();
        assert_eq!(strange["status"], "InvalidCertificate");
        csms.heard("SecurityEventNotification", 1).await;
        world.point.plug_in(1);
        world.point.present(1, IdToken::card("A")).await;
        assert_eq!(csms.call(update, request(2, "the maker's")).await.unwrap()["status"], "Accepted");
        until_status(csms, told, "DownloadScheduled").await;
        wait_for(&world, "2026-06-01T10:10:00Z").await;
        until_status(csms, told, "InstallScheduled").await;
        wait_for(&world, "2026-06-01T10:20:00Z").await;
        // Somebody is charging.
        assert_eq!(statuses(csms, told).last().unwrap(), "InstallScheduled");
        world.point.unplug(1);
        let seen = until_status(csms, told, "Installed").await;
        let expected = [
            "DownloadScheduled",
            "Downloading",
            "Downloaded",
            "SignatureVerified",
            "InstallScheduled",
            "Installing",
            "Installed",
        ];
        assert_eq!(seen, expected.map(Value::from));
        assert!(csms.all(told).iter().all(|one| one["requestId"] == 2));

        world.bench.bad_signature.store(true, Ordering::Relaxed);
        csms.call(update, request(3, "the maker's")).await.unwrap();
        until_status(csms, told, "InvalidSignature").await;
        assert_eq!(csms.heard("SecurityEventNotification", 2).await["type"], "InvalidFirmwareSignature");
    }
}

/// Lets time go on to this instant, once something waits for it.
async fn wait_for(world: &World, instant: &str) {
    use tieline_types::Clock as _;
    let at: jiff::Timestamp = instant.parse().unwrap();
    while world.clock.now() < at {
        let next = eventually(|| world.clock.next_wait()).await;
        world.clock.set(next.min(at));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn logs_are_uploaded() {
    let world = World::start(Version::V1_6).await;
    let csms = &world.csms;
    let answer = csms.call("GetDiagnostics", json!({"location": "ftp://example.com/"})).await.unwrap();
    assert_eq!(answer["fileName"], "diagnostics.log");
    let seen = until_status(csms, "DiagnosticsStatusNotification", "Uploaded").await;
    assert_eq!(seen, ["Uploading", "Uploaded"].map(Value::from));
    for version in [Version::V1_6, Version::V2_1] {
        let world = World::start(version).await;
        let csms = &world.csms;
        let request = json!({"requestId": 3, "logType": "SecurityLog", "log": {"remoteLocation": "ftp://denied.example.com/"}});
        let answer = csms.call("GetLog", request).await.unwrap();
        assert_eq!((&answer["status"], &answer["filename"]), (&json!("Accepted"), &json!("security.log")));
        let seen = until_status(csms, "LogStatusNotification", "PermissionDenied").await;
        assert_eq!(seen, ["Uploading", "PermissionDenied"].map(Value::from));
        assert!(csms.all("LogStatusNotification").iter().all(|one| one["requestId"] == 3));
    }
}

#[tokio::test]
async fn certificates() {
    for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let csms = &world.csms;
        let root =
            if version == Version::V1_6 { "CentralSystemRootCertificate" } else { "CSMSRootCertificate" };
        let install = |pem: &str| json!({"certificateType": root, "certificate": pem});
        let good = csms.call("InstallCertificate", install("-----BEGIN CERTIFICATE-----")).await.unwrap();
        assert_eq!(good["status"], "Accepted");
        assert_eq!(csms.call("InstallCertificate", install("x")).await.unwrap()["status"], "Rejected");
        let which = if version == Version::V1_6 { json!(root) } else { json!([root]) };
        let known = csms.call("GetInstalledCertificateIds", json!({"certificateType": which})).await.unwrap();
        assert_eq!(known["status"], "Accepted");
        let hash = json!({"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"});
        let told = if version == Version::V1_6 {
            &known["certificateHashData"][0]
        } else {
            &known["certificateHashDataChain"][0]["certificateHashData"]
        };
        assert_eq!(*told, hash);
        let delete = json!({"certificateHashData": hash});
        assert_eq!(csms.call("DeleteCertificate", delete).await.unwrap()["status"], "Accepted");
        let bad = csms.call("CertificateSigned", json!({"certificateChain": "theirs"})).await.unwrap();
        assert_eq!(bad["status"], "Rejected");
        csms.heard("SecurityEventNotification", 1).await;
        let peer = eventually(|| csms.registry.get("CS1")).await;
        let good = csms.call("CertificateSigned", json!({"certificateChain": "ours"})).await.unwrap();
        assert_eq!(good["status"], "Accepted");
        // It connects anew with it.
        eventually(|| csms.registry.get("CS1").filter(|new| new.generation() != peer.generation())).await;
    }
}
