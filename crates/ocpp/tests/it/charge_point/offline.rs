//! What happens while there is no connection, and over a power cut.

use serde_json::{Value, json};
use tieline_ocpp::charge_point::{FileStore, IdToken, SnapshotFile};
use tieline_ocpp::{ErrorCode, Version};

use super::world::{Csms, World};
use crate::support::eventually;

/// A whole session without a connection, with a driver who is on the local list.
async fn session_offline(world: &World) {
    let list =
        json!({"listVersion": 1, "versionNumber": 1, "updateType": "Full", "localAuthorizationList": []});
    let mut list = list.as_object().unwrap().clone();
    let accepted = json!({"status": "Accepted"});
    if world.point.link().peer().unwrap().version() == Version::V1_6 {
        list.remove("versionNumber");
        list["localAuthorizationList"] = json!([{"idTag": "A", "idTagInfo": accepted}]);
    } else {
        list.remove("listVersion");
        let token = json!({"idToken": "A", "type": "ISO14443"});
        list["localAuthorizationList"] = json!([{"idToken": token, "idTokenInfo": accepted}]);
    }
    let answer = world.csms.call("SendLocalList", Value::Object(list)).await.unwrap();
    assert_eq!(answer, json!({"status": "Accepted"}));
}

#[tokio::test]
async fn a_session_without_a_connection_is_told_afterwards_in_order() {
    for version in [Version::V1_6, Version::V2_1] {
        let world = World::start(version).await;
        session_offline(&world).await;
        // The CSMS hangs: nobody can connect to it for a while.
        let (point, csms) = (&world.point, &world.csms);
        point.plug_in(1);
        csms.answer(
            "StartTransaction",
            [Ok(json!({"transactionId": 77, "idTagInfo": {"status": "Accepted"}}))],
        );
        csms.registry.close_all();
        eventually(|| (!point.link().is_online()).then_some(())).await;
        let presented = point.present(1, IdToken::card("A")).await;
        assert_eq!(presented, tieline_ocpp::charge_point::Presented::Authorized);
        point.unplug(1);
        world.connected().await;
        if version == Version::V1_6 {
            let stop = csms.heard("StopTransaction", 1).await;
            assert_eq!(stop["transactionId"], 77);
            let order: Vec<String> = csms.said().into_iter().map(|(action, _)| action).collect();
            let place = |wanted: &str| order.iter().position(|action| action == wanted).unwrap();
            assert!(place("StartTransaction") < place("StopTransaction"));
        } else {
            csms.heard("TransactionEvent", 2).await;
            let events = csms.all("TransactionEvent");
            assert_eq!(
                events.iter().map(|event| event["seqNo"].as_i64().unwrap()).collect::<Vec<_>>(),
                [0, 1]
            );
            assert!(events.iter().all(|event| event["offline"] == true), "{events:?}");
        }
        assert_eq!(csms.all("BootNotification").len(), 1);
        eventually(|| (point.link().owed() == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn a_message_is_sent_again_and_given_up_in_the_end() {
    let world = World::start(Version::V1_6).await;
    let (point, csms) = (&world.point, &world.csms);
    csms.answer("StartTransaction", [Err(ErrorCode::InternalError)]);
    point.plug_in(1);
    point.present(1, IdToken::card("A")).await;
    point.unplug(1);
    for (attempt, pause) in [(1, 60), (2, 120)] {
        csms.heard("StartTransaction", attempt).await;
        let due = world.clock_shows(pause);
        eventually(|| {
            let is_overtaken = !csms.all("StopTransaction").is_empty();
            let is_sent_again = csms.all("StartTransaction").len() > attempt;
            assert!(is_sent_again || !is_overtaken, "meanwhile nothing overtakes it");
            world.advance(5);
            is_sent_again.then_some(())
        })
        .await;
        assert!(world.clock_shows(0) >= due, "it waits longer each time");
    }
    csms.heard("StartTransaction", 3).await;
    // The CSMS never said a number (errata 4.0 §3.18).
    let stop = csms.heard("StopTransaction", 1).await;
    assert_eq!(stop["transactionId"], -1);
    assert_eq!(csms.all("StartTransaction").len(), 3);
}

impl World {
    fn clock_shows(&self, later: i64) -> jiff::Timestamp {
        use tieline_types::Clock as _;
        self.clock.now().checked_add(jiff::SignedDuration::from_secs(later)).unwrap()
    }
}

#[tokio::test]
async fn a_power_cut_loses_nothing() {
    for version in [Version::V1_6, Version::V2_0_1] {
        let directory = tempfile::tempdir().unwrap();
        let files = |builder: tieline_ocpp::charge_point::Builder| {
            let messages = FileStore::open(directory.path().join("messages")).unwrap();
            builder
                .with_messages(messages, 100)
                .with_snapshots(SnapshotFile::new(directory.path().join("state")))
        };
        let csms = Csms::start().await;
        csms.answer(
            "StartTransaction",
            [Ok(json!({"transactionId": 5, "idTagInfo": {"status": "Accepted"}}))],
        );
        let world = World::with(csms.clone(), version, files);
        world.online().await;
        let set = if version == Version::V1_6 {
            csms.call("ChangeConfiguration", json!({"key": "MeterValueSampleInterval", "value": "17"})).await
        } else {
            let variable = json!([{"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}, "attributeValue": "17"}]);
            csms.call("SetVariables", json!({"setVariableData": variable})).await
        };
        set.unwrap();
        world.point.plug_in(1);
        world.point.present(1, IdToken::card("A")).await;
        eventually(|| (world.point.link().owed() == 0).then_some(())).await;
        drop(world);
        eventually(|| csms.registry.is_empty().then_some(())).await;

        // The power is back, and the vehicle leaves.
        let before = csms.said().len();
        let world = World::with(csms.clone(), version, files);
        world.connected().await;
        let asked = if version == Version::V1_6 {
            csms.call("GetConfiguration", json!({"key": ["MeterValueSampleInterval"]})).await.unwrap()
                ["configurationKey"][0]["value"]
                .clone()
        } else {
            let variable = json!([{"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}]);
            csms.call("GetVariables", json!({"getVariableData": variable})).await.unwrap()["getVariableResult"][0]
                ["attributeValue"]
                .clone()
        };
        assert_eq!(asked, "17");
        world.point.unplug(1);
        if version == Version::V1_6 {
            let stop = csms.heard("StopTransaction", 1).await;
            assert_eq!((&stop["transactionId"], &stop["reason"]), (&json!(5), &json!("EVDisconnected")));
        } else {
            let end = csms.heard("TransactionEvent", 2).await;
            assert_eq!((&end["eventType"], &end["seqNo"]), (&json!("Ended"), &json!(1)));
            assert_eq!(
                end["transactionInfo"]["transactionId"],
                csms.all("TransactionEvent")[0]["transactionInfo"]["transactionId"]
            );
        }
        assert_eq!(csms.said()[before].0, "BootNotification");
    }
}

#[tokio::test]
async fn after_a_power_cut_meters_are_read_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = || SnapshotFile::new(directory.path().join("state"));
    let csms = Csms::start().await;
    let world = World::with(csms.clone(), Version::V1_6, |builder| builder.with_snapshots(snapshots()));
    world.online().await;
    for (key, value) in [("MeterValueSampleInterval", "20"), ("ClockAlignedDataInterval", "30")] {
        csms.call("ChangeConfiguration", json!({"key": key, "value": value})).await.unwrap();
    }
    world.point.plug_in(1);
    world.point.present(1, IdToken::card("A")).await;
    eventually(|| (world.point.link().owed() == 0).then_some(())).await;
    drop(world);
    eventually(|| csms.registry.is_empty().then_some(())).await;

    let world = World::with(csms.clone(), Version::V1_6, |builder| builder.with_snapshots(snapshots()));
    world.connected().await;
    world.waits_for("2026-06-01T10:00:20Z").await;
    world.advance(20);
    let sample = csms.heard("MeterValues", 1).await;
    assert_eq!((&sample["connectorId"], &sample["transactionId"]), (&json!(1), &json!(4711)));
    world.waits_for("2026-06-01T10:00:30Z").await;
    world.advance(10);
    csms.heard("MeterValues", 3).await;
    let alone = csms.all("MeterValues").into_iter().find(|one| one["connectorId"] == 2).unwrap();
    assert_eq!(alone["meterValue"][0]["sampledValue"][0]["context"], "Sample.Clock");
}
