//! A charger that keeps what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{CallError, EndReason, ErrorCode, Ocpp, Peer, Version, v16, v21, v201};
use tieline_service::{Call, Router, State};
use tokio::task::JoinHandle;

use crate::daemon::eventually;

pub(crate) struct Charger {
    pub(crate) csms: Peer,
    running: JoinHandle<EndReason>,
    told: Told,
}

/// Limits that a charger was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) evse: i32,
    pub(crate) transaction: String,
    pub(crate) unit: &'static str,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// From this instant on, this limit.
    pub(crate) periods: Vec<(Timestamp, Decimal)>,
}

/// What a charger does with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Accept,
    Refuse,
    /// It never answers.
    Ignore,
    /// It answers with a CALLERROR.
    Err(ErrorCode),
}

#[derive(Clone)]
struct Told(Arc<Mutex<(Conduct, Vec<Limits>)>>);

impl Charger {
    pub(crate) async fn connect(csms: SocketAddr, identity: &str, version: Version) -> Self {
        let station = ChargingStation::new(&format!("ws://{csms}/ocpp"), identity, [version]).unwrap();
        Self::run(&station).await
    }

    pub(crate) async fn run(station: &ChargingStation) -> Self {
        let told = Told(Arc::new(Mutex::new((Conduct::Accept, Vec::new()))));
        let router = Router::<Ocpp, Told>::new().on(limit_16).on(limit_201).on(limit_21);
        let session = station.connect(router.with_state(told.clone())).await.unwrap();
        let csms = session.peer().clone();
        let running = tokio::spawn(session.run());
        let charger = Self { csms, running, told };
        charger.boot().await;
        charger
    }

    async fn boot(&self) {
        match self.csms.version() {
            Version::V1_6 => {
                let boot = v16::BootNotificationRequest::new("Tieline", "Test 1.6");
                assert_eq!(self.csms.call(boot).await.unwrap().status, v16::RegistrationStatus::Accepted);
            }
            Version::V2_0_1 => {
                let station = v201::ChargingStation::new("Test 2.0.1", "Tieline");
                let boot = v201::BootNotificationRequest::new(station, v201::BootReason::PowerUp);
                assert_eq!(self.csms.call(boot).await.unwrap().status, v201::RegistrationStatus::Accepted);
            }
            _ => {
                let station = v21::ChargingStation::new("Test 2.1", "Tieline");
                let boot = v21::BootNotificationRequest::new(station, v21::BootReason::PowerUp);
                assert_eq!(self.csms.call(boot).await.unwrap().status, v21::RegistrationStatus::Accepted);
            }
        }
    }

    pub(crate) fn behave(&self, conduct: Conduct) {
        self.told.0.lock().unwrap().0 = conduct;
    }

    /// Starts a transaction and says what it is called.
    pub(crate) async fn charge(&self, at: Timestamp) -> String {
        let name = format!("{}-1", self.csms.identity());
        match self.csms.version() {
            Version::V1_6 => {
                let start = v16::StartTransactionRequest::new(1, "TAG", 0, when(at));
                self.csms.call(start).await.unwrap().transaction_id.to_string()
            }
            Version::V2_0_1 => {
                let mut started = v201::TransactionEventRequest::new(
                    v201::TransactionEventEnum::Started,
                    when(at),
                    v201::TriggerReason::CablePluggedIn,
                    0,
                    v201::Transaction::new(name.clone()),
                );
                started.evse = Some(v201::EVSE::new(1));
                self.csms.call(started).await.unwrap();
                name
            }
            _ => {
                let mut started = v21::TransactionEventRequest::new(
                    v21::TransactionEventEnum::Started,
                    when(at),
                    v21::TriggerReason::CablePluggedIn,
                    0,
                    v21::Transaction::new(name.clone()),
                );
                started.evse = Some(v21::EVSE::new(1));
                self.csms.call(started).await.unwrap();
                name
            }
        }
    }

    /// Reports what the register of a transaction of 1.6 showed at some instants, in Wh.
    pub(crate) async fn meter(&self, transaction: &str, readings: &[(Timestamp, i64)]) {
        let values = readings.iter().map(|(at, register)| {
            v16::MeterValue::new(when(*at), vec![v16::SampledValue::new(register.to_string())])
        });
        let mut values = v16::MeterValuesRequest::new(1, values.collect());
        values.transaction_id = Some(transaction.parse().unwrap());
        self.csms.call(values).await.unwrap();
    }

