//! Registration, heartbeats and status.

use serde_json::json;
use tieline_ocpp::charge_point::LinkState;
use tieline_ocpp::{ErrorCode, Version};

use super::world::{Csms, START, World};
use crate::support::eventually;

#[tokio::test]
async fn it_registers_until_it_is_accepted_and_then_says_how_it_is() {
    for version in [Version::V1_6, Version::V2_0_1, Version::V2_1] {
        let csms = Csms::start().await;
        let answer = |status: &str| Ok(json!({"status": status, "currentTime": START, "interval": 30}));
        csms.answer("BootNotification", [answer("Pending"), answer("Rejected"), answer("Accepted")]);
        let world = World::with(csms, version, |builder| builder);
        world.csms.heard("BootNotification", 1).await;
        eventually(|| (*world.point.link().state().borrow() == LinkState::Pending).then_some(())).await;
        assert!(world.csms.all("StatusNotification").is_empty());
        eventually(|| (world.clock.waits() >= 2).then_some(())).await;
        world.advance(29);
        assert_eq!(world.csms.all("BootNotification").len(), 1);
        world.advance(1);
        world.csms.heard("BootNotification", 2).await;
        eventually(|| (*world.point.link().state().borrow() == LinkState::Rejected).then_some(())).await;
        eventually(|| (world.clock.waits() >= 2).then_some(())).await;
        world.advance(30);
        world.csms.heard("BootNotification", 3).await;
        world.connected().await;
        world.online().await;
        let boot = &world.csms.all("BootNotification")[0];
        if version == Version::V1_6 {
            assert_eq!(boot["chargePointVendor"], "Tieline");
            assert_eq!(boot["firmwareVersion"], "1.0");
            let connectors: Vec<_> =
                world.csms.all("StatusNotification").iter().map(|one| one["connectorId"].clone()).collect();
            assert_eq!(connectors, [json!(0), json!(1), json!(2)]);
        } else {
            assert_eq!(boot["reason"], "PowerUp");
            assert_eq!(boot["chargingStation"]["model"], "Bench");
            let status = &world.csms.all("StatusNotification")[1];
            assert_eq!((&status["evseId"], &status["connectorStatus"]), (&json!(2), &json!("Available")));
        }
    }
}

#[tokio::test]
async fn heartbeats_come_at_the_interval_of_the_csms_and_set_the_clock() {
    let world = World::start(Version::V2_0_1).await;
    world.csms.answer("Heartbeat", [Ok(json!({"currentTime": "2026-06-01T11:00:00Z"}))]);
    eventually(|| (world.clock.waits() >= 2).then_some(())).await;
    world.advance(599);
    assert!(world.csms.all("Heartbeat").is_empty());
    world.advance(1);
    world.csms.heard("Heartbeat", 1).await;
    eventually(|| (world.point.link().now().to_string() == "2026-06-01T11:00:00Z").then_some(())).await;
}

#[tokio::test]
async fn a_connection_that_comes_back_needs_no_registration() {
    let world = World::start(Version::V2_1).await;
    world.csms.cut().await;
    world.connected().await;
    world.point.plug_in(1);
    world.csms.heard("StatusNotification", 3).await;
    assert_eq!(world.csms.all("BootNotification").len(), 1);
}

#[tokio::test]
async fn a_csms_that_has_forgotten_the_station_gets_its_registration() {
    let world = World::start(Version::V2_0_1).await;
    let csms = &world.csms;
    csms.answer("TransactionEvent", [Err(ErrorCode::SecurityError), Ok(json!({}))]);
    world.point.plug_in(1);
    world.point.present(1, tieline_ocpp::charge_point::IdToken::card("A")).await;
    csms.heard("BootNotification", 2).await;
    csms.heard("TransactionEvent", 2).await;
    let events = csms.all("TransactionEvent");
    assert_eq!(events[0]["seqNo"], events[1]["seqNo"]);
}

#[tokio::test]
async fn a_csms_that_refuses_whoever_has_registered_is_not_stormed() {
    let world = World::start(Version::V2_0_1).await;
    let csms = &world.csms;
    csms.answer("TransactionEvent", [Err(ErrorCode::SecurityError)]);
    world.point.plug_in(1);
    world.point.present(1, tieline_ocpp::charge_point::IdToken::card("A")).await;
    csms.heard("TransactionEvent", 2).await;
    // From now on it waits as for any refusal: MessageAttemptInterval, once, twice.
    world.waits_for("2026-06-01T10:01:00Z").await;
    assert_eq!((csms.all("BootNotification").len(), csms.all("TransactionEvent").len()), (2, 2));
}

#[tokio::test]
async fn the_status_follows_what_happens() {
    let world = World::start(Version::V1_6).await;
    world.csms.heard("StatusNotification", 3).await;
    world.point.fault(1, Some("GroundFailure"));
    let told = world.csms.heard("StatusNotification", 4).await;
    assert_eq!((&told["status"], &told["errorCode"]), (&json!("Faulted"), &json!("GroundFailure")));
    world.point.fault(1, None);
    let told = world.csms.heard("StatusNotification", 5).await;
    assert_eq!((&told["status"], &told["errorCode"]), (&json!("Available"), &json!("NoError")));
    world.point.plug_in(2);
    let told = world.csms.heard("StatusNotification", 6).await;
    assert_eq!((&told["connectorId"], &told["status"]), (&json!(2), &json!("Preparing")));
}
