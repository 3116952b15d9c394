//! The charge point: its parts put together.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ocpp_kit::engine::{MemStore, MessageStore, StoreError};
use serde_json::value::RawValue;
use tieline_edge::{Ids, RandomIds, SystemClock};
use tieline_service::{After, Incoming, Reply, Router, Routes};
use tieline_types::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::boot::ChargingStationInfo;
use super::hardware::Hardware;
use super::link::{Link, LinkState, LinkTimes, Station};
use super::linking::Linking;
use super::model::{show_base, show_display, show_power, show_time};
use super::monitoring::EventDetails;
use super::networks::Road;
use super::outbox::{Outbox, Owed};
use super::snapshot::{Forgetful, Snapshot, SnapshotStore};
use super::state::State;
use super::{der, dynamic, v16, v21, v201};
use crate::client::{ChargingStation, ConnectError};
use crate::smart_charging::ProfileError;
use crate::{CallFailure, Ocpp, Peer, Version};

/// A charging station at work: it registers with its CSMS, comes back when the connection breaks, keeps what it owes,
/// and does what it is told. Cloning the handle is cheap.
#[derive(Clone)]
pub struct ChargePoint(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) link: Link,
    pub(crate) hardware: Arc<dyn Hardware>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) road: Road,
    snapshots: Arc<dyn SnapshotStore>,
    state: Mutex<State>,
    saved: Mutex<String>,
    /// How often something has changed that others follow.
    changes: watch::Sender<u64>,
    /// What takes its time: uploads, downloads, reports.
    works: Mutex<JoinSet<()>>,
}

/// Makes a [`ChargePoint`].
pub struct Builder {
    connection: ChargingStation,
    info: ChargingStationInfo,
    evses: i32,
    hardware: Arc<dyn Hardware>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    messages: Box<dyn MessageStore + Send>,
    max_messages: usize,
    snapshots: Arc<dyn SnapshotStore>,
    times: LinkTimes,
    security_profile: Option<i32>,
}

