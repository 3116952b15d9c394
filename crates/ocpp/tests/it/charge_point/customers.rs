//! What a station knows of a customer.

use serde_json::{Value, json};
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::IdToken;

use super::world::{Csms, World};
use crate::support::eventually;

const VERSIONS: [Version; 2] = [Version::V2_0_1, Version::V2_1];

fn token() -> Value {
    json!({"idToken": "Ada", "type": "Central"})
}

/// What was told for a request, put together.
async fn told(csms: &Csms, request: i64) -> String {
    let of_request = || {
        let all = csms.all("NotifyCustomerInformation").into_iter();
        all.filter(|one| one["requestId"] == request).collect::<Vec<_>>()
    };
    let parts = eventually(|| {
        Some(of_request()).filter(|parts| parts.last().is_some_and(|one| one.get("tbc").is_none()))
    })
    .await;
    assert!(parts.iter().enumerate().all(|(number, part)| part["seqNo"] == number));
    parts.iter().map(|part| part["data"].as_str().unwrap()).collect()
}

async fn ask(csms: &Csms, request: i64, report: bool, clear: bool, customer: Value) -> Value {
    let mut asked = json!({"requestId": request, "report": report, "clear": clear});
    asked.as_object_mut().unwrap().extend(customer.as_object().unwrap().clone());
    csms.call("CustomerInformation", asked).await.unwrap()["status"].clone()
}

#[tokio::test]
async fn a_customer_is_reported_and_forgotten() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let (point, csms) = (&world.point, &world.csms);
        let by_token = json!({"idToken": token()});
        assert_eq!(ask(csms, 1, true, false, by_token.clone()).await, "Accepted");
        assert_eq!(told(csms, 1).await, "No data found");
        let listed = json!({"idToken": token(), "idTokenInfo": {"status": "Accepted"}});
        let list = json!({"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [listed]});
        assert_eq!(csms.call("SendLocalList", list).await.unwrap()["status"], "Accepted");
        let until =
            json!({"id": 7, "expiryDateTime": "2026-06-01T12:00:00Z", "evseId": 2, "idToken": token()});
        assert_eq!(csms.call("ReserveNow", until).await.unwrap()["status"], "Accepted");
        point.plug_in(1);
        point.present(1, IdToken::card("Ada")).await;
        let transaction = csms.heard("TransactionEvent", 1).await["transactionInfo"]["transactionId"].clone();
        assert_eq!(ask(csms, 2, true, true, by_token.clone()).await, "Accepted");
        let all = told(csms, 2).await;
        let expected = [
            "Local list: Ada, Accepted".to_owned(),
            "Authorization cache: Ada, Accepted".to_owned(),
            format!("EVSE 1: transaction {}", transaction.as_str().unwrap()),
            "EVSE 2: reservation 7 until 2026-06-01T12:00:00Z".to_owned(),
        ];
        assert_eq!(all.lines().collect::<Vec<_>>(), expected);
        // The list is the CSMS's, and the transaction goes on.
        ask(csms, 3, true, false, by_token).await;
        let left = told(csms, 3).await;
        assert_eq!(left.lines().collect::<Vec<_>>(), [&expected[0], &expected[2]]);
    }
}

#[tokio::test]
async fn what_the_hardware_keeps_comes_in_parts() {
    for version in VERSIONS {
        let world = World::start(version).await;
        let csms = &world.csms;
        let by_name = json!({"customerIdentifier": "fleet 7"});
        assert_eq!(ask(csms, 1, true, false, by_name.clone()).await, "Accepted");
        assert_eq!(told(csms, 1).await, "x".repeat(1100));
        assert_eq!(csms.all("NotifyCustomerInformation").len(), 3);
        let hash = json!({"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"});
        assert_eq!(ask(csms, 2, false, true, json!({"customerCertificate": hash})).await, "Accepted");
        assert_eq!(told(csms, 2).await, "Data cleared");
        assert_eq!(*world.bench.forgotten.lock().unwrap(), ["01"]);
        assert_eq!(ask(csms, 3, false, false, by_name).await, "Rejected");
        assert_eq!(ask(csms, 4, true, false, json!({})).await, "Invalid");
    }
}
