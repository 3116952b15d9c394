//! What a CSMS can set and ask.

use serde_json::json;
use tieline_ocpp::{CallFailure, ErrorCode, Version};

use super::world::World;
use crate::support::eventually;

#[tokio::test]
async fn configuration_keys_of_1_6() {
    let world = World::start(Version::V1_6).await;
    let csms = &world.csms;
    let all = csms.call("GetConfiguration", json!({})).await.unwrap();
    let keys = all["configurationKey"].as_array().unwrap();
    let value = |name: &str| keys.iter().find(|key| key["key"] == name).unwrap().clone();
    assert_eq!(
        value("NumberOfConnectors"),
        json!({"key": "NumberOfConnectors", "readonly": true, "value": "2"})
    );
    assert_eq!(value("HeartbeatInterval")["value"], "600");
    assert!(value("AuthorizationKey").get("value").is_none());
    let some = csms.call("GetConfiguration", json!({"key": ["Nonsense", "ResetRetries"]})).await.unwrap();
    assert_eq!(
        (&some["unknownKey"], &some["configurationKey"][0]["key"]),
        (&json!(["Nonsense"]), &json!("ResetRetries"))
    );
    let many: Vec<String> = (0..51).map(|number| format!("Key{number}")).collect();
    match csms.call("GetConfiguration", json!({"key": many})).await {
        Err(CallFailure::Refused(error)) => assert_eq!(error.code, ErrorCode::PropertyConstraintViolation),
        other => panic!("{other:?}"),
    }
    for (key, value, status) in [
        ("Nonsense", "1", "NotSupported"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("HeartbeatInterval", "often", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("SecurityProfile", "2", "Rejected"),
        ("AuthorizationKey", "too short", "Rejected"),
        ("HeartbeatInterval", "77", "Accepted"),
    ] {
        let answer = csms.call("ChangeConfiguration", json!({"key": key, "value": value})).await.unwrap();
        assert_eq!(answer["status"], status, "{key} {value}");
    }
    eventually(|| (world.point.link().times().heartbeat.as_secs() == 77).then_some(())).await;
}

#[tokio::test]
async fn a_new_password_is_used_from_the_next_connection_on() {
    let world = World::start(Version::V1_6).await;
    let key = "000102030405060708090a0b0c0d0e0f";
    let peer = eventually(|| world.csms.registry.get("CS1")).await;
    let set = json!({"key": "AuthorizationKey", "value": key});
    assert_eq!(world.csms.call("ChangeConfiguration", set).await.unwrap()["status"], "Accepted");
    eventually(|| world.csms.registry.get("CS1").filter(|new| new.generation() != peer.generation())).await;
    world.connected().await;
    assert_eq!(world.csms.all("BootNotification").len(), 1);
}

#[tokio::test]
async fn variables_of_2_x() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let csms = &world.csms;
        let variable = |component: &str, variable: &str| json!({"component": {"name": component}, "variable": {"name": variable}});
        let mut set = variable("OCPPCommCtrlr", "HeartbeatInterval");
        set["attributeValue"] = json!("88");
        let mut locked = variable("SecurityCtrlr", "SecurityProfile");
        locked["attributeValue"] = json!("3");
        let mut unknown = variable("Nonsense", "X");
        unknown["attributeValue"] = json!("3");
        let answer =
            csms.call("SetVariables", json!({"setVariableData": [set, locked, unknown]})).await.unwrap();
        let statuses: Vec<_> = answer["setVariableResult"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["attributeStatus"].clone())
            .collect();
        assert_eq!(statuses, [json!("Accepted"), json!("Rejected"), json!("UnknownComponent")]);
        eventually(|| (world.point.link().times().heartbeat.as_secs() == 88).then_some(())).await;
        world.point.plug_in(1);
        let asked = json!([
            variable("OCPPCommCtrlr", "HeartbeatInterval"),
            variable("SecurityCtrlr", "BasicAuthPassword"),
            {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}},
            variable("ClockCtrlr", "DateTime"),
            variable("ClockCtrlr", "Nonsense"),
        ]);
        let got = csms.call("GetVariables", json!({"getVariableData": asked})).await.unwrap();
        let got = got["getVariableResult"].as_array().unwrap().clone();
        assert_eq!(got[0]["attributeValue"], "88");
        assert_eq!(got[1]["attributeStatus"], "Rejected");
        assert!(got[1].get("attributeValue").is_none());
        assert_eq!(got[2]["attributeValue"], "Occupied");
        assert_eq!(got[3]["attributeValue"], "2026-06-01T10:00:00Z");
        assert_eq!(got[4]["attributeStatus"], "UnknownVariable");
    }
}

