//! Validation with JSON Schema files: schemas of a vendor's own, stricter than the official ones.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_ocpp::json_schema::{JsonSchema, SchemaError, Schemas};
use tieline_ocpp::{CallFailure, Caller, Ocpp, Tolerance, Version, v16, v201};
use tieline_service::{Call, Router};
use tower::ServiceBuilder;

use crate::support::{RawPeer, connected, json, open_csms, serve, yes};

/// Every card of this operator has eight digits.
fn cards() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": { "idTag": { "type": "string", "pattern": "^[0-9]{8}$" } },
        "required": ["idTag"]
    })
}

/// No card of this operator ever expires.
fn verdicts() -> Value {
    json!({
        "type": "object",
        "properties": {
            "idTagInfo": {
                "type": "object",
                "properties": { "status": { "enum": ["Accepted", "Invalid"] } },
                "additionalProperties": false
            }
        }
    })
}

fn schemas() -> Schemas {
    let schemas = Schemas::none(Version::V1_6).with("Authorize", &cards()).unwrap();
    schemas.with("AuthorizeResponse", &verdicts()).unwrap()
}

async fn on_authorize(Call(request): Call<v16::AuthorizeRequest>) -> v16::AuthorizeResponse {
    let status = match request.id_tag.as_str() {
        "00000000" => v16::AuthorizationStatus::Expired,
        _ => v16::AuthorizationStatus::Accepted,
    };
    v16::AuthorizeResponse::new(v16::IdTagInfo::new(status))
}

fn router() -> Router<Ocpp> {
    Router::new().on(on_authorize).layer(JsonSchema::new([schemas()]))
}

fn authorize(id: &str, card: &str) -> String {
    format!(r#"[2,"{id}","Authorize",{{"idTag":"{card}"}}]"#)
}

#[tokio::test]
async fn a_request_that_breaks_its_schema_reaches_no_handler() {
    let mut station =
        RawPeer::station(serve(open_csms(router().with_state(())).build()).await, "CS001", "ocpp1.6").await;
    station.send(&authorize("1", "12345678")).await;
    assert_eq!(station.next_json().await, json!([3, "1", {"idTagInfo": {"status": "Accepted"}}]));
    station.send(&authorize("2", "1234")).await;
    let refused = station.next_json().await;
    assert_eq!((&refused[0], &refused[2]), (&json!(4), &json!("PropertyConstraintViolation")));
    assert_eq!(refused[4]["path"], "/idTag");
    // What has no schema is not judged by one.
    station.send(r#"[2,"3","Heartbeat",{}]"#).await;
    assert_eq!(station.next_json().await[2], "NotSupported");
}

#[tokio::test]
async fn a_response_that_breaks_its_schema_is_not_sent() {
    let mut station =
        RawPeer::station(serve(open_csms(router().with_state(())).build()).await, "CS001", "ocpp1.6").await;
    station.send(&authorize("1", "00000000")).await;
    assert_eq!(station.next_json().await[2], "InternalError");
}

#[tokio::test]
async fn a_peer_to_whom_something_is_forgiven_is_not_checked() {
    let mut tolerance = Tolerance::strict();
    tolerance.long_strings = true;
    let csms = open_csms(router().with_state(())).tolerance(tolerance).build();
    let mut station = RawPeer::station(serve(csms).await, "CS001", "ocpp1.6").await;
    station.send(&authorize("1", "1234")).await;
    assert_eq!(station.next_json().await[0], 3);
}

#[tokio::test]
async fn our_own_calls_are_checked_too() {
    let csms = open_csms(yes()).build();
    let address = serve(csms.clone()).await;
    let mut station = RawPeer::station(address, "CS001", "ocpp1.6").await;
    let peer = connected(&csms, "CS001").await;
    let request = json!({ "properties": { "key": { "maxItems": 1 } } });
    let response = json!({ "required": ["configurationKey"] });
    let schemas = Schemas::none(Version::V1_6).with("GetConfigurationRequest", &request).unwrap();
    let schemas = schemas.with("GetConfigurationResponse", &response).unwrap();
    let through = ServiceBuilder::new().layer(JsonSchema::new([schemas])).service(peer);
    let caller = Caller::new(through);

    let mut two = v16::GetConfigurationRequest::new();
    two.key = Some(vec!["A".to_owned(), "B".to_owned()]);
    assert!(matches!(caller.call(&two).await, Err(CallFailure::InvalidRequest(_))));

    let asked = tokio::spawn({
        let caller = caller.clone();
        async move { caller.call(&v16::GetConfigurationRequest::new()).await }
    });
    let id = station.next_json().await[1].clone();
    station.send(&json!([3, id, {"unknownKey": ["A"]}]).to_string()).await;
    let Err(CallFailure::UnusableResult(error)) = asked.await.unwrap() else { panic!("it was read") };
    assert_eq!(error.path, "/configurationKey");

    // Of another version it is not sent at all.
    let of_201 = caller.call(&v201::ClearChargingProfileRequest::new()).await;
    assert!(matches!(of_201, Err(CallFailure::WrongVersion { .. })));
}

#[test]
fn a_folder_is_read_by_the_names_of_its_files() {
    let folder = TempDir::new().unwrap();
    let refused = Schemas::read(Version::V1_6, folder.path()).unwrap_err();
    assert!(matches!(refused, SchemaError::Empty(_)));
    fs::write(folder.path().join("Authorize.json"), cards().to_string()).unwrap();
    fs::write(folder.path().join("AuthorizeResponse.json"), verdicts().to_string()).unwrap();
    fs::write(folder.path().join("README"), "no schema").unwrap();
    let schemas = Schemas::read(Version::V1_6, folder.path()).unwrap();
    assert_eq!(schemas.len(), 2);
    assert!(schemas.check_request("Authorize", &json(r#"{"idTag":"12345678"}"#)).is_ok());
    let error = schemas.check_request("Authorize", &json("null")).unwrap_err();
    assert_eq!((error.path.as_str(), error.reason.as_str()), ("/idTag", "missing field `idTag`"));
    let error = schemas.check_response("Authorize", &json("[]")).unwrap_err();
    assert_eq!(error.reason, "the payload is not a JSON object");

    fs::write(folder.path().join("Reset.json"), "{").unwrap();
    assert!(matches!(Schemas::read(Version::V1_6, folder.path()), Err(SchemaError::Json { .. })));
    fs::write(folder.path().join("Reset.json"), r#"{"type":"thing"}"#).unwrap();
    assert!(matches!(Schemas::read(Version::V1_6, folder.path()), Err(SchemaError::Schema { .. })));
    let missing = Schemas::read(Version::V1_6, &folder.path().join("none"));
    assert!(matches!(missing, Err(SchemaError::File { .. })));
}
