//! What a CSMS wants of a charge point: start, stop, reserve, availability, unlocking, reset.

use serde_json::json;
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::{IdToken, Presented};

use super::world::World;
use crate::support::eventually;

#[tokio::test]
async fn it_starts_and_stops_for_the_csms_after_its_answers() {
    let world = World::start(Version::V1_6).await;
    let (point, csms) = (&world.point, &world.csms);
    point.plug_in(2);
    let answer = csms.call("RemoteStartTransaction", json!({"idTag": "R"})).await.unwrap();
    assert_eq!(answer, json!({"status": "Accepted"}));
    // Where the vehicle waits.
    let start = csms.heard("StartTransaction", 1).await;
    assert_eq!((&start["connectorId"], &start["idTag"]), (&json!(2), &json!("R")));
    assert!(csms.all("Authorize").is_empty());
    let busy = csms.call("RemoteStartTransaction", json!({"idTag": "R", "connectorId": 2})).await.unwrap();
    assert_eq!(busy["status"], "Rejected");
    let unknown = csms.call("RemoteStopTransaction", json!({"transactionId": 1})).await.unwrap();
    assert_eq!(unknown["status"], "Rejected");
    eventually(|| (point.link().owed() == 0).then_some(())).await;
    let stopped = csms.call("RemoteStopTransaction", json!({"transactionId": 4711})).await.unwrap();
    assert_eq!(stopped["status"], "Accepted");
    assert_eq!(csms.heard("StopTransaction", 1).await["reason"], "Remote");

    csms.call("ChangeConfiguration", json!({"key": "AuthorizeRemoteTxRequests", "value": "true"}))
        .await
        .unwrap();
    csms.call("RemoteStartTransaction", json!({"idTag": "R", "connectorId": 1})).await.unwrap();
    csms.heard("Authorize", 1).await;
}

#[tokio::test]
async fn it_starts_and_stops_for_the_csms_in_2_x() {
    for version in [Version::V2_0_1, Version::V2_1] {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        point.plug_in(1);
        let token = json!({"idToken": "R", "type": "Central"});
        let request = json!({"idToken": token, "remoteStartId": 12, "evseId": 1});
        let answer = csms.call("RequestStartTransaction", request.clone()).await.unwrap();
        assert_eq!(answer, json!({"status": "Accepted"}));
        let start = csms.heard("TransactionEvent", 1).await;
        assert_eq!(
            (&start["triggerReason"], &start["transactionInfo"]["remoteStartId"]),
            (&json!("RemoteStart"), &json!(12))
        );
        assert_eq!(start["idToken"], token);
        let again = csms.call("RequestStartTransaction", request).await.unwrap();
        assert_eq!(
            (&again["status"], &again["statusInfo"]["reasonCode"]),
            (&json!("Rejected"), &json!("TxInProgress"))
        );
        let id = start["transactionInfo"]["transactionId"].clone();
        eventually(|| (point.link().owed() == 0).then_some(())).await;
        let known = csms.call("GetTransactionStatus", json!({"transactionId": id})).await.unwrap();
        assert_eq!(known, json!({"ongoingIndicator": true, "messagesInQueue": false}));
        let unlock = json!({"evseId": 1, "connectorId": 1});
        let locked = csms.call("UnlockConnector", unlock.clone()).await.unwrap();
        assert_eq!(locked["status"], "OngoingAuthorizedTransaction");
        let stopped = csms.call("RequestStopTransaction", json!({"transactionId": id})).await.unwrap();
        assert_eq!(stopped, json!({"status": "Accepted"}));
        let end = csms.heard("TransactionEvent", 2).await;
        assert_eq!(
            (&end["triggerReason"], &end["transactionInfo"]["stoppedReason"]),
            (&json!("RemoteStop"), &json!("Remote"))
        );
        assert_eq!(csms.call("UnlockConnector", unlock).await.unwrap()["status"], "Unlocked");
        let no = csms.call("RequestStopTransaction", json!({"transactionId": id})).await.unwrap();
        assert_eq!(
            (&no["status"], &no["statusInfo"]["reasonCode"]),
            (&json!("Rejected"), &json!("TxNotFound"))
        );
    }
}