    /// Reports what a session draws, in W, and its register, in Wh.
    pub(crate) async fn draws(&self, transaction: &str, at: Timestamp, watts: i64, register: i64) {
        match self.csms.version() {
            Version::V1_6 => {
                let mut power = v16::SampledValue::new(watts.to_string());
                power.measurand = Some(v16::Measurand::PowerActiveImport);
                let samples = vec![v16::SampledValue::new(register.to_string()), power];
                let mut values =
                    v16::MeterValuesRequest::new(1, vec![v16::MeterValue::new(when(at), samples)]);
                values.transaction_id = Some(transaction.parse().unwrap());
                self.csms.call(values).await.unwrap();
            }
            Version::V2_0_1 => {
                self.csms.call(drawing_201(transaction, at, watts, register)).await.unwrap();
            }
            _ => {
                self.csms.call(drawing_21(transaction, at, watts, register)).await.unwrap();
            }
        }
    }

    /// Says whether the EV takes energy: by its status in 1.6, and by its charging state in 2.x.
    pub(crate) async fn says(&self, transaction: &str, at: Timestamp, takes: bool) {
        match self.csms.version() {
            Version::V1_6 => {
                let status = if takes {
                    v16::ChargePointStatus::Charging
                } else {
                    v16::ChargePointStatus::SuspendedEV
                };
                let no_error = v16::ChargePointErrorCode::NoError;
                let mut status = v16::StatusNotificationRequest::new(1, no_error, status);
                status.timestamp = Some(when(at));
                self.csms.call(status).await.unwrap();
            }
            Version::V2_0_1 => {
                self.csms.call(state_201(transaction, at, takes)).await.unwrap();
            }
            _ => {
                self.csms.call(state_21(transaction, at, takes)).await.unwrap();
            }
        }
    }

    /// Says when the driver leaves, and how many Wh the EV needs (2.x).
    pub(crate) async fn needs(&self, departure: Timestamp, watt_hours: i32) {
        match self.csms.version() {
            Version::V1_6 => panic!("1.6 has no such message"),
            Version::V2_0_1 => {
                let needs = needs_201(departure, watt_hours);
                let answer = self.csms.call(v201::NotifyEVChargingNeedsRequest::new(needs, 1)).await.unwrap();
                assert_eq!(answer.status, v201::NotifyEVChargingNeedsStatus::Processing);
            }
            _ => {
                let needs = needs_21(departure, watt_hours);
                let answer = self.csms.call(v21::NotifyEVChargingNeedsRequest::new(1, needs)).await.unwrap();
                assert_eq!(answer.status, v21::NotifyEVChargingNeedsStatus::Processing);
            }
        }
    }

    /// The limit that it was told for an instant; `None` if it was told none.
    pub(crate) fn limit_at(&self, at: Timestamp) -> Option<Decimal> {
        let told = self.told().pop().filter(|told| (told.start..told.end).contains(&at))?;
        told.periods.iter().rev().find(|(start, _)| *start <= at).map(|(_, limit)| *limit)
    }

    /// Ends a transaction of 1.6.
    pub(crate) async fn stop_charging(&self, transaction: &str, meter_stop: i32, at: Timestamp) {
        let number = transaction.parse().unwrap();
        self.csms.call(v16::StopTransactionRequest::new(meter_stop, when(at), number)).await.unwrap();
    }

    pub(crate) fn told(&self) -> Vec<Limits> {
        self.told.0.lock().unwrap().1.clone()
    }

    /// Waits until it was told so many limits, and gives them.
    pub(crate) async fn told_at_least(&self, count: usize) -> Vec<Limits> {
        let what = format!("{} is told limits {count} times", self.csms.identity());
        eventually(&what, async || Some(self.told()).filter(|told| told.len() >= count)).await
    }

    /// Cuts the connection.
    pub(crate) async fn cut(self) {
        self.running.abort();
        // It was aborted, or had ended before.
        let _ = self.running.await;
    }
}

pub(crate) fn when(at: Timestamp) -> DateTime {
    DateTime::from_timestamp(at)
}

macro_rules! reports {
    ($module:ident, $drawing:ident, $state:ident, $needs:ident) => {
        fn $drawing(
            transaction: &str,
            at: Timestamp,
            watts: i64,
            register: i64,
        ) -> $module::TransactionEventRequest {
            let mut power = $module::SampledValue::new(watts);
            power.measurand = Some($module::Measurand::PowerActiveImport);
            let samples = vec![$module::SampledValue::new(register), power];
            let mut updated = updated!($module, transaction, at, MeterValuePeriodic);
            updated.meter_value = Some(vec![$module::MeterValue::new(samples, when(at))]);
            updated
        }

        fn $state(transaction: &str, at: Timestamp, takes: bool) -> $module::TransactionEventRequest {
            let mut updated = updated!($module, transaction, at, ChargingStateChanged);
            updated.transaction_info.charging_state = Some(if takes {
                $module::ChargingState::Charging
            } else {
                $module::ChargingState::SuspendedEV
            });
            updated
        }

        fn $needs(departure: Timestamp, watt_hours: i32) -> $module::ChargingNeeds {
            let mut needs = $module::ChargingNeeds::new($module::EnergyTransferMode::ACThreePhase);
            needs.departure_time = Some(when(departure));
            needs.ac_charging_parameters = Some($module::ACChargingParameters::new(watt_hours, 6, 32, 400));
            needs
        }
    };
}

