//! The actions of a charging session, typed on both ends, in each version.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{CallError, CallFailure, ErrorCode, Ocpp, Peer, Version};
use tieline_service::{After, Call, Router, Sent, State, Timeout, Trace};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{PATIENCE, RawPeer, connected, open_csms, serve};

/// What the handlers of both ends tell the test.
type Told = mpsc::UnboundedSender<String>;

fn noon() -> DateTime {
    "2026-11-21T12:00:00.250+01:00".parse().unwrap()
}

/// Connects a station to a CSMS, both with their routers, and gives the handles: the station's on the CSMS, then the
/// CSMS's on the station.
async fn pair(
    csms: Router<Ocpp, Told>,
    station: Router<Ocpp, Told>,
    version: Version,
) -> (Peer, Peer, mpsc::UnboundedReceiver<String>) {
    let (told, tells) = mpsc::unbounded_channel();
    let csms = open_csms(csms.layer(Trace::new()).with_state(told.clone())).build();
    let address = serve(csms.clone()).await;
    let station_of = ChargingStation::new(&format!("ws://{address}/ocpp"), "CS 001", [version]).unwrap();
    let session = station_of.connect(station.with_state(told)).await.unwrap();
    let upwards = session.peer().clone();
    tokio::spawn(session.run());
    let downwards = connected(&csms, "CS 001").await;
    (upwards, downwards, tells)
}

mod v16 {
    use tieline_ocpp::v16::*;

    use super::*;

    async fn on_boot(
        call: Call<BootNotificationRequest>,
        peer: Peer,
        State(told): State<Told>,
    ) -> (BootNotificationResponse, After) {
        let response = BootNotificationResponse::new(RegistrationStatus::Accepted, noon(), 300);
        told.send(format!("{peer} is a {} of {}", call.charge_point_model, call.charge_point_vendor))
            .unwrap();
        // The CSMS configures the station once it has been accepted.
        let after = After::new(async move {
            let request = ClearChargingProfileRequest::new();
            let status = peer.call(request).await.unwrap().status;
            told.send(format!("profiles: {status}")).unwrap();
        });
        (response, after)
    }

    async fn on_heartbeat(_: Call<HeartbeatRequest>) -> HeartbeatResponse {
        HeartbeatResponse::new(noon())
    }

    async fn on_authorize(call: Call<AuthorizeRequest>) -> Result<AuthorizeResponse, CallError> {
        if call.id_tag == "stolen" {
            return Err(CallError::security("this card is stolen"));
        }
        Ok(AuthorizeResponse::new(IdTagInfo::new(AuthorizationStatus::Accepted)))
    }

    async fn on_status(
        call: Call<StatusNotificationRequest>,
        State(told): State<Told>,
    ) -> StatusNotificationResponse {
        told.send(format!("connector {} is {}", call.connector_id, call.status)).unwrap();
        StatusNotificationResponse::new()
    }

    async fn on_start(_: Call<StartTransactionRequest>) -> StartTransactionResponse {
        StartTransactionResponse::new(IdTagInfo::new(AuthorizationStatus::Accepted), 7)
    }

    async fn on_meter_values(
        call: Call<MeterValuesRequest>,
        State(told): State<Told>,
    ) -> MeterValuesResponse {
        told.send(format!("meter {}", call.meter_value[0].sampled_value[0].value)).unwrap();
        MeterValuesResponse::new()
    }

    async fn on_stop(
        call: Call<StopTransactionRequest>,
        State(told): State<Told>,
    ) -> StopTransactionResponse {
        told.send(format!("transaction {} ended at {} Wh", call.transaction_id, call.meter_stop)).unwrap();
        StopTransactionResponse::new()
    }

    async fn on_set_profile(
        call: Call<SetChargingProfileRequest>,
        State(told): State<Told>,
    ) -> SetChargingProfileResponse {
        let schedule = &call.cs_charging_profiles.charging_schedule;
        told.send(format!("limit {}", schedule.charging_schedule_period[0].limit)).unwrap();
        SetChargingProfileResponse::new(ChargingProfileStatus::Accepted)
    }

    async fn on_clear_profile(_: Call<ClearChargingProfileRequest>) -> ClearChargingProfileResponse {
        ClearChargingProfileResponse::new(ClearChargingProfileStatus::Unknown)
    }