/// Why there is no charge point.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The messages that are still owed cannot be read.
    #[error("the messages that are owed cannot be read: {0}")]
    Messages(StoreError),
    /// What was remembered cannot be read.
    #[error("what was remembered cannot be read: {0}")]
    Snapshot(#[from] io::Error),
    /// What was remembered is not what such a station writes.
    #[error("what was remembered makes no sense: {0}")]
    Senseless(#[from] serde_json::Error),
    /// A charging profile that was remembered is none.
    #[error("a charging profile that was remembered makes no sense: {0}")]
    Profile(#[from] ProfileError),
}

impl Builder {
    /// The clock. Default: the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where identifiers and jitter come from. Default: the system's randomness.
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Where the messages are kept that the CSMS must get, and how many at most; beyond that, intermediate ones are
    /// given up. Default: in memory, 10,000.
    ///
    /// It is asked while the state is locked: one that waits for a disk holds a worker of the runtime for so long.
    pub fn with_messages(mut self, store: impl MessageStore + Send + 'static, limit: usize) -> Self {
        self.messages = Box::new(store);
        self.max_messages = limit;
        self
    }

    /// Where it remembers what must outlive a restart. Default: nowhere.
    pub fn with_snapshots(mut self, snapshots: impl SnapshotStore) -> Self {
        self.snapshots = Arc::new(snapshots);
        self
    }

    /// Times of the connection.
    pub fn with_times(mut self, times: LinkTimes) -> Self {
        self.times = times;
        self
    }

    /// The security profile of the connection (1 to 3, or 0 for none in 1.6), below which no CSMS can bring the station. Default:
    /// 2 for a `wss` address, else 1 with a password (2.x: always), else 0.
    pub fn with_security_profile(mut self, security_profile: i32) -> Self {
        self.security_profile = Some(security_profile);
        self
    }

    /// The charge point, and what must be [run](Running::run) for it to live.
    ///
    /// # Errors
    ///
    /// What was kept cannot be read.
    pub fn build(self) -> Result<(ChargePoint, Running), StartError> {
        let snapshot: Snapshot = match self.snapshots.load()? {
            Some(text) => serde_json::from_str(&text)?,
            None => Snapshot::default(),
        };
        let outbox = Outbox::new(self.messages, self.max_messages).map_err(StartError::Messages)?;
        let version = self.connection.first_version();
        let connection = Arc::new(self.connection);
        if let Some(password) = password(version, &snapshot) {
            connection.set_password(password);
        }
        let least = i32::from(version != Version::V1_6);
        let security_profile =
            self.security_profile.unwrap_or_else(|| connection.security_profile()).max(least);
        let link = Link::new(Arc::clone(&self.clock), outbox, self.times);
        let state = State::new(
            version,
            self.evses,
            snapshot,
            Arc::clone(&self.ids),
            &*self.hardware,
            security_profile,
        )?;
        let point = ChargePoint(Arc::new(Inner {
            link,
            hardware: self.hardware,
            clock: self.clock,
            ids: self.ids,
            road: Road::new(connection),
            snapshots: self.snapshots,
            state: Mutex::new(state),
            saved: Mutex::new(String::new()),
            changes: watch::Sender::new(0),
            works: Mutex::new(JoinSet::new()),
        }));
        Ok((point.clone(), Running { point, info: self.info }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl ChargePoint {
    /// A charge point with this connection, and so many EVSEs (from 1) of one connector each.
    pub fn builder(
        connection: ChargingStation,
        info: ChargingStationInfo,
        evses: u8,
        hardware: Arc<dyn Hardware>,
    ) -> Builder {
        Builder {
            connection,
            info,
            evses: i32::from(evses.max(1)),
            hardware,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            messages: Box::new(MemStore::new()),
            max_messages: 10_000,
            snapshots: Arc::new(Forgetful),
            times: LinkTimes::default(),
            security_profile: None,
        }
    }

    /// The connection with the CSMS.
    pub fn link(&self) -> &Link {
        &self.0.link
    }

    /// Ends it all.
    pub fn stop(&self) {
        self.0.link.stop();
    }

    pub(crate) fn locked(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then saves it and lets timers and notifications follow.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.locked();
        let result = change(&mut state);
        self.apply_limits(&mut state);
        self.follow_der(&mut state);
        self.show_messages(&mut state);
        self.monitor(&mut state, &EventDetails::default());
        self.save(&mut state);
        drop(state);
        self.rung();
        result
    }

    /// Saves what must outlive a restart, where it is new.
    pub(crate) fn save(&self, state: &mut State) {
        let snapshot = serde_json::to_string(state.snapshot());
        let mut saved = self.0.saved.lock().unwrap_or_else(PoisonError::into_inner);
        match snapshot {
            Ok(snapshot) if *saved == snapshot => {}
            Ok(snapshot) => match self.0.snapshots.save(&snapshot) {
                Ok(()) => *saved = snapshot,
                Err(cause) => {
                    tracing::error!(protocol = "ocpp", %cause, "the station's state cannot be saved");
                }
            },
            Err(cause) => tracing::error!(protocol = "ocpp", %cause, "the station's state cannot be written"),
        }
    }

    fn rung(&self) {
        self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Tells when something has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Does work that outlives the connection, until the charge point ends.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut works = self.0.works.lock().unwrap_or_else(PoisonError::into_inner);
        while works.try_join_next().is_some() {}
        works.spawn(work);
    }

    /// Work that begins once the answer has left.
    pub(crate) fn afterwards(&self, work: impl Future<Output = ()> + Send + 'static) -> After {
        let point = self.clone();
        After::new(async move { point.spawn(work) })
    }

    /// Settings have changed: those of the connection count from now on, or from the next one on.
    pub(crate) fn settings_changed(&self) {
        let settings = self.locked().settings.clone();
        self.0.link.change_times(|times| {
            times.heartbeat = settings.heartbeat;
            times.retry = settings.retry;
        });
        self.0.road.set_ping_interval(settings.ping);
    }

    /// The pauses between attempts to connect have been set (2.x; 1.6 leaves them to the station).
    pub(crate) fn backoff_set(&self) {
        if let Some(backoff) = self.locked().settings.backoff {
            self.0.link.change_times(|times| times.backoff = backoff);
        }
    }

    /// The CSMS has set the password with which the station authenticates.
    pub(crate) fn password_changed(&self, password: &[u8]) {
        let by_certificate = self.locked().networks.security_profile() >= 3;
        self.0.road.set_password(password, by_certificate);
        self.0.link.reconnect("the station has a new password", None);
    }

    /// The device model shows how the EVSEs are, what they draw and what time it is.
    pub(crate) fn show_in_model(&self) {
        let now = self.0.link.now();
        let mut state = self.locked();
        let State { model, evses, messages, .. } = &mut *state;
        show_base(model, evses);
        for evse in evses {
            show_power(model, evse.id, self.0.hardware.meter(evse.id).power);
        }
        show_time(model, now);
        if let Some(display) = self.0.hardware.display() {
            show_display(model, &display, messages.all().len());
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.link.timestamp()
    }
}

impl fmt::Debug for ChargePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChargePoint").field("link", &self.0.link).finish_non_exhaustive()
    }
}

/// A charge point that has not begun yet.
#[derive(Debug)]
#[must_use = "nothing happens unless it runs"]
pub struct Running {
    point: ChargePoint,
    info: ChargingStationInfo,
}

impl Running {
    /// Runs the charge point until it is [stopped](ChargePoint::stop).
    ///
    /// # Errors
    ///
    /// The connection can't ever be made.
    pub async fn run(self) -> Result<(), ConnectError> {
        self.run_behind(|routes| routes).await
    }

    /// [`run`](Self::run) with something around what answers the CSMS: layers, or answers of one's own.
    ///
    /// # Errors
    ///
    /// The connection can't ever be made.
    pub async fn run_behind<S>(self, wrap: impl FnOnce(Routes<Ocpp>) -> S) -> Result<(), ConnectError>
    where
        S: tower_service::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let Self { point, info } = self;
        let service = wrap(routes().with_state(point.clone()));
        let ids = Arc::clone(&point.0.ids);
        let linking = Linking { link: point.0.link.clone(), station: point.clone(), info, ids };
        let ended = tokio::select! {
            ended = linking.run(service) => ended,
            never = point.watch_timers() => match never {},
            never = point.tell_status() => match never {},
        };
        let mut works = std::mem::take(&mut *point.0.works.lock().unwrap_or_else(PoisonError::into_inner));
        works.shutdown().await;
        ended
    }
}

/// The password that the CSMS has set before.
fn password(version: Version, snapshot: &Snapshot) -> Option<Vec<u8>> {
    if version == Version::V1_6 {
        return snapshot.keys.get("AuthorizationKey").map(|digits| v16::octets(digits));
    }
    let mut variables = snapshot.variables.iter();
    let set = variables.find(|one| one.component == "SecurityCtrlr" && one.name == "BasicAuthPassword");
    set.map(|one| one.value.clone().into_bytes())
}

/// What a charge point answers, in all versions.
fn routes() -> Router<Ocpp, ChargePoint> {
    der::routes(dynamic::routes(v21::routes(v201::routes(v16::routes(Router::new())))))
}

impl Station for ChargePoint {
    fn way(&self) -> Option<Arc<ChargingStation>> {
        self.way()
    }

    fn is_elsewhere(&self) -> bool {
        self.is_elsewhere()
    }

    fn reached(&self) {
        self.reached();
    }

    fn unreached(&self) -> bool {
        self.unreached()
    }

    fn linked(&self, state: LinkState, peer: Option<&Peer>) {
        if let Some(peer) = peer {
            let version = peer.version();
            let is_other = self.locked().version != version;
            if is_other {
                self.change(|state| {
                    state.set_version(version);
                    self.intervals_set(state);
                    state.evses.iter_mut().for_each(|evse| evse.told = None);
                });
            }
        }
        let now = self.0.link.now();
        match state {
            LinkState::Online => self.change(|state| state.profiles.set_online(true, now)),
            LinkState::Offline => self.change(|state| state.profiles.set_online(false, now)),
            _ => {}
        }
    }

    fn registered(&self, heartbeat: std::time::Duration) {
        let text = heartbeat.as_secs().to_string();
        self.change(|state| {
            let _ = state.keys.set("HeartbeatInterval", &text);
            let attribute = ocpp_kit::station::device_model::Attribute::Actual;
            let _ = state.model.set("OCPPCommCtrlr", "HeartbeatInterval", attribute, &text);
            // 1.6 §4.2, 2.x B01.FR.05: once it is accepted, a station says how its connectors are.
            state.evses.iter_mut().for_each(|evse| evse.told = None);
            state.station_told = None;
        });
    }

    fn complete(&self, owed: &Owed) -> Box<RawValue> {
        if self.locked().version == Version::V1_6 { v16::complete(self, owed) } else { owed.payload.clone() }
    }

    fn delivered(&self, owed: &Owed, result: Result<&RawValue, &CallFailure>) {
        let version = self.locked().version;
        spoken!(version, said => said::delivered(self, owed, result));
    }
}
