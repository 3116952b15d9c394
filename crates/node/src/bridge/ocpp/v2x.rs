//! OCPP 2.0.1 and 2.1: what a charging station reports, and how it is told a limit. The messages of this path are alike in
//! both, so one text serves both modules of types.

use tieline_ocpp::Ocpp;
use tieline_service::Router;

use super::Chargers;

pub(super) fn routes(router: Router<Ocpp, Chargers>) -> Router<Ocpp, Chargers> {
    v21::routes(v201::routes(router))
}

macro_rules! version {
    ($module:ident, $limit:expr) => {
        pub(super) mod $module {
            use tieline_ocpp::$module::{
                AuthorizationStatus, AuthorizeRequest, AuthorizeResponse, BootNotificationRequest,
                BootNotificationResponse, ChargingProfile, ChargingProfileKind, ChargingProfilePurpose,
                ChargingProfileStatus, ChargingRateUnit, ChargingSchedule, ChargingSchedulePeriod, HeartbeatRequest,
                HeartbeatResponse, IdTokenInfo, Measurand, MeterValue, MeterValuesRequest, MeterValuesResponse,
                RegistrationStatus, SetChargingProfileRequest, StatusNotificationRequest, StatusNotificationResponse,
                TransactionEventEnum, TransactionEventRequest, TransactionEventResponse,
            };
            use tieline_ocpp::types::Decimal;
            use tieline_ocpp::{CallFailure, Ocpp, Peer};
            use tieline_service::{Call, Router, State};
            use tracing::info;

            use crate::bridge::ocpp::booking::{Beginning, Reading, register};
            use crate::bridge::ocpp::steering::{Profile, Told};
            use crate::bridge::ocpp::{Chargers, NotServed};
            use crate::config::ProfileUnit;
            use crate::fleet::SessionKey;

            pub(super) fn routes(router: Router<Ocpp, Chargers>) -> Router<Ocpp, Chargers> {
                router
                    .on(on_boot)
                    .on(on_heartbeat)
                    .on(on_authorize)
                    .on(on_status)
                    .on(on_transaction)
                    .on(on_meter_values)
            }

            async fn on_boot(
                call: Call<BootNotificationRequest>,
                State(chargers): State<Chargers>,
                peer: Peer,
            ) -> BootNotificationResponse {
                let station = &call.charging_station;
                info!(charger = %peer.identity(), vendor = station.vendor_name, model = station.model, "booted");
                BootNotificationResponse::new(chargers.now(), chargers.heartbeat_seconds(), RegistrationStatus::Accepted)
            }

            async fn on_heartbeat(
                _call: Call<HeartbeatRequest>,
                State(chargers): State<Chargers>,
            ) -> HeartbeatResponse {
                HeartbeatResponse::new(chargers.now())
            }

            async fn on_authorize(
                call: Call<AuthorizeRequest>,
                State(chargers): State<Chargers>,
            ) -> AuthorizeResponse {
                AuthorizeResponse::new(id_token_info(&chargers, &call.id_token.id_token))
            }

            async fn on_status(
                call: Call<StatusNotificationRequest>,
                peer: Peer,
            ) -> StatusNotificationResponse {
                info!(charger = %peer.identity(), evse = call.evse_id, status = ?call.connector_status, "status");
                StatusNotificationResponse::new()
            }

            /// Started, Updated and Ended of a transaction; a repeated one changes nothing.
            async fn on_transaction(
                call: Call<TransactionEventRequest>,
                State(chargers): State<Chargers>,
                peer: Peer,
            ) -> Result<TransactionEventResponse, NotServed> {
                let charger = peer.identity().as_str().to_owned();
                let key = SessionKey { charger, transaction: call.transaction_info.transaction_id.clone() };
                let at = call.timestamp.timestamp();
                let readings = readings(call.meter_value.as_deref().unwrap_or_default());
                // The first event that is heard of opens the session, whichever it is: Started may still be on its way.
                let evse = call.evse.as_ref().and_then(|evse| u16::try_from(evse.id).ok()).unwrap_or(1);
                let reading = readings.first().copied();
                chargers.begin(&Beginning { key: key.clone(), evse, at, reading }).await?;
                let ended = (call.event_type == TransactionEventEnum::Ended).then_some(at);
                chargers.report(&key, &readings, ended).await?;
                let mut response = TransactionEventResponse::new();
                response.id_token_info = call.id_token.as_ref().map(|token| id_token_info(&chargers, &token.id_token));
                Ok(response)
            }

            /// Readings outside transactions say nothing of a session.
            async fn on_meter_values(call: Call<MeterValuesRequest>, peer: Peer) -> MeterValuesResponse {
                info!(charger = %peer.identity(), evse = call.evse_id, values = call.meter_value.len(), "meter values");
                MeterValuesResponse::new()
            }

            fn id_token_info(chargers: &Chargers, token: &str) -> IdTokenInfo {
                IdTokenInfo::new(if chargers.config.id_tokens.accepts(token) {
                    AuthorizationStatus::Accepted
                } else {
                    AuthorizationStatus::Invalid
                })
            }

            fn readings(values: &[MeterValue]) -> Vec<Reading> {
                let of_value = |value: &MeterValue| {
                    let at = value.timestamp.timestamp();
                    value.sampled_value.iter().find_map(move |sample| {
                        let kind = sample.measurand.as_ref();
                        if kind.is_some_and(|kind| *kind != Measurand::EnergyActiveImportRegister)
                            || sample.phase.is_some()
                        {
                            return None;
                        }
                        let unit = sample.unit_of_measure.as_ref();
                        let name = unit.and_then(|unit| unit.unit.as_deref());
                        let multiplier = unit.and_then(|unit| unit.multiplier).unwrap_or(0);
                        let energy = register(sample.value.to_string().parse().ok()?, name, multiplier)?;
                        Some(Reading { at, energy })
                    })
                };
                values.iter().filter_map(of_value).collect()
            }

            /// Tells a session its limits: a TxProfile that starts and ends.
            pub(in crate::bridge::ocpp) async fn tell(peer: &Peer, profile: &Profile) -> Result<Told, CallFailure> {
                let period: fn(i32, Decimal) -> ChargingSchedulePeriod = $limit;
                let periods = profile.periods.iter().map(|(second, limit)| period(*second, *limit)).collect();
                let unit = match profile.unit {
                    ProfileUnit::W => ChargingRateUnit::W,
                    ProfileUnit::A => ChargingRateUnit::A,
                };
                let mut schedule = ChargingSchedule::new(profile.id, unit, periods);
                schedule.duration = Some(profile.duration);
                schedule.start_schedule = Some(profile.start);
                let mut charging_profile = ChargingProfile::new(
                    profile.id,
                    0,
                    ChargingProfilePurpose::TxProfile,
                    ChargingProfileKind::Absolute,
                    vec![schedule],
                );
                charging_profile.transaction_id = Some(profile.transaction.clone());
                let response = peer.call(SetChargingProfileRequest::new(profile.evse, charging_profile)).await?;
                Ok(match response.status {
                    ChargingProfileStatus::Accepted => Told::Accepted,
                    other => {
                        let info = response.status_info.map(|info| info.reason_code).unwrap_or_default();
                        Told::Refused(format!("{other:?} {info}").trim_end().to_owned())
                    }
                })
            }
        }
    };
}

version!(v201, |second, limit| ChargingSchedulePeriod::new(second, limit));
version!(v21, |second, limit| {
    let mut period = ChargingSchedulePeriod::new(second);
    period.limit = Some(limit);
    period
});
