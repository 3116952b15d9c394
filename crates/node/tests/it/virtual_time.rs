//! Two nodes and a charger that share virtual time: a morning is the same whenever it is repeated, also if a node was down for a while
//! in the real world.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tempfile::TempDir;
use tieline_edge::virtual_clock::VirtualClock;
use tieline_node::{Config, Environment, Node};
use tieline_ocpp::client::ChargingStation;
use tieline_ocpp::{EndReason, Ocpp, Version, v16};
use tieline_service::{Call, HoldTime, Router, State};
use tieline_sim::TimeServer;
use tieline_store::Direction;
use tieline_types::{Busy, Clock as _};
use tieline_uftp::SigningKey;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::charger::when;
use crate::daemon::{CountedIds, PATIENCE, eventually, loopback, own, peer, write_secret};
use crate::operator::{DSO, need};
use crate::scene::{AGR, MORNING, at, fleet, watts};

/// A node that runs by the time server, as its configuration says.
struct TimedNode {
    directory: TempDir,
    config: String,
    ids: Arc<CountedIds>,
    node: Option<Node>,
}

impl TimedNode {
    async fn start(config: String, key: &SigningKey, time: SocketAddr, name: &str, seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write_secret(&directory.path().join("own.key"), &key.to_base64());
        let config = format!("{config}\n[clock]\nserver = \"{time}\"\nname = \"{name}\"\n");
        let mut node = Self { directory, config, ids: Arc::new(CountedIds::new(seed)), node: None };
        node.resume().await;
        node
    }

    async fn resume(&mut self) {
        let config = Config::parse(&self.config, self.directory.path()).unwrap();
        let (environment, _starting) = Environment::connect(&config).await.unwrap();
        let environment = Environment { ids: self.ids.clone(), ..environment };
        self.node = Some(Node::start(config, environment).await.unwrap());
    }

    async fn stop(&mut self) {
        self.node.take().unwrap().stop().await;
    }

    async fn journal(&self) -> Vec<(Direction, String, String, Timestamp)> {
        let journal = self.node.as_ref().unwrap().store().journal(0, 1000).await.unwrap();
        let line = |line: tieline_store::JournalEntry| {
            (line.entry.direction, line.entry.peer, line.entry.label, line.entry.at)
        };
        journal.into_iter().map(line).collect()
    }
}

/// A charger of 1.6 that notes when it was told what.
struct TimedCharger {
    station: ChargingStation,
    clock: VirtualClock,
    told: Told,
    running: JoinHandle<EndReason>,
}

/// When the charger was told, from when to when, and how much.
type Told = Arc<Mutex<Vec<(Timestamp, Timestamp, Timestamp, Decimal)>>>;

async fn on_profile(
    call: Call<v16::SetChargingProfileRequest>,
    State((clock, told)): State<(VirtualClock, Told)>,
) -> v16::SetChargingProfileResponse {
    // Time would go on now, if it could.
    sleep(Duration::from_millis(20)).await;
    let schedule = &call.cs_charging_profiles.charging_schedule;
    let start = schedule.start_schedule.unwrap().timestamp();
    let end = start + SignedDuration::from_secs(schedule.duration.unwrap().into());
    let limit = schedule.charging_schedule_period[0].limit.to_string().parse().unwrap();
    told.lock().unwrap().push((clock.now(), start, end, limit));
    v16::SetChargingProfileResponse::new(v16::ChargingProfileStatus::Accepted)
}

impl TimedCharger {
    /// Plugged in, with a car that charges from now on.
    async fn plug_in(agr: SocketAddr, clock: VirtualClock) -> Self {
        let station = ChargingStation::new(&format!("ws://{agr}/ocpp"), "CP-1", [Version::V1_6]).unwrap();
        let running = tokio::spawn(async { EndReason::Dropped });
        let mut charger = Self { station, clock, told: Told::default(), running };
        let csms = charger.connect().await;
        let start = v16::StartTransactionRequest::new(1, "TAG", 0, when(charger.clock.now()));
        csms.call(start).await.unwrap();
        charger
    }

    /// Whoever lets it connect is busy.
    async fn connect(&mut self) -> tieline_ocpp::Peer {
        let state = (self.clock.clone(), Arc::clone(&self.told));
        let layer = HoldTime::new(Arc::new(self.clock.clone()));
        let router = Router::<Ocpp, (VirtualClock, Told)>::new().on(on_profile).layer(layer);
        let session = self.station.connect(router.with_state(state)).await.unwrap();
        let csms = session.peer().clone();
        self.running = tokio::spawn(session.run());
        csms.call(v16::BootNotificationRequest::new("Tieline", "Test 1.6")).await.unwrap();
        csms
    }
}

