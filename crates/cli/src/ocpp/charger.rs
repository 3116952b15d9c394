//! A simulated charger that speaks OCPP.

mod hardware;
mod misbehaviour;
mod scenario;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hardware::Simulated;
use misbehaviour::Misbehaving;
use scenario::Scenario;
use tieline_edge::tls::{ClientTls, TrustedRoots};
use tieline_edge::websocket::Connector;
use tieline_ocpp::Version;
use tieline_ocpp::charge_point::{
    Backoff, ChargePoint, ChargingStationInfo, FileStore, LinkTimes, SnapshotFile,
};
use tieline_ocpp::client::ChargingStation;

/// How many messages may wait for their delivery.
const MAX_MESSAGES: usize = 10_000;

/// Be a charging station that connects to a CSMS and plays a scenario.
///
/// What goes out and comes in is printed, a JSON array per line: the time, `out` or `in`, the action, and the payload or the answer.
/// A password that the CSMS sets is printed, too. It ends once the scenario is over and everything has been delivered that must be.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Charger {
    /// The address of the CSMS, without the identity.
    #[arg(long)]
    url: String,
    /// The charger's identity.
    #[arg(long, default_value = "CS1")]
    identity: String,
    /// The OCPP version; several are offered in this order.
    #[arg(long, value_name = "VERSION", value_delimiter = ',', default_value = "2.0.1")]
    version: Vec<Version>,
    /// The scenario; without one it connects, says how it is, and stays.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The file with the password of security profiles 1 and 2.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The file with the root certificates to trust (PEM); default: the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The directory in which it keeps what it owes and was told; default: it forgets.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Stay connected after the scenario.
    #[arg(long)]
    stay: bool,
}

impl Charger {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let scenario = match &self.scenario {
            Some(file) => Scenario::read(file)?,
            None => Scenario::default(),
        };
        let clock = scenario.clock();
        let simulated = Simulated::new(Arc::clone(&clock), scenario.charger.evses);
        let hardware = Arc::new(simulated.with_connector(self.connector()?));
        let mut times = LinkTimes::default();
        times.backoff = Backoff {
            wait_minimum: scenario.charger.reconnect.unsigned_abs(),
            random_range: scenario.charger.reconnect.unsigned_abs(),
            repeat_times: 3,
        };
        let mut builder = ChargePoint::builder(
            self.connection()?,
            info(&scenario),
            scenario.charger.evses,
            hardware.clone(),
        )
        .with_clock(clock)
        .with_times(times);
        if let Some(directory) = &self.state {
            std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
            let messages = FileStore::open(directory.join("messages.jsonl"))
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            builder = builder
                .with_messages(messages, MAX_MESSAGES)
                .with_snapshots(SnapshotFile::new(directory.join("state.json")));
        }
        let (point, running) = builder.build()?;
        let misbehaviour = Arc::new(scenario.misbehaviour.clone());
        let running = tokio::spawn(running.run_behind(|routes| Misbehaving::new(routes, misbehaviour)));
        let playing = steps::play(&point, &hardware, &scenario);
        let mut running = running;
        tokio::select! {
            ended = &mut running => return Ok(ended??),
            played = playing => played?,
        }
        if !self.stay && self.scenario.is_some() {
            drain(&point).await;
            point.stop();
        }
        Ok(running.await??)
    }

    /// Also a charger that begins without TLS may be sent to where there is some.
    fn connector(&self) -> anyhow::Result<Connector> {
        let mut tls = ClientTls::platform();
        if let Some(file) = &self.ca {
            tls = tls.with_roots(TrustedRoots::Only(vec![file.clone()]));
        }
        match tls.load() {
            Ok(tls) => Ok(Connector::default().with_tls(Arc::new(tls))),
            Err(error) if self.ca.is_some() || self.url.starts_with("wss") => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the charger can go no way with TLS");
                Ok(Connector::default())
            }
        }
    }

    fn connection(&self) -> anyhow::Result<ChargingStation> {
        let connection = ChargingStation::new(&self.url, &self.identity, self.version.clone())?;
        let connection = connection.with_observer(steps::Console).with_connector(self.connector()?);
        if let Some(file) = &self.password_file {
            let password = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            connection.set_password(password.trim_end_matches(['\r', '\n']).as_bytes());
        }
        Ok(connection)
    }
}

fn info(scenario: &Scenario) -> ChargingStationInfo {
    let charger = &scenario.charger;
    let mut info = ChargingStationInfo::new(charger.vendor.as_str(), charger.model.as_str());
    info.serial_number.clone_from(&charger.serial_number);
    info.firmware_version.clone_from(&charger.firmware_version);
    info
}

/// Waits until everything has been delivered that must be.
async fn drain(point: &ChargePoint) {
    while point.link().owed() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
