use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tieline_edge::websocket::{Config, Connector};
use tieline_ocpp::Limits;
use tieline_ocpp::client::{ChargingStation, ConnectError};
use tieline_types::Clock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::charger::{Charger, Evse, Heartbeat, Record, Shared};
use crate::{Behaviour, Chance, ChargerOutcome, Population, SessionOutcome, SessionSpec};

/// Receive and send buffers of an idle connection, in bytes: a charger's messages are small.
const BUFFERS: (usize, usize) = (1024, 512);

/// How a fleet is run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FleetConfig {
    /// The address of the CSMS, to which the identity of each charger is added: `ws://127.0.0.1:9000/ocpp`.
    pub url: String,
    /// What drivers identify themselves with, at most 20 characters. Default: `TIELINE-SIM`.
    pub id_token: String,
    /// The time between two meter values, aligned to the clock: a whole number of seconds, by which a day can be divided. Default: 15 min.
    pub meter_interval: SignedDuration,
    /// How many messages wait at a charger without a connection before the oldest meter values are dropped. Default: 4096.
    pub most_waiting: usize,
    /// How many chargers connect at the same time. Default: 64.
    pub most_connecting: usize,
    /// The pause in real time before connecting is tried again, which doubles each time, and the longest. Default: 20 ms and 1 s.
    pub reconnect_pause: (Duration, Duration),
    /// How long a message waits for its answer, in real time, before the connection is given up. Long, since a whole fleet may speak at the
    /// same instant. Default: 2 min.
    pub call_timeout: Duration,
    /// How often a message is sent that the CSMS refuses. Default: 5.
    pub attempts: u32,
    /// The pause in real time before a refused message is sent again, times the number of refusals. Default: 200 ms.
    pub retry_pause: Duration,
}

impl FleetConfig {
    /// A fleet whose CSMS has this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            id_token: "TIELINE-SIM".to_owned(),
            meter_interval: SignedDuration::from_mins(15),
            most_waiting: 4096,
            most_connecting: 64,
            reconnect_pause: (Duration::from_millis(20), Duration::from_secs(1)),
            call_timeout: Duration::from_mins(2),
            attempts: 5,
            retry_pause: Duration::from_millis(200),
        }
    }

    /// The same with another time between two meter values.
    pub fn with_meter_interval(mut self, interval: SignedDuration) -> Self {
        self.meter_interval = interval;
        self
    }

    fn check(&self) -> Result<(), FleetError> {
        let interval = self.meter_interval;
        let divides =
            interval.as_secs() > 0 && interval.subsec_nanos() == 0 && 86_400 % interval.as_secs() == 0;
        let checks = [
            ("meter_interval", "whole seconds that divide a day", divides),
            ("id_token", "1 to 20 characters", (1..=20).contains(&self.id_token.chars().count())),
            ("most_waiting", "at least 16", self.most_waiting >= 16),
            ("most_connecting", "from 1 to 10,000", (1..=10_000).contains(&self.most_connecting)),
            ("attempts", "at least 1", self.attempts > 0),
        ];
        match checks.into_iter().find(|(_, _, holds)| !holds) {
            Some((setting, expected, _)) => Err(FleetError::Setting { setting, expected }),
            None => Ok(()),
        }
    }
}

/// Why a fleet does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// A setting is out of its range.
    #[error("{setting} must be {expected}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Its range.
        expected: &'static str,
    },
    /// The address of the CSMS, or the identity of a charger, cannot be used.
    #[error(transparent)]
    Station(#[from] ConnectError),
    /// There is a session for a charger that the population has not.
    #[error("a session is at charger {0}, which the population has not")]
    NoSuchCharger(usize),
}

/// The chargers of a population at work, in this process: two small tasks for each.
///
/// They share one clock. Under a virtual one, time stands still while any of them has something to do or has no connection, unless it is its
/// [behaviour](Behaviour::Disappears) to have none.
#[derive(Debug)]
pub struct Fleet {
    chargers: Vec<(Arc<Shared>, Arc<Record>)>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Every session that has begun, in order of charger and time.
    pub sessions: Vec<SessionOutcome>,
    /// Every charger, in the population's order.
    pub chargers: Vec<ChargerOutcome>,
}

impl Fleet {
    /// Starts the chargers of a population with these sessions. Those without a behaviour obey.
    ///
    /// A session that has begun before the clock's present instant is under way; what happened before is told in short.
    /// Needs a tokio runtime.
    pub fn start(
        config: FleetConfig,
        population: &Population,
        sessions: Vec<SessionSpec>,
        behaviours: &[Behaviour],
        clock: impl Clock,
    ) -> Result<Self, FleetError> {
        config.check()?;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        // Nothing happens before all have begun.
        let busy = clock.busy();
        let mut of_chargers = vec![Vec::new(); population.chargers().len()];
        for session in sessions {
            let charger = session.charger;
            of_chargers.get_mut(charger).ok_or(FleetError::NoSuchCharger(charger))?.push(session);
        }
        let mut limits = Limits::default();
        (limits.call_timeout, limits.queue_timeout) = (config.call_timeout, config.call_timeout);
        let connecting = Arc::new(Semaphore::new(config.most_connecting));
        let config = Arc::new(config);
        let mut chargers = Vec::with_capacity(of_chargers.len());
        for (index, mut sessions) in of_chargers.into_iter().enumerate() {
            sessions.sort_by_key(SessionSpec::arrival);
            let spec = population.chargers()[index].clone();
            let station = ChargingStation::new(&config.url, &spec.identity, [spec.version])?;
            let version = spec.version;
            let stream = |name| Chance::of(population.seed(), name, index as u64);
            let evse = Evse::new(
                spec,
                sessions,
                behaviours.get(index).cloned().unwrap_or_default(),
                config.meter_interval,
                config.most_waiting,
                clock.now(),
                (stream("meter"), stream("delay")),
            );
            chargers.push(Charger {
                station: station.with_connector(connector()).with_limits(limits.clone()),
                version,
                shared: Arc::new(Shared::new(Arc::clone(&clock), evse)),
                record: Arc::default(),
                config: Arc::clone(&config),
                connecting: Arc::clone(&connecting),
                link: None,
                heartbeat: Heartbeat::default(),
                refusals: 0,
            });
        }
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let handles =
            chargers.iter().map(|charger| (Arc::clone(&charger.shared), Arc::clone(&charger.record)));
        let handles = handles.collect();
        for charger in chargers {
            tasks.spawn(charger.run(busy.clone(), stop.clone()));
        }
        tasks.close();
        Ok(Self { chargers: handles, tasks, stop })
    }

    /// Waits, in real time, until every charger has booted, has given up or is absent.
    pub async fn ready(&self) {
        while !self.chargers.iter().all(|(shared, record)| record.is_settled() || shared.is_absent()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How it went up to the clock's present instant.
    pub fn outcome(&self) -> Outcome {
        let outcomes = self.chargers.iter().map(|(shared, record)| record.outcome(shared));
        let (chargers, sessions): (Vec<_>, Vec<_>) = outcomes.unzip();
        Outcome { sessions: sessions.into_iter().flatten().collect(), chargers }
    }

    /// Closes all connections and says how it went.
    pub async fn stop(self) -> Outcome {
        self.stop.cancel();
        self.tasks.wait().await;
        self.outcome()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn connector() -> Connector {
    let mut connector = Connector::default();
    connector.config = Config::default().with_buffers(BUFFERS.0, BUFFERS.1).with_deflate(None);
    connector
}
