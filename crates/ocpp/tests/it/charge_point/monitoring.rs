//! Variable monitoring: what the CSMS sets, and the events that follow.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::{EventDetails, IdToken, ObserveError, SnapshotFile};

use super::world::{Csms, World, outlet};
use crate::support::eventually;

const VERSIONS: [Version; 2] = [Version::V2_0_1, Version::V2_1];

fn connector() -> Value {
    json!({"name": "Connector", "evse": {"id": 1, "connectorId": 1}})
}

fn monitor(component: &Value, variable: &str, kind: &str, value: f64) -> Value {
    json!({"component": component, "variable": {"name": variable}, "type": kind, "value": value, "severity": 5})
}

/// Sets these monitors and returns status and id of each.
async fn set(csms: &Csms, monitors: Value) -> Vec<(String, Option<i64>)> {
    let answer = csms.call("SetVariableMonitoring", json!({"setMonitoringData": monitors})).await.unwrap();
    let results = answer["setMonitoringResult"].as_array().unwrap();
    let told = |one: &Value| (one["status"].as_str().unwrap().to_owned(), one["id"].as_i64());
    results.iter().map(told).collect()
}

async fn event(csms: &Csms, number: usize) -> Value {
    csms.heard("NotifyEvent", number).await["eventData"][0].clone()
}

#[tokio::test]
async fn thresholds_alert_and_clear() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let hot = monitor(&connector(), "Temperature", "UpperThreshold", 50.0);
        let id = set(csms, json!([hot])).await[0].1.unwrap();
        assert_eq!(point.observe(outlet(), "Temperature", "50"), Ok(vec![]));
        let mut details = EventDetails::default();
        details.tech_info = Some("the fan is stuck".to_owned());
        details.cause = Some(77);
        let events = point.observe_with(outlet(), "Temperature", "50.5", &details).unwrap();
        let told = event(csms, 1).await;
        assert_eq!(events, [i32::try_from(told["eventId"].as_i64().unwrap()).unwrap()]);
        let expected = json!({
            "trigger": "Alerting", "actualValue": "50.5", "eventNotificationType": "CustomMonitor",
            "variableMonitoringId": id, "techInfo": "the fan is stuck", "cause": 77,
            "component": connector(), "variable": {"name": "Temperature"},
        });
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(told[member], *value, "{member}");
        }
        assert!(told.get("cleared").is_none());
        assert_eq!(told.get("severity").is_some(), version == Version::V2_1);
        assert_eq!(point.observe(outlet(), "Temperature", "60"), Ok(vec![]));
        point.observe(outlet(), "Temperature", "49").unwrap();
        let told = event(csms, 2).await;
        assert_eq!((&told["cleared"], &told["actualValue"]), (&json!(true), &json!("49")));
        // The maker's are exceeded, too, and the CSMS's own once more.
        point.observe(outlet(), "Temperature", "95").unwrap();
        let told = csms.heard("NotifyEvent", 3).await;
        let kinds: Vec<_> =
            told["eventData"].as_array().unwrap().iter().map(|one| &one["eventNotificationType"]).collect();
        assert_eq!(kinds, ["HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"]);
        assert_eq!(point.observe(outlet(), "Nonsense", "1"), Err(ObserveError::UnknownVariable));
        assert_eq!(point.observe(outlet(), "Temperature", "hot"), Err(ObserveError::WrongType));
    }
}