/// What can be seen of a morning.
#[derive(Debug, PartialEq)]
struct View {
    dso: Vec<(Direction, String, String, Timestamp)>,
    agr: Vec<(Direction, String, String, Timestamp)>,
    told: Vec<(Timestamp, Timestamp, Timestamp, Decimal)>,
}

async fn pass(server: &TimeServer, until: Timestamp) {
    let passing = timeout(PATIENCE * 2, server.run_until(until)).await;
    passing.unwrap_or_else(|_| panic!("time stands still: {:?}", server.status()));
}

/// From 10:00 to 11:30: the grid operator asks two aggregators, one of which is never there, decides after half an hour, and the charger
/// is told the limits of each of two ISPs a quarter before it begins.
async fn morning(down_for: Option<Duration>) -> View {
    let server =
        TimeServer::bind((loopback(), 0).into(), at(MORNING), ["agr", "dso", "charger"]).await.unwrap();
    let time = server.address();
    let (clock, busy) = VirtualClock::connect(time, "charger").await.unwrap();
    let [dso_at, agr_at, absent] = [8080, 8081, 8082].map(|port| SocketAddr::new(loopback(), port));
    let [dso_key, agr_key, absent_key] = [2, 1, 3].map(|seed| SigningKey::from_seed(&[seed; 32]));

    let mut config = own("AGR", AGR, agr_at, &[peer(DSO, "DSO", dso_at, &dso_key)], "");
    config += &fleet(SocketAddr::new(agr_at.ip(), 9000), "15m");
    let mut agr = TimedNode::start(config, &agr_key, time, "agr", 99).await;
    let ocpp = agr.node.as_ref().unwrap().ocpp_address().unwrap();
    let mut charger = TimedCharger::plug_in(ocpp, clock).await;

    let others = [peer(AGR, "AGR", agr_at, &agr_key), peer("absent.example.com", "AGR", absent, &absent_key)];
    let mut config = own("DSO", DSO, dso_at, &others, "");
    let isps = "[{ start = 45, duration = 2, min = -10000, max = 0 }]";
    config += &need("\"agr.example.com\", \"absent.example.com\"", isps)
        .replace("decide_after = \"1h\"", "decide_after = \"30m\"");
    let dso = TimedNode::start(config, &dso_key, time, "dso", 77).await;
    drop(busy);

    pass(&server, at("2026-06-10T08:20:00Z")).await;
    if let Some(down_for) = down_for {
        let busy = charger.clock.busy();
        agr.stop().await;
        eventually("the aggregator is missed", async || {
            server.status().awaited().any(|name| name == "agr").then_some(())
        })
        .await;
        assert!(timeout(down_for, server.run_until(at("2026-06-10T08:40:00Z"))).await.is_err());
        assert_eq!(server.now(), at("2026-06-10T08:20:00Z"), "time stands still while a node is down");
        agr.resume().await;
        timeout(PATIENCE, &mut charger.running).await.unwrap().unwrap();
        charger.connect().await;
        drop::<Busy>(busy);
    }
    pass(&server, at("2026-06-10T09:30:00Z")).await;

    let told = charger.told.lock().unwrap().clone();
    View { dso: dso.journal().await, agr: agr.journal().await, told }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_morning_is_the_same_whenever_it_is_repeated() {
    let first = morning(None).await;
    let of_dso: Vec<(&str, &str, Timestamp)> =
        first.dso.iter().map(|(_, peer, label, at)| (peer.as_str(), label.as_str(), *at)).collect();
    let (asked, decided) = (at(MORNING), at("2026-06-10T08:30:00Z"));
    for expected in
        [("FlexRequest", asked), ("FlexOffer", asked), ("FlexOrder", decided), ("FlexOrderResponse", decided)]
    {
        let found = of_dso.iter().filter(|(peer, label, at)| peer.contains(AGR) && (*label, *at) == expected);
        assert_eq!(found.count(), 1, "{expected:?} in {of_dso:?}");
    }
    let quarter = |number: i64| at("2026-06-10T08:45:00Z") + SignedDuration::from_mins(15 * number);
    let limit = watts(22_080 - 10_000);
    // When told, and from when to when: the second plan is made when the first ISP begins, and is of both; the third has what
    // comes after the order in it, and the fourth is made when it comes.
    assert_eq!(
        first.told,
        [
            (quarter(0), quarter(1), quarter(2), limit),
            (quarter(1), quarter(1), quarter(3), limit),
            (quarter(2), quarter(2), quarter(4), limit),
            (quarter(3), quarter(3), quarter(5), watts(22_080))
        ]
    );
    assert_eq!(morning(None).await, first);
    assert_eq!(morning(Some(Duration::from_millis(300))).await, first, "with a node down");
}
