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
                ChargingProfileStatus, ChargingRateUnit, ChargingSchedule, ChargingSchedulePeriod, ChargingState,
                HeartbeatRequest, HeartbeatResponse, IdTokenInfo, Measurand, MeterValue, MeterValuesRequest,
                MeterValuesResponse, NotifyEVChargingNeedsRequest, NotifyEVChargingNeedsResponse,
                NotifyEVChargingNeedsStatus, RegistrationStatus, SampledValue, SetChargingProfileRequest, StatusNotificationRequest, StatusNotificationResponse,
                TransactionEventEnum, TransactionEventRequest, TransactionEventResponse,
            };
            use tieline_ocpp::types::Decimal;
            use tieline_ocpp::{CallFailure, Ocpp, Peer};
            use tieline_service::{After, Call, Router, State};
            use tracing::info;

            use crate::bridge::ocpp::booking::{Beginning, Needs, Report, power, register};
            use crate::bridge::ocpp::steering::{Profile, Told};
            use crate::bridge::ocpp::{Chargers, NotServed};
            use crate::config::ProfileUnit;
            use crate::fleet::{Made, MeterReading, Purpose, Session, SessionKey};

            pub(super) fn routes(router: Router<Ocpp, Chargers>) -> Router<Ocpp, Chargers> {
                router
                    .on(on_boot)
                    .on(on_heartbeat)
                    .on(on_authorize)
                    .on(on_status)
                    .on(on_transaction)
                    .on(on_meter_values)
                    .on(on_needs)
            }

            async fn on_boot(
                call: Call<BootNotificationRequest>,
                State(chargers): State<Chargers>,
                peer: Peer,
            ) -> Result<(BootNotificationResponse, After), NotServed> {
                let station = &call.charging_station;
                info!(charger = %peer.identity(), vendor = station.vendor_name, model = station.model, "booted");
                let made = Made {
                    vendor: station.vendor_name.clone(),
                    model: station.model.clone(),
                    serial_number: station.serial_number.clone(),
                    firmware: station.firmware_version.clone(),
                    booted: chargers.now().timestamp(),
                };
                let after = chargers.booted(&peer, made).await?;
                let (now, interval) = (chargers.now(), chargers.heartbeat_seconds());
                Ok((BootNotificationResponse::new(now, interval, RegistrationStatus::Accepted), after))
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
                // Where it is may only be said later, once the cable is plugged in.
                let evse = call.evse.as_ref().and_then(|evse| u16::try_from(evse.id).ok());
                let reading = readings.first().copied();
                let beginning = Beginning { key: key.clone(), evse: evse.unwrap_or(Session::UNKNOWN_EVSE), at, reading };
                chargers.begin(&beginning).await?;
                let takes = match call.transaction_info.charging_state {
                    Some(ChargingState::Charging | ChargingState::SuspendedEVSE) => Some((at, true)),
                    Some(ChargingState::SuspendedEV) => Some((at, false)),
                    _ => None,
                };
                let ended = (call.event_type == TransactionEventEnum::Ended).then_some(at);
                chargers.report(&key, &Report { readings, takes, ended, evse, needs: None }).await?;
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

            /// What the EV needs goes into the plans; whether a schedule comes of it depends on what is ordered.
            async fn on_needs(
                call: Call<NotifyEVChargingNeedsRequest>,
                State(chargers): State<Chargers>,
                peer: Peer,
            ) -> Result<NotifyEVChargingNeedsResponse, NotServed> {
                let evse = u16::try_from(call.evse_id).unwrap_or(0);
                let Some(session) = chargers.session_at(peer.identity().as_str(), evse).await? else {
                    return Ok(NotifyEVChargingNeedsResponse::new(NotifyEVChargingNeedsStatus::Rejected));
                };
                let said = &call.charging_needs;
                let energy = said.ac_charging_parameters.as_ref().and_then(|parameters| {
                    register(parameters.energy_amount.to_string().parse().ok()?, None, 0)
                });
                let needs = Needs { departure: said.departure_time.map(|at| at.timestamp()), energy };
                chargers.report(&session, &Report { needs: Some(needs), ..Report::default() }).await?;
                Ok(NotifyEVChargingNeedsResponse::new(NotifyEVChargingNeedsStatus::Processing))
            }

            fn readings(values: &[MeterValue]) -> Vec<MeterReading> {
                let of_value = |value: &MeterValue| {
                    let whole = |kind: Measurand| {
                        let is_it = move |sample: &&SampledValue| {
                            sample.measurand.as_ref().unwrap_or(&Measurand::EnergyActiveImportRegister) == &kind
                                && sample.phase.is_none()
                        };
                        let sample = value.sampled_value.iter().find(is_it)?;
                        let unit = sample.unit_of_measure.as_ref();
                        let multiplier = unit.and_then(|unit| unit.multiplier).unwrap_or(0);
                        let unit = unit.and_then(|unit| unit.unit.clone());
                        Some((sample.value.to_string().parse().ok()?, unit, multiplier))
                    };
                    let (energy, unit, multiplier) = whole(Measurand::EnergyActiveImportRegister)?;
                    let energy = register(energy, unit.as_deref(), multiplier)?;
                    let power = whole(Measurand::PowerActiveImport)
                        .and_then(|(watts, unit, multiplier)| power(watts, unit.as_deref(), multiplier));
                    Some(MeterReading { at: value.timestamp.timestamp(), energy, power })
                };
                values.iter().filter_map(of_value).collect()
            }

            /// Tells a session its limits: a profile that starts and ends.
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
                let (purpose, evse) = match profile.purpose {
                    Purpose::Transaction => (ChargingProfilePurpose::TxProfile, profile.evse),
                    Purpose::Default => (ChargingProfilePurpose::TxDefaultProfile, profile.evse),
                    Purpose::Station => (ChargingProfilePurpose::ChargingStationMaxProfile, 0),
                };
                let kind = ChargingProfileKind::Absolute;
                let mut charging_profile =
                    ChargingProfile::new(profile.id, profile.stack_level, purpose, kind, vec![schedule]);
                if profile.purpose == Purpose::Transaction {
                    charging_profile.transaction_id = Some(profile.transaction.clone());
                }
                let response = peer.call(SetChargingProfileRequest::new(evse, charging_profile)).await?;
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