#[tokio::test]
async fn monitors_that_make_no_sense_are_refused() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let csms = &world.csms;
        let here = connector();
        let mut unknown = monitor(&json!({"name": "Nonsense"}), "Temperature", "Delta", 1.0);
        unknown["severity"] = json!(9);
        let mut severe = monitor(&here, "Temperature", "Delta", 1.0);
        severe["severity"] = json!(10);
        let mut replaces_none = monitor(&here, "Temperature", "Delta", 1.0);
        replaces_none["id"] = json!(4711);
        let mut replaces_hard_wired = monitor(&here, "Temperature", "Delta", 1.0);
        replaces_hard_wired["id"] = json!(1);
        let mut replaces_other = monitor(&here, "AvailabilityState", "Delta", 1.0);
        replaces_other["id"] = json!(2);
        let statuses = set(
            csms,
            json!(
                [
                    unknown,
                    monitor(&here, "Nonsense", "Delta", 1.0),
                    monitor(&here, "AvailabilityState", "UpperThreshold", 1.0),
                    monitor(&here, "AvailabilityState", "TargetDelta", 1.0),
                    monitor(&json!({"name": "SecurityCtrlr"}), "BasicAuthPassword", "Delta", 1.0),
                    monitor(&here, "Temperature", "UpperThreshold", 121.0),
                    monitor(&here, "Temperature", "Delta", -1.0),
                    monitor(&here, "Temperature", "Periodic", 0.0),
                    severe,
                    replaces_none,
                    replaces_hard_wired,
                    replaces_other,
                    monitor(&here, "Temperature", "LowerThreshold", 1.0),
                    monitor(&here, "Temperature", "LowerThreshold", 2.0),
                ]
                .into_iter()
                .filter(|one| version == Version::V2_1 || one["type"] != "TargetDelta")
                .collect::<Vec<_>>()
            ),
        )
        .await;
        let mut expected = vec!["UnknownComponent", "UnknownVariable", "UnsupportedMonitorType"];
        if version == Version::V2_1 {
            expected.push("UnsupportedMonitorType");
        }
        expected.push("UnsupportedMonitorType");
        expected.extend(["Rejected"; 7]);
        expected.extend(["Accepted", "Duplicate"]);
        assert_eq!(statuses.iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>(), expected);
        let answer = csms.call("ClearVariableMonitoring", json!({"id": [1, 2, 4711]})).await.unwrap();
        let cleared: Vec<_> =
            answer["clearMonitoringResult"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
        assert_eq!(cleared, ["Rejected", "Accepted", "NotFound"]);
    }
}

#[tokio::test]
async fn differences_of_what_the_station_knows_itself() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let mut power = monitor(&json!({"name": "EVSE", "evse": {"id": 1}}), "Power", "Delta", 500.0);
        power["transaction"] = json!(true);
        let state = monitor(&json!({"name": "EVSE", "evse": {"id": 1}}), "AvailabilityState", "Delta", 1.0);
        set(csms, json!([power, state])).await;
        point.plug_in(1);
        let told = event(csms, 1).await;
        assert_eq!((&told["trigger"], &told["actualValue"]), (&json!("Delta"), &json!("Occupied")));
        // Without a transaction nobody asks for the power.
        world.bench.extra_power.store(1000, Ordering::Relaxed);
        point.present(1, IdToken::card("A")).await;
        world.bench.extra_power.store(2000, Ordering::Relaxed);
        point.observe(outlet(), "Temperature", "20").unwrap();
        let told = event(csms, 2).await;
        let transaction = csms.heard("TransactionEvent", 1).await["transactionInfo"]["transactionId"].clone();
        assert_eq!((&told["actualValue"], &told["transactionId"]), (&json!("13000"), &transaction));
    }
}