#[tokio::test]
async fn reports_come_in_pages_after_the_answer() {
    let world = World::start(Version::V2_0_1).await;
    let csms = &world.csms;
    let answer =
        csms.call("GetBaseReport", json!({"requestId": 5, "reportBase": "FullInventory"})).await.unwrap();
    assert_eq!(answer["status"], "Accepted");
    let last =
        eventually(|| csms.all("NotifyReport").into_iter().find(|page| page.get("tbc").is_none())).await;
    let pages = csms.all("NotifyReport");
    assert!(pages.len() > 1);
    assert!(pages.iter().enumerate().all(|(number, page)| page["seqNo"] == number && page["requestId"] == 5));
    assert_eq!(last["seqNo"], pages.len() - 1);
    let one =
        json!({"requestId": 6, "componentVariable": [{"component": {"name": "EVSE", "evse": {"id": 2}}}]});
    assert_eq!(csms.call("GetReport", one).await.unwrap()["status"], "Accepted");
    let page = eventually(|| csms.all("NotifyReport").into_iter().find(|page| page["requestId"] == 6)).await;
    let told = |number: usize| {
        let datum = &page["reportData"][number];
        (
            datum["variable"]["name"].as_str().unwrap(),
            datum["variableAttribute"][0]["value"].as_str().unwrap(),
        )
    };
    assert_eq!(page["reportData"].as_array().unwrap().len(), 2);
    assert_eq!((told(0), told(1)), (("AvailabilityState", "Available"), ("Power", "11000")));
    let none = json!({"requestId": 7, "componentVariable": [{"component": {"name": "Nonsense"}}]});
    assert_eq!(csms.call("GetReport", none).await.unwrap()["status"], "EmptyResultSet");
}

#[tokio::test]
async fn the_local_list_has_a_version() {
    let world = World::start(Version::V1_6).await;
    let csms = &world.csms;
    let version =
        || async { csms.call("GetLocalListVersion", json!({})).await.unwrap()["listVersion"].clone() };
    assert_eq!(version().await, 0);
    let full = json!({"listVersion": 3, "updateType": "Full", "localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}]});
    assert_eq!(csms.call("SendLocalList", full).await.unwrap()["status"], "Accepted");
    assert_eq!(version().await, 3);
    let old =
        json!({"listVersion": 3, "updateType": "Differential", "localAuthorizationList": [{"idTag": "A"}]});
    assert_eq!(csms.call("SendLocalList", old).await.unwrap()["status"], "VersionMismatch");
    assert_eq!(csms.call("ClearCache", json!({})).await.unwrap()["status"], "Accepted");
}

#[tokio::test]
async fn pauses_between_attempts_to_connect_are_the_station_s_own_until_they_are_set() {
    let world = World::start(Version::V2_0_1).await;
    let set = |name: &str, value: &str| {
        let variable = json!({"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": name}, "attributeValue": value});
        json!({"setVariableData": [variable]})
    };
    let own = world.point.link().times().backoff;
    world.csms.call("SetVariables", set("HeartbeatInterval", "60")).await.unwrap();
    assert_eq!(world.point.link().times().backoff, own);
    world.csms.call("SetVariables", set("RetryBackOffWaitMinimum", "3")).await.unwrap();
    assert_eq!(world.point.link().times().backoff.wait_minimum.as_secs(), 3);
    let locked = world.csms.call("SetVariables", set("QueueAllMessages", "true")).await.unwrap();
    assert_eq!(locked["setVariableResult"][0]["attributeStatus"], "Rejected");
}