    #[tokio::test]
    async fn a_charging_session_in_1_6() {
        let csms = Router::new()
            .on(on_boot)
            .on(on_heartbeat)
            .on(on_authorize)
            .on(on_status)
            .on(on_start)
            .on(on_meter_values)
            .on(on_stop);
        let station = Router::new().on(on_set_profile).on(on_clear_profile);
        let (csms, station, mut told) = pair(csms, station, Version::V1_6).await;

        // Until it is accepted, a station holds everything else back.
        let heartbeat = tokio::spawn({
            let csms = csms.clone();
            async move { csms.call(HeartbeatRequest::new()).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!heartbeat.is_finished());
        let boot = csms.call(BootNotificationRequest::new("Takara", "Optimus")).await.unwrap();
        assert_eq!((boot.status, boot.interval), (RegistrationStatus::Accepted, 300));
        assert_eq!(heartbeat.await.unwrap().unwrap().current_time, noon());
        assert_eq!(told.recv().await.unwrap(), "CS 001 is a Optimus of Takara");
        assert_eq!(told.recv().await.unwrap(), "profiles: Unknown");

        let authorized = csms.call(AuthorizeRequest::new("24782")).await.unwrap();
        assert_eq!(authorized.id_tag_info.status, AuthorizationStatus::Accepted);
        let Err(CallFailure::Refused(error)) = csms.call(AuthorizeRequest::new("stolen")).await else {
            panic!("not refused")
        };
        assert_eq!(
            (error.code, error.description.as_str()),
            (ErrorCode::SecurityError, "this card is stolen")
        );
        let status =
            StatusNotificationRequest::new(1, ChargePointErrorCode::NoError, ChargePointStatus::Charging);
        csms.call(status).await.unwrap();
        assert_eq!(told.recv().await.unwrap(), "connector 1 is Charging");
        let started = csms.call(StartTransactionRequest::new(1, "24782", 100, noon())).await.unwrap();
        assert_eq!(started.transaction_id, 7);
        let values = MeterValue::new(noon(), vec![SampledValue::new("150.5")]);
        csms.call(MeterValuesRequest::new(1, vec![values])).await.unwrap();
        assert_eq!(told.recv().await.unwrap(), "meter 150.5");

        let limit: tieline_ocpp::types::Decimal = "21.4".parse().unwrap();
        let schedule =
            ChargingSchedule::new(ChargingRateUnit::A, vec![ChargingSchedulePeriod::new(0, limit)]);
        let profile = ChargingProfile::new(
            1,
            0,
            ChargingProfilePurpose::TxDefaultProfile,
            ChargingProfileKind::Relative,
            schedule,
        );
        let set = station.call(SetChargingProfileRequest::new(1, profile)).await.unwrap();
        assert_eq!(set.status, ChargingProfileStatus::Accepted);
        assert_eq!(told.recv().await.unwrap(), "limit 21.4");

        csms.call(StopTransactionRequest::new(2_500, noon(), 7)).await.unwrap();
        assert_eq!(told.recv().await.unwrap(), "transaction 7 ended at 2500 Wh");

        // An action without a handler, on either end.
        let Err(CallFailure::Refused(error)) =
            csms.call(FirmwareStatusNotificationRequest::new(FirmwareStatus::Downloading)).await
        else {
            panic!("not refused")
        };
        assert_eq!(error.code, ErrorCode::NotSupported);
        assert_eq!(error.details, json!({"cause": "No handler for FirmwareStatusNotification registered."}));
        let unhandled = station.call(ClearCacheRequest::new()).await.unwrap_err();
        assert!(matches!(unhandled, CallFailure::Refused(error) if error.code == ErrorCode::NotSupported));
    }
}

/// 2.0.1 and 2.1 differ in the types of two values here.
macro_rules! version_2 {
    ($module:ident, $version:ident, $test:ident, token: $token:expr, period: $period:expr) => {
        mod $module {
            use tieline_ocpp::$module::*;

            use super::*;

            async fn on_boot(call: Call<BootNotificationRequest>, peer: Peer, State(told): State<Told>) -> BootNotificationResponse {
                told.send(format!("{peer} is a {}", call.charging_station.model)).unwrap();
                BootNotificationResponse::new(noon(), 300, RegistrationStatus::Accepted)
            }

            async fn on_heartbeat(_: Call<HeartbeatRequest>) -> HeartbeatResponse {
                HeartbeatResponse::new(noon())
            }

            async fn on_authorize(call: Call<AuthorizeRequest>) -> Result<AuthorizeResponse, CallError> {
                assert_eq!(call.id_token.id_token, "24782");
                Ok(AuthorizeResponse::new(IdTokenInfo::new(AuthorizationStatus::Accepted)))
            }

            async fn on_status(call: Call<StatusNotificationRequest>, State(told): State<Told>) -> StatusNotificationResponse {
                told.send(format!("EVSE {} is {}", call.evse_id, call.connector_status)).unwrap();
                StatusNotificationResponse::new()
            }

            async fn on_event(call: Call<TransactionEventRequest>, State(told): State<Told>) -> TransactionEventResponse {
                let transaction = &call.transaction_info.transaction_id;
                told.send(format!("{} {} {transaction}", call.seq_no, call.event_type)).unwrap();
                TransactionEventResponse::new()
            }

            async fn on_meter_values(call: Call<MeterValuesRequest>, State(told): State<Told>) -> MeterValuesResponse {
                told.send(format!("meter {}", call.meter_value[0].sampled_value[0].value)).unwrap();
                MeterValuesResponse::new()
            }

            async fn on_set_profile(
                call: Call<SetChargingProfileRequest>,
                State(told): State<Told>,
            ) -> SetChargingProfileResponse {
                let period = &call.charging_profile.charging_schedule[0].charging_schedule_period[0];
                told.send(format!("limit of EVSE {}: {:?}", call.evse_id, period.limit.clone())).unwrap();
                SetChargingProfileResponse::new(ChargingProfileStatus::Accepted)
            }

            async fn on_clear_profile(_: Call<ClearChargingProfileRequest>) -> ClearChargingProfileResponse {
                ClearChargingProfileResponse::new(ClearChargingProfileStatus::Accepted)
            }

            #[tokio::test]
            async fn $test() {
                let csms = Router::new()
                    .on(on_boot)
                    .on(on_heartbeat)
                    .on(on_authorize)
                    .on(on_status)
                    .on(on_event)
                    .on(on_meter_values);
                let station = Router::new().on(on_set_profile).on(on_clear_profile);
                let (csms, station, mut told) = pair(csms, station, Version::$version).await;

                let model = tieline_ocpp::$module::ChargingStation::new("Optimus", "Takara");
                let boot = csms.call(BootNotificationRequest::new(model, BootReason::PowerUp)).await.unwrap();
                assert_eq!((boot.status, boot.interval), (RegistrationStatus::Accepted, 300));
                assert_eq!(told.recv().await.unwrap(), "CS 001 is a Optimus");
                assert_eq!(csms.call(HeartbeatRequest::new()).await.unwrap().current_time, noon());
                let authorized = csms.call(AuthorizeRequest::new($token)).await.unwrap();
                assert_eq!(authorized.id_token_info.status, AuthorizationStatus::Accepted);
                let status = StatusNotificationRequest::new(noon(), ConnectorStatus::Occupied, 1, 1);
                csms.call(status).await.unwrap();
                assert_eq!(told.recv().await.unwrap(), "EVSE 1 is Occupied");
                for (number, kind) in
                    [TransactionEventEnum::Started, TransactionEventEnum::Updated, TransactionEventEnum::Ended]
                        .into_iter()
                        .enumerate()
                {
                    let expected = format!("{number} {kind} tx-1");
                    let event = TransactionEventRequest::new(
                        kind,
                        noon(),
                        TriggerReason::Authorized,
                        i32::try_from(number).unwrap(),
                        Transaction::new("tx-1"),
                    );
                    csms.call(event).await.unwrap();
                    assert_eq!(told.recv().await.unwrap(), expected);
                }
                let values = MeterValue::new(vec![SampledValue::new(150)], noon());
                csms.call(MeterValuesRequest::new(1, vec![values])).await.unwrap();
                assert_eq!(told.recv().await.unwrap(), "meter 150");

                let schedule = ChargingSchedule::new(1, ChargingRateUnit::W, vec![$period]);
                let profile = ChargingProfile::new(
                    1,
                    0,
                    ChargingProfilePurpose::TxDefaultProfile,
                    ChargingProfileKind::Relative,
                    vec![schedule],
                );
                let set = station.call(SetChargingProfileRequest::new(1, profile)).await.unwrap();
                assert_eq!(set.status, ChargingProfileStatus::Accepted);
                assert!(told.recv().await.unwrap().starts_with("limit of EVSE 1: "));
                let cleared = station.call(ClearChargingProfileRequest::new()).await.unwrap();
                assert_eq!(cleared.status, ClearChargingProfileStatus::Accepted);
                let unhandled = station.call(ClearCacheRequest::new()).await.unwrap_err();
                assert!(matches!(unhandled, CallFailure::Refused(error) if error.code == ErrorCode::NotSupported));
            }
        }
    };
}

version_2!(
    v201, V2_0_1, a_charging_session_in_2_0_1,
    token: IdToken::new("24782", IdTokenEnum::ISO14443),
    period: ChargingSchedulePeriod::new(0, 11_000)
);
version_2!(
    v21, V2_1, a_charging_session_in_2_1,
    token: IdToken::new("24782", "ISO14443"),
    period: ChargingSchedulePeriod::new(0).with_limit(11_000)
);

#[tokio::test]
async fn one_router_serves_all_versions_and_tells_them_apart() {
    async fn on_16(
        _: Call<tieline_ocpp::v16::HeartbeatRequest>,
    ) -> Result<tieline_ocpp::v16::HeartbeatResponse, CallError> {
        Err(CallError::internal("1.6"))
    }
    async fn on_201(
        _: Call<tieline_ocpp::v201::HeartbeatRequest>,
    ) -> Result<tieline_ocpp::v201::HeartbeatResponse, CallError> {
        Err(CallError::internal("2.0.1"))
    }
    let router = Router::<Ocpp, ()>::new().on(on_16).on(on_201).with_state(());
    let csms = serve(open_csms(router).build()).await;
    for (protocol, code, description) in [
        ("ocpp1.6", "InternalError", "1.6"),
        ("ocpp2.0.1", "InternalError", "2.0.1"),
        ("ocpp2.1", "NotSupported", "The requested action is recognized but not supported by the receiver"),
    ] {
        let mut station = RawPeer::station(csms, "CS001", protocol).await;
        let error = station.exchange(r#"[2,"1","Heartbeat",{}]"#).await;
        assert_eq!((&error[0], &error[2], &error[3]), (&json!(4), &json!(code), &json!(description)));
    }
}

#[tokio::test]
async fn faults_of_handlers_have_their_codes() {
    use tieline_ocpp::v16::{AuthorizeRequest, AuthorizeResponse, HeartbeatRequest, HeartbeatResponse};

    async fn hangs(_: Call<HeartbeatRequest>) -> HeartbeatResponse {
        std::future::pending().await
    }
    async fn panics(call: Call<AuthorizeRequest>) -> AuthorizeResponse {
        panic!("a bug with the secret {}", call.id_tag)
    }
    let router = Router::<Ocpp, ()>::new()
        .on(hangs)
        .on(panics)
        .layer(Timeout::new(Duration::from_millis(50)))
        .with_state(());
    let csms = serve(open_csms(router).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    let error = station.exchange(r#"[2,"1","Heartbeat",{}]"#).await;
    assert_eq!(error[2], "InternalError");
    assert_eq!(error[4], json!({"cause": "Handler for Heartbeat timed out."}));
    let error = station.exchange(r#"[2,"2","Authorize",{"idTag":"12345"}]"#).await;
    assert_eq!(error[2], "InternalError");
    assert!(!error.to_string().contains("12345"), "{error}");
    let error = station.exchange(r#"[2,"3","Authorize",{"idTag":12345}]"#).await;
    assert_eq!((&error[2], &error[4]["path"]), (&json!("TypeConstraintViolation"), &json!("/idTag")));
    let error = station.exchange(r#"[2,"4","Authorize",{}]"#).await;
    assert_eq!(error[2], "ProtocolError");
}

/// A router's `after` is the declarative form of the same order.
#[tokio::test]
async fn a_router_s_after_comes_after_the_answer() {
    use tieline_ocpp::v16::{ClearCacheRequest, HeartbeatRequest, HeartbeatResponse};

    async fn on_heartbeat(_: Call<HeartbeatRequest>) -> HeartbeatResponse {
        HeartbeatResponse::new(noon())
    }
    async fn then(_: Sent<Ocpp, HeartbeatRequest>, peer: Peer, State(done): State<Arc<tokio::sync::Notify>>) {
        let _ = peer.call(ClearCacheRequest::new()).await;
        done.notify_one();
    }
    let done = Arc::new(tokio::sync::Notify::new());
    let router = Router::<Ocpp, _>::new().on(on_heartbeat).after(then).with_state(Arc::clone(&done));
    let csms = serve(open_csms(router).build()).await;
    let mut station = RawPeer::station(csms, "CS001", "ocpp1.6").await;
    for _ in 0..100 {
        assert_eq!(station.exchange(r#"[2,"1","Heartbeat",{}]"#).await[0], 3);
        let call = station.next_json().await;
        assert_eq!(call[2], "ClearCache");
        station.send(&format!(r#"[3,{},{{"status":"Accepted"}}]"#, call[1])).await;
        timeout(PATIENCE, done.notified()).await.unwrap();
    }
}