#[tokio::test]
async fn periods_and_targets() {
    let world = World::start(Version::V2_1).await;
    let (point, csms) = (&world.point, &world.csms);
    point.observe(outlet(), "Temperature", "40").unwrap();
    let here = connector();
    let statuses = set(
        csms,
        json!([
            monitor(&here, "Temperature", "Periodic", 70.0),
            monitor(&here, "Temperature", "PeriodicClockAligned", 900.0),
            monitor(&here, "Temperature", "TargetDeltaRelative", 0.5),
        ]),
    )
    .await;
    assert!(statuses.iter().all(|(status, _)| status == "Accepted"), "{statuses:?}");
    world.waits_for("2026-06-01T10:01:10Z").await;
    world.advance(70);
    let told = event(csms, 1).await;
    assert_eq!((&told["trigger"], &told["actualValue"]), (&json!("Periodic"), &json!("40")));
    world.waits_for("2026-06-01T10:02:20Z").await;
    point.observe(outlet(), "Temperature", "61").unwrap();
    let told = event(csms, 2).await;
    assert_eq!((&told["trigger"], &told["variableMonitoringId"]), (&json!("Delta"), &json!(statuses[2].1)));
    world.clock.set("2026-06-01T10:15:00Z".parse().unwrap());
    // Both at once: the period that has passed meanwhile is not made up for.
    let told = csms.heard("NotifyEvent", 3).await;
    assert_eq!(told["eventData"].as_array().unwrap().len(), 2);
    world.waits_for("2026-06-01T10:16:10Z").await;
}

#[tokio::test]
async fn base_and_level() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let mut overrules = monitor(&connector(), "Temperature", "UpperThreshold", 30.0);
        overrules["id"] = json!(2);
        assert_eq!(set(csms, json!([overrules])).await, [("Accepted".to_owned(), Some(2))]);
        assert_eq!(
            csms.call("SetMonitoringLevel", json!({"severity": 10})).await.unwrap()["status"],
            "Rejected"
        );
        assert_eq!(
            csms.call("SetMonitoringLevel", json!({"severity": 4})).await.unwrap()["status"],
            "Accepted"
        );
        assert_eq!(point.observe(outlet(), "Temperature", "80"), Ok(vec![]));
        csms.call("SetMonitoringLevel", json!({"severity": 9})).await.unwrap();
        // Now it may speak.
        assert_eq!(event(csms, 1).await["eventNotificationType"], "CustomMonitor");
        csms.call("SetMonitoringBase", json!({"monitoringBase": "FactoryDefault"})).await.unwrap();
        assert_eq!(event(csms, 2).await["eventNotificationType"], "PreconfiguredMonitor");
        csms.call("SetMonitoringBase", json!({"monitoringBase": "HardWiredOnly"})).await.unwrap();
        assert_eq!(point.observe(outlet(), "Temperature", "20"), Ok(vec![]));
        assert_eq!(point.observe(outlet(), "Temperature", "80"), Ok(vec![]));
        let asked = json!({"getVariableData": [{"component": {"name": "MonitoringCtrlr"}, "variable": {"name": "ActiveMonitoringBase"}}]});
        let answer = csms.call("GetVariables", asked).await.unwrap();
        assert_eq!(answer["getVariableResult"][0]["attributeValue"], "HardWiredOnly");
    }
}

#[tokio::test]
async fn reports_come_after_the_answer() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let csms = &world.csms;
        let here = connector();
        set(
            csms,
            json!([
                monitor(&here, "Temperature", "Delta", 3.0),
                monitor(&here, "AvailabilityState", "Delta", 1.0)
            ]),
        )
        .await;
        let ask = async |request: i32, more: Value| {
            let mut asked = json!({"requestId": request});
            asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            csms.call("GetMonitoringReport", asked).await.unwrap()["status"].clone()
        };
        assert_eq!(ask(1, json!({"monitoringCriteria": ["PeriodicMonitoring"]})).await, "EmptyResultSet");
        assert_eq!(ask(2, json!({"monitoringCriteria": ["DeltaMonitoring"]})).await, "Accepted");
        let report = csms.heard("NotifyMonitoringReport", 1).await;
        assert_eq!((&report["requestId"], &report["seqNo"]), (&json!(2), &json!(0)));
        assert_eq!(report["monitor"].as_array().unwrap().len(), 2);
        let only = json!({"componentVariable": [{"component": {"name": "Connector"}, "variable": {"name": "Temperature"}}]});
        assert_eq!(ask(3, only).await, "Accepted");
        let report = csms.heard("NotifyMonitoringReport", 2).await;
        let monitors = report["monitor"][0]["variableMonitoring"].as_array().unwrap();
        assert_eq!(
            monitors.iter().map(|one| &one["type"]).collect::<Vec<_>>(),
            ["UpperThreshold", "UpperThreshold", "Delta"]
        );
        assert_eq!(monitors[2]["value"], 3.0);
        assert_eq!(monitors[0].get("eventNotificationType").is_some(), version == Version::V2_1);
    }
}

