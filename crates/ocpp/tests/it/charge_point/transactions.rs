//! What drivers do, and what the CSMS hears of it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::{AuthorizationStatus, IdToken, Presented, Transfer};

use super::world::World;
use crate::support::eventually;

#[tokio::test]
async fn a_session_in_1_6() {
    let world = World::start(Version::V1_6).await;
    let (point, csms) = (&world.point, &world.csms);
    world.bench.register.store(1000, Ordering::Relaxed);
    point.plug_in(1);
    assert_eq!(point.present(1, IdToken::card("A")).await, Presented::Authorized);
    let start = csms.heard("StartTransaction", 1).await;
    assert_eq!(
        start,
        json!({"connectorId": 1, "idTag": "A", "meterStart": 1001, "timestamp": "2026-06-01T10:00:00Z"})
    );
    point.transfer(1, Transfer::Charging);
    let status =
        eventually(|| csms.all("StatusNotification").into_iter().find(|one| one["status"] == "Charging"))
            .await;
    assert_eq!(status["connectorId"], 1);
    world.bench.register.store(1500, Ordering::Relaxed);
    eventually(|| {
        (world.clock.next_wait().is_some_and(|at| at.to_string() == "2026-06-01T10:01:00Z")).then_some(())
    })
    .await;
    world.advance(60);
    let values = csms.heard("MeterValues", 1).await;
    assert_eq!((&values["transactionId"], &values["connectorId"]), (&json!(4711), &json!(1)));
    let samples = &values["meterValue"][0]["sampledValue"];
    assert_eq!((&samples[0]["value"], &samples[0]["context"]), (&json!("1501"), &json!("Sample.Periodic")));
    assert_eq!((&samples[1]["measurand"], &samples[1]["unit"]), (&json!("Power.Active.Import"), &json!("W")));
    // The same card ends it.
    assert_eq!(point.present(1, IdToken::card("A")).await, Presented::Stopped);
    let stop = csms.heard("StopTransaction", 1).await;
    assert_eq!((&stop["transactionId"], &stop["meterStop"]), (&json!(4711), &json!(1501)));
    assert_eq!((&stop["reason"], &stop["idTag"]), (&json!("Local"), &json!("A")));
    eventually(|| csms.all("StatusNotification").into_iter().find(|one| one["status"] == "Finishing")).await;
    point.unplug(1);
    eventually(|| {
        csms.all("StatusNotification").into_iter().next_back().filter(|one| one["status"] == "Available")
    })
    .await;
}

fn steps(events: &[Value]) -> Vec<(String, i64, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let step = |event: &Value| {
        (text(&event["eventType"]), event["seqNo"].as_i64().unwrap(), text(&event["triggerReason"]))
    };
    events.iter().map(step).collect()
}

#[tokio::test]
async fn a_session_in_2_x() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        csms.heard("TransactionEvent", 1).await;
        point.transfer(1, Transfer::Charging);
        point.transfer(1, Transfer::SuspendedEV);
        point.unplug(1);
        csms.heard("TransactionEvent", 4).await;
        let events = csms.all("TransactionEvent");
        let expected = [
            ("Started", 0, "Authorized"),
            ("Updated", 1, "ChargingStateChanged"),
            ("Updated", 2, "ChargingStateChanged"),
            ("Ended", 3, "EVCommunicationLost"),
        ];
        assert_eq!(
            steps(&events),
            expected.map(|(kind, number, why)| (kind.to_owned(), number, why.to_owned()))
        );
        assert_eq!(events[0]["idToken"], json!({"idToken": "A", "type": "ISO14443"}));
        assert!(events[1].get("idToken").is_none());
        assert_eq!(events[1]["transactionInfo"]["chargingState"], "Charging");
        assert_eq!(events[2]["transactionInfo"]["chargingState"], "SuspendedEV");
        assert_eq!(events[3]["transactionInfo"]["stoppedReason"], "EVDisconnected");
        assert_eq!(events[3]["meterValue"][0]["sampledValue"][0]["context"], "Transaction.End");
        let ids: Vec<_> = events.iter().map(|event| &event["transactionInfo"]["transactionId"]).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        // Another transaction has another id.
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        let next = csms.heard("TransactionEvent", 5).await;
        assert_ne!(&next["transactionInfo"]["transactionId"], ids[0]);
        assert_eq!(next["seqNo"], 0);
    }
}

#[tokio::test]
async fn who_is_not_accepted_does_not_charge() {
    let world = World::start(Version::V1_6).await;
    world.csms.answer("Authorize", [Ok(json!({"idTagInfo": {"status": "Blocked"}}))]);
    world.point.plug_in(1);
    let presented = world.point.present(1, IdToken::card("B")).await;
    assert_eq!(presented, Presented::Refused(AuthorizationStatus::Blocked));
    assert_eq!(world.point.present(3, IdToken::card("B")).await, Presented::NotAvailable);
    assert!(world.csms.all("StartTransaction").is_empty());
}

#[tokio::test]
async fn who_turns_out_to_be_barred_is_stopped() {
    for version in [Version::V1_6, Version::V2_0_1] {
        let world = World::start(version).await;
        let csms = &world.csms;
        csms.answer(
            "StartTransaction",
            [Ok(json!({"transactionId": 9, "idTagInfo": {"status": "Invalid"}}))],
        );
        csms.answer("TransactionEvent", [Ok(json!({"idTokenInfo": {"status": "Invalid"}})), Ok(json!({}))]);
        world.point.plug_in(1);
        world.point.present(1, IdToken::card("A")).await;
        if version == Version::V1_6 {
            let stop = csms.heard("StopTransaction", 1).await;
            assert_eq!((&stop["reason"], &stop["transactionId"]), (&json!("DeAuthorized"), &json!(9)));
        } else {
            let end = csms.heard("TransactionEvent", 2).await;
            assert_eq!(end["transactionInfo"]["stoppedReason"], "DeAuthorized");
            assert_eq!(end["triggerReason"], "Deauthorized");
        }
    }
}

#[tokio::test]
async fn an_authorization_waits_for_its_vehicle_for_a_while_only() {
    let world = World::start(Version::V1_6).await;
    world.point.present(1, IdToken::card("A")).await;
    eventually(|| {
        (world.clock.next_wait().is_some_and(|at| at.to_string() == "2026-06-01T10:01:00Z")).then_some(())
    })
    .await;
    let is_told = |status: &str| {
        let last = world.csms.all("StatusNotification").into_iter().next_back();
        last.filter(|one| one["status"] == status)
    };
    eventually(|| is_told("Preparing")).await;
    world.advance(60);
    eventually(|| is_told("Available")).await;
    world.point.plug_in(1);
    let told = eventually(|| is_told("Preparing")).await;
    assert_eq!(told["connectorId"], 1);
    assert!(world.csms.all("StartTransaction").is_empty());
}

#[tokio::test]
async fn another_of_the_same_group_ends_it() {
    let world = World::start(Version::V2_0_1).await;
    let info =
        json!({"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}}});
    world.csms.answer("Authorize", [Ok(info)]);
    world.point.plug_in(1);
    assert_eq!(world.point.present(1, IdToken::card("A")).await, Presented::Authorized);
    assert_eq!(world.point.present(1, IdToken::card("B")).await, Presented::Stopped);
    world.csms.answer("Authorize", [Ok(json!({"idTokenInfo": {"status": "Accepted"}}))]);
    world.point.unplug(1);
    world.point.plug_in(1);
    assert_eq!(world.point.present(1, IdToken::card("C")).await, Presented::Authorized);
    assert_eq!(world.point.present(1, IdToken::card("D")).await, Presented::NotAvailable);
}