macro_rules! updated {
    ($module:ident, $transaction:expr, $at:expr, $trigger:ident) => {
        $module::TransactionEventRequest::new(
            $module::TransactionEventEnum::Updated,
            when($at),
            $module::TriggerReason::$trigger,
            1,
            $module::Transaction::new($transaction),
        )
    };
}

reports!(v201, drawing_201, state_201, needs_201);
reports!(v21, drawing_21, state_21, needs_21);

async fn limit_16(
    call: Call<v16::SetChargingProfileRequest>,
    State(told): State<Told>,
) -> Result<v16::SetChargingProfileResponse, CallError> {
    let profile = &call.cs_charging_profiles;
    if profile.charging_profile_purpose != v16::ChargingProfilePurpose::TxProfile {
        return Ok(v16::SetChargingProfileResponse::new(v16::ChargingProfileStatus::Rejected));
    }
    let schedule = &profile.charging_schedule;
    let unit = if schedule.charging_rate_unit == v16::ChargingRateUnit::W { "W" } else { "A" };
    let periods = schedule.charging_schedule_period.iter().map(|period| (period.start_period, period.limit));
    let transaction = profile.transaction_id.unwrap().to_string();
    let times = (schedule.start_schedule.unwrap(), schedule.duration.unwrap());
    Ok(v16::SetChargingProfileResponse::new(
        if told.take(limits(call.connector_id, transaction, unit, times, periods)).await? {
            v16::ChargingProfileStatus::Accepted
        } else {
            v16::ChargingProfileStatus::Rejected
        },
    ))
}

macro_rules! limit {
    ($name:ident, $module:ident, |$period:ident| $limit:expr) => {
        async fn $name(
            call: Call<$module::SetChargingProfileRequest>,
            State(told): State<Told>,
        ) -> Result<$module::SetChargingProfileResponse, CallError> {
            let profile = &call.charging_profile;
            if profile.charging_profile_purpose != $module::ChargingProfilePurpose::TxProfile {
                return Ok($module::SetChargingProfileResponse::new(
                    $module::ChargingProfileStatus::Rejected,
                ));
            }
            let schedule = &profile.charging_schedule[0];
            let unit = if schedule.charging_rate_unit == $module::ChargingRateUnit::W { "W" } else { "A" };
            let periods =
                schedule.charging_schedule_period.iter().map(|$period| ($period.start_period, $limit));
            let transaction = profile.transaction_id.clone().unwrap();
            let times = (schedule.start_schedule.unwrap(), schedule.duration.unwrap());
            Ok($module::SetChargingProfileResponse::new(
                if told.take(limits(call.evse_id, transaction, unit, times, periods)).await? {
                    $module::ChargingProfileStatus::Accepted
                } else {
                    $module::ChargingProfileStatus::Rejected
                },
            ))
        }
    };
}

limit!(limit_201, v201, |period| period.limit);
limit!(limit_21, v21, |period| period.limit.unwrap());

fn limits(
    evse: i32,
    transaction: String,
    unit: &'static str,
    (start, duration): (DateTime, i32),
    periods: impl Iterator<Item = (i32, tieline_ocpp::types::Decimal)>,
) -> Limits {
    let start = start.timestamp();
    let after = |seconds: i32| start + jiff::SignedDuration::from_secs(seconds.into());
    let periods =
        periods.map(|(second, limit)| (after(second), limit.to_string().parse().unwrap())).collect();
    Limits { evse, transaction, unit, start, end: after(duration), periods }
}

impl Told {
    async fn take(&self, limits: Limits) -> Result<bool, CallError> {
        let conduct = {
            let mut told = self.0.lock().unwrap();
            told.1.push(limits);
            told.0.clone()
        };
        match conduct {
            Conduct::Accept => Ok(true),
            Conduct::Refuse => Ok(false),
            Conduct::Ignore => std::future::pending().await,
            Conduct::Err(code) => Err(CallError::new(code, "It is cursed")),
        }
    }
}
