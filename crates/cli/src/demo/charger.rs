use std::fmt;
use std::net::SocketAddr;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_edge::SystemClock;
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::types::DateTime;
use tieline_ocpp::{EndReason, Ocpp, Peer, Version, v16, v21, v201};
use tieline_service::{Call, Router, State};
use tieline_types::Clock as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::setting::Plan;

/// A charger with a car that charges.
#[derive(Debug)]
pub(super) struct Charger {
    csms: Peer,
    running: JoinHandle<EndReason>,
}

/// Limits that a charger was told and accepted.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) charger: String,
    /// When it was told.
    pub(super) at: Timestamp,
    version: Version,
    pub(super) start: Timestamp,
    duration: SignedDuration,
    unit: &'static str,
    /// Seconds from the start, and the limit from then on.
    pub(super) periods: Vec<(i32, Decimal)>,
}

#[derive(Clone, Debug)]
struct Told(mpsc::Sender<Fitted>);

impl Charger {
    /// Connects, boots and starts a transaction.
    pub(super) async fn plug_in(
        plan: &Plan,
        csms: SocketAddr,
        told: mpsc::Sender<Fitted>,
    ) -> anyhow::Result<Self> {
        let station = ChargingStation::new(&format!("ws://{csms}/ocpp"), plan.identity, [plan.version])?;
        let router =
            Router::<Ocpp, Told>::new().on(limit_16).on(limit_201).on(limit_21).with_state(Told(told));
        let session = station.connect(router).await.with_context(|| plan.identity)?;
        let csms = session.peer().clone();
        let running = tokio::spawn(session.run());
        let charger = Self { csms, running };
        match plan.version {
            Version::V1_6 => charger.start_16().await,
            Version::V2_0_1 => charger.start_201().await,
            _ => charger.start_21().await,
        }
        .with_context(|| plan.identity)?;
        Ok(charger)
    }

    pub(super) async fn unplug(self) {
        self.csms.close("the demo is over");
        // However the session ends, it has ended.
        let _ = self.running.await;
    }

    async fn start_16(&self) -> anyhow::Result<()> {
        self.csms.call(v16::BootNotificationRequest::new("Tieline", "Demo 1.6")).await?;
        self.csms.call(v16::AuthorizeRequest::new("DEMO")).await?;
        self.csms.call(v16::StartTransactionRequest::new(1, "DEMO", 0, now())).await?;
        Ok(())
    }

    async fn start_201(&self) -> anyhow::Result<()> {
        let station = v201::ChargingStation::new("Demo 2.0.1", "Tieline");
        self.csms.call(v201::BootNotificationRequest::new(station, v201::BootReason::PowerUp)).await?;
        let transaction = v201::Transaction::new(format!("{}-1", self.csms.identity()));
        let mut started = v201::TransactionEventRequest::new(
            v201::TransactionEventEnum::Started,
            now(),
            v201::TriggerReason::CablePluggedIn,
            0,
            transaction,
        );
        started.evse = Some(v201::EVSE::new(1));
        self.csms.call(started).await?;
        Ok(())
    }

    async fn start_21(&self) -> anyhow::Result<()> {
        let station = v21::ChargingStation::new("Demo 2.1", "Tieline");
        self.csms.call(v21::BootNotificationRequest::new(station, v21::BootReason::PowerUp)).await?;
        let transaction = v21::Transaction::new(format!("{}-1", self.csms.identity()));
        let mut started = v21::TransactionEventRequest::new(
            v21::TransactionEventEnum::Started,
            now(),
            v21::TriggerReason::CablePluggedIn,
            0,
            transaction,
        );
        started.evse = Some(v21::EVSE::new(1));
        self.csms.call(started).await?;
        Ok(())
    }
}

fn now() -> DateTime {
    DateTime::from_timestamp(SystemClock.now())
}

async fn limit_16(
    call: Call<v16::SetChargingProfileRequest>,
    State(Told(told)): State<Told>,
    csms: Peer,
) -> v16::SetChargingProfileResponse {
    let schedule = &call.cs_charging_profiles.charging_schedule;
    let unit = if schedule.charging_rate_unit == v16::ChargingRateUnit::W { "W" } else { "A" };
    let periods =
        schedule.charging_schedule_period.iter().map(|period| (period.start_period, Some(period.limit)));
    let fitted = fitted(&csms, unit, schedule.start_schedule, schedule.duration, periods);
    v16::SetChargingProfileResponse::new(if take(&told, fitted).await {
        v16::ChargingProfileStatus::Accepted
    } else {
        v16::ChargingProfileStatus::Rejected
    })
}

macro_rules! limit {
    ($name:ident, $module:ident, |$period:ident| $limit:expr) => {
        async fn $name(
            call: Call<$module::SetChargingProfileRequest>,
            State(Told(told)): State<Told>,
            csms: Peer,
        ) -> $module::SetChargingProfileResponse {
            let fitted = call.charging_profile.charging_schedule.first().and_then(|schedule| {
                let unit =
                    if schedule.charging_rate_unit == $module::ChargingRateUnit::W { "W" } else { "A" };
                let periods =
                    schedule.charging_schedule_period.iter().map(|$period| ($period.start_period, $limit));
                fitted(&csms, unit, schedule.start_schedule, schedule.duration, periods)
            });
            $module::SetChargingProfileResponse::new(if take(&told, fitted).await {
                $module::ChargingProfileStatus::Accepted
            } else {
                $module::ChargingProfileStatus::Rejected
            })
        }
    };
}

limit!(limit_201, v201, |period| Some(period.limit));
limit!(limit_21, v21, |period| period.limit);

/// `None` for a profile without start, end or limit: this charger takes none such.
fn fitted(
    csms: &Peer,
    unit: &'static str,
    start: Option<DateTime>,
    duration: Option<i32>,
    periods: impl Iterator<Item = (i32, Option<tieline_ocpp::types::Decimal>)>,
) -> Option<Fitted> {
    let periods = periods.map(|(second, limit)| Some((second, limit?.to_string().parse().ok()?)));
    Some(Fitted {
        charger: csms.identity().to_string(),
        at: SystemClock.now(),
        version: csms.version(),
        start: start?.timestamp(),
        duration: SignedDuration::from_secs(duration?.into()),
        unit,
        periods: periods.collect::<Option<_>>()?,
    })
}

async fn take(told: &mpsc::Sender<Fitted>, fitted: Option<Fitted>) -> bool {
    match fitted {
        Some(fitted) => told.send(fitted).await.is_ok(),
        None => false,
    }
}

impl Fitted {
    pub(super) fn end(&self) -> Timestamp {
        self.start + self.duration
    }
}

impl fmt::Display for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  AGR → {}  OCPP {:<6} SetChargingProfile  ", self.charger, self.version.to_string())?;
        for (_, limit) in &self.periods {
            write!(f, "{limit} {}", self.unit)?;
        }
        write!(f, " from {} until {}", self.start, self.end())
    }
}