#[tokio::test]
async fn what_is_reserved_is_for_its_driver_and_ends() {
    let world = World::start(Version::V2_0_1).await;
    let (point, csms) = (&world.point, &world.csms);
    let reserve = |id: i32, token: &str, until: &str| json!({"id": id, "expiryDateTime": until, "idToken": {"idToken": token, "type": "ISO14443"}, "evseId": 1});
    let until = "2026-06-01T10:05:00Z";
    let past = csms.call("ReserveNow", reserve(1, "A", "2026-06-01T09:59:00Z")).await.unwrap();
    assert_eq!(past["status"], "Rejected");
    assert_eq!(csms.call("ReserveNow", reserve(1, "A", until)).await.unwrap()["status"], "Accepted");
    assert_eq!(csms.call("ReserveNow", reserve(2, "B", until)).await.unwrap()["status"], "Occupied");
    eventually(|| {
        csms.all("StatusNotification")
            .into_iter()
            .next_back()
            .filter(|one| one["connectorStatus"] == "Reserved")
    })
    .await;
    assert_eq!(point.present(1, IdToken::card("B")).await, Presented::NotAvailable);
    assert_eq!(
        csms.call("CancelReservation", json!({"reservationId": 2})).await.unwrap()["status"],
        "Rejected"
    );
    assert_eq!(
        csms.call("CancelReservation", json!({"reservationId": 1})).await.unwrap()["status"],
        "Accepted"
    );
    assert_eq!(csms.call("ReserveNow", reserve(3, "A", until)).await.unwrap()["status"], "Accepted");
    eventually(|| world.clock.next_wait().filter(|at| at.to_string() == until)).await;
    world.advance(300);
    let ended = csms.heard("ReservationStatusUpdate", 1).await;
    assert_eq!(ended, json!({"reservationId": 3, "reservationUpdateStatus": "Expired"}));
    assert_eq!(
        csms.call("ReserveNow", reserve(4, "A", "2026-06-01T10:30:00Z")).await.unwrap()["status"],
        "Accepted"
    );
    assert_eq!(point.present(1, IdToken::card("A")).await, Presented::Authorized);
    point.plug_in(1);
    assert_eq!(csms.heard("TransactionEvent", 1).await["reservationId"], 4);
}

#[tokio::test]
async fn out_of_order_after_the_transaction() {
    for version in [Version::V1_6, Version::V2_1] {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let change = |kind: &str, evse: i32| match version {
            Version::V1_6 => json!({"connectorId": evse, "type": kind}),
            _ if evse == 0 => json!({"operationalStatus": kind}),
            _ => json!({"operationalStatus": kind, "evse": {"id": evse}}),
        };
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        let scheduled = csms.call("ChangeAvailability", change("Inoperative", 0)).await.unwrap();
        assert_eq!(scheduled["status"], "Scheduled");
        assert_eq!(point.present(2, IdToken::card("A")).await, Presented::NotAvailable);
        point.unplug(1);
        assert_eq!(point.present(1, IdToken::card("A")).await, Presented::NotAvailable);
        assert_eq!(
            csms.call("ChangeAvailability", change("Operative", 1)).await.unwrap()["status"],
            "Accepted"
        );
        assert_eq!(point.present(1, IdToken::card("A")).await, Presented::Authorized);
        assert_eq!(
            csms.call("ChangeAvailability", change("Operative", 9)).await.unwrap()["status"],
            "Rejected"
        );
    }
}

#[tokio::test]
async fn a_reset_ends_what_runs_and_registers_anew() {
    for (version, request, reason) in [
        (Version::V1_6, json!({"type": "Hard"}), "HardReset"),
        (Version::V2_0_1, json!({"type": "Immediate"}), "ImmediateReset"),
    ] {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        point.plug_in(1);
        point.present(1, IdToken::card("A")).await;
        eventually(|| (point.link().owed() == 0).then_some(())).await;
        assert_eq!(csms.call("Reset", request).await.unwrap()["status"], "Accepted");
        let boot = csms.heard("BootNotification", 2).await;
        if version == Version::V1_6 {
            assert_eq!(csms.heard("StopTransaction", 1).await["reason"], reason);
        } else {
            let end = csms.heard("TransactionEvent", 2).await;
            assert_eq!(end["transactionInfo"]["stoppedReason"], reason);
            assert_eq!(boot["reason"], "RemoteReset");
        }
        assert_eq!(world.bench.resets.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_reset_may_wait_for_the_driver() {
    let world = World::start(Version::V2_1).await;
    let (point, csms) = (&world.point, &world.csms);
    point.plug_in(1);
    point.present(1, IdToken::card("A")).await;
    assert_eq!(csms.call("Reset", json!({"type": "OnIdle"})).await.unwrap()["status"], "Scheduled");
    assert!(world.bench.resets.lock().unwrap().is_empty());
    point.unplug(1);
    csms.heard("BootNotification", 2).await;
    let unknown = csms.call("Reset", json!({"type": "OnIdle", "evseId": 7})).await.unwrap();
    assert_eq!(unknown["status"], "Rejected");
}