#[tokio::test]
async fn monitors_outlive_a_restart_and_an_alert_is_cleared_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = || SnapshotFile::new(directory.path().join("state"));
    let csms = Csms::start().await;
    let world = World::with(csms.clone(), Version::V2_1, |builder| builder.with_snapshots(snapshots()));
    world.online().await;
    let id = set(&csms, json!([monitor(&connector(), "Temperature", "UpperThreshold", 50.0)])).await[0].1;
    world.point.observe(outlet(), "Temperature", "60").unwrap();
    csms.heard("NotifyEvent", 1).await;
    drop(world);
    eventually(|| csms.registry.is_empty().then_some(())).await;
    let world = World::with(csms.clone(), Version::V2_1, |builder| builder.with_snapshots(snapshots()));
    world.connected().await;
    world.point.observe(outlet(), "Temperature", "40").unwrap();
    let told = event(&csms, 2).await;
    assert_eq!((told["cleared"].as_bool(), told["variableMonitoringId"].as_i64()), (Some(true), id));
    assert_eq!(told["eventId"], 2);
}

#[tokio::test]
async fn offline_only_what_matters_waits_in_the_queue() {
    let world = World::start(Version::V2_1).await;
    let (point, csms) = (&world.point, &world.csms);
    let severity = json!({"component": {"name": "MonitoringCtrlr"}, "variable": {"name": "OfflineQueuingSeverity"}, "attributeValue": "4"});
    csms.call("SetVariables", json!({"setVariableData": [severity]})).await.unwrap();
    set(csms, json!([monitor(&connector(), "Temperature", "UpperThreshold", 50.0)])).await;
    csms.answer("BootNotification", [Err(tieline_ocpp::ErrorCode::InternalError)]);
    csms.cut().await;
    eventually(|| (!point.link().is_online()).then_some(())).await;
    // The maker's, of severity 4, speaks at once, that of the CSMS when the station is online and it is still true.
    point.observe(outlet(), "Temperature", "75").unwrap();
    let told = csms.heard("NotifyEvent", 2).await;
    assert_eq!(told["eventData"][0]["eventNotificationType"], "CustomMonitor");
    assert_eq!(csms.all("NotifyEvent")[0]["eventData"][0]["eventNotificationType"], "PreconfiguredMonitor");
}

#[tokio::test]
async fn monitoring_can_be_turned_off_and_on() {
    let world = World::start(Version::V2_0_1).await;
    let (point, csms) = (&world.point, &world.csms);
    let switch = async |on: &str| {
        let enabled = json!({"component": {"name": "MonitoringCtrlr"}, "variable": {"name": "Enabled"}, "attributeValue": on});
        let answer = csms.call("SetVariables", json!({"setVariableData": [enabled]})).await.unwrap();
        assert_eq!(answer["setVariableResult"][0]["attributeStatus"], "Accepted");
    };
    set(csms, json!([monitor(&connector(), "Temperature", "Periodic", 30.0)])).await;
    world.waits_for("2026-06-01T10:00:30Z").await;
    switch("false").await;
    // Nothing waits for the period any more.
    eventually(|| world.clock.next_wait().filter(|at| at.to_string() != "2026-06-01T10:00:30Z")).await;
    assert_eq!(point.observe(outlet(), "Temperature", "95"), Ok(vec![]));
    world.advance(40);
    switch("true").await;
    // What is exceeded is told now, and the period begins anew.
    assert_eq!(csms.heard("NotifyEvent", 1).await["eventData"].as_array().unwrap().len(), 2);
    world.waits_for("2026-06-01T10:01:10Z").await;
}
