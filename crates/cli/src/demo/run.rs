//! The day as it passes.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use tieline_edge::virtual_clock::VirtualClock;
use tieline_sim::{Chance, Fleet, FleetConfig, Outcome, SessionSpec, TimeServer};
use tieline_types::TimeSpan;
use tokio::time::Instant;

use super::Demo;
use super::conversation::Conversation;
use super::process::{Process, Used};
use super::progress::Progress;
use super::scene::Scene;

/// How often what was said is shown, in virtual time.
const STEP: SignedDuration = SignedDuration::from_mins(15);
/// How long after midnight the settlement must be answered, at the latest.
const SETTLED_WITHIN: SignedDuration = SignedDuration::from_hours(6);
/// How long the virtual time may stand still, in real time.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often the chargers' meters are read.
const METER_INTERVAL: SignedDuration = SignedDuration::from_mins(5);
/// The nodes that are there before the AGR.
const NODES: [&str; 2] = ["dso", "cro"];
const AGR: &str = "agr";
/// Those that are killed when it is asked for: the DSO's and the AGR's, the first two.
const KILLED: u64 = 2;
const CHARGERS: &str = "chargers";

/// What is left when the day is over.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    pub(super) usage: Usage,
    /// Whether the settlement was answered in time.
    pub(super) settled: bool,
}

/// What everybody has taken of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    dso: Used,
    agr: Used,
    cro: Used,
    /// The chargers, the time server and this command.
    rest: Used,
}

/// Lets the day pass.
pub(super) async fn run(demo: &Demo, scene: &Scene) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let market = &scene.market;
    let mut server = TimeServer::bind(scene.addresses.clock, market.start, NODES).await?;
    if let Some(speed) = NonZeroU32::new(demo.speed) {
        server = server.with_speed(speed);
    }
    let mut nodes = Vec::with_capacity(NODES.len() + 1);
    for name in NODES {
        nodes.push(Process::start(name, &scene.directory)?);
    }
    // The DSO has registered its congestion point before the AGR asks what is behind it.
    pass_until(&server, market.start, &mut nodes).await?;
    server.expect(AGR);
    server.expect(CHARGERS);
    nodes.insert(1, Process::start(AGR, &scene.directory)?);
    let fleet = charge(scene, &server).await?;
    let mut day = Day {
        scene,
        fleet: &fleet,
        told: 0,
        progress: Progress::new(market.calendar.time_zone().clone(), market.start, market.day.end()),
        conversation: None,
        congestion: market.congestion()?,
        server,
    };
    let mut kills = kills(demo, market.start, market.day.end());
    let last_departure = market.sessions.iter().map(SessionSpec::departure).max().unwrap_or(market.start);
    let latest = (market.day.end() + SETTLED_WITHIN).max(last_departure + STEP);
    let mut settled = false;
    let mut next = market.start;
    while next <= latest && !(settled && next > last_departure) {
        while let Some((at, node, pause)) = kills.pop_if(|(at, ..)| *at < next) {
            day.kill(at, &mut nodes[node], pause).await?;
        }
        pass_until(&day.server, next, &mut nodes).await?;
        settled = day.show().await?;
        next += STEP;
    }
    day.progress.finish();
    ensure!(kills.is_empty(), "the day was over before {} of the kills", kills.len());
    // It is there until all others have gone.
    let _server = day.server;
    let outcome = fleet.stop().await;
    let mut used = Vec::with_capacity(nodes.len());
    for node in nodes {
        used.push(node.stop().await?);
    }
    let usage = Usage { dso: used[0], agr: used[1], cro: used[2], rest: Used::by_this_process() };
    Ok(Ended { outcome, took: begun.elapsed(), usage, settled })
}

/// Plugs the chargers in.
async fn charge(scene: &Scene, server: &TimeServer) -> anyhow::Result<Fleet> {
    let (clock, busy) = VirtualClock::connect(server.address(), CHARGERS).await?;
    let config =
        FleetConfig::new(format!("ws://{}/ocpp", scene.addresses.ocpp)).with_meter_interval(METER_INTERVAL);
    let market = &scene.market;
    let fleet = Fleet::start(
        config,
        &market.population,
        market.sessions.clone(),
        &scene.behaviours,
        Arc::new(clock),
    )?;
    drop(busy);
    Ok(fleet)
}

/// When which node is killed, the last first, and after how many microseconds of real time.
fn kills(demo: &Demo, start: Timestamp, end: Timestamp) -> Vec<(Timestamp, usize, u64)> {
    let mut chance = Chance::of(demo.seed, "kills", 0);
    // Until the settlement, three hours after midnight.
    let seconds = end.as_second() - start.as_second() + SignedDuration::from_hours(3).as_secs();
    let mut kills: Vec<_> = (0..demo.kill)
        .map(|_| {
            let at = start + SignedDuration::from_secs(chance.between(0, seconds - 1));
            (at, usize::from(chance.below(KILLED) == 1), chance.below(20_000))
        })
        .collect();
    kills.sort_unstable_by(|one, other| other.cmp(one));
    kills
}

/// Lets time pass, and gives up if it can't.
async fn pass_until(server: &TimeServer, until: Timestamp, nodes: &mut [Process]) -> anyhow::Result<()> {
    let pass = server.run_until(until);
    tokio::pin!(pass);
    let mut stood_still = (server.now(), Instant::now());
    loop {
        tokio::select! {
            () = &mut pass => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        for node in &mut *nodes {
            node.check()?;
        }
        if server.now() != stood_still.0 {
            stood_still = (server.now(), Instant::now());
        } else if stood_still.1.elapsed() > PATIENCE {
            let status = server.status();
            let awaited: Vec<&str> = status.awaited().collect();
            bail!("time stands still at {}; it waits for {}", status.now, awaited.join(", "));
        }
    }
}

/// The day on its way.
struct Day<'a> {
    scene: &'a Scene,
    fleet: &'a Fleet,
    /// Charging profiles that were told so far.
    told: u64,
    server: TimeServer,
    progress: Progress,
    conversation: Option<Conversation>,
    congestion: TimeSpan,
}

impl Day<'_> {
    /// Kills a node while time passes, and has it started again.
    async fn kill(&mut self, at: Timestamp, node: &mut Process, pause: u64) -> anyhow::Result<()> {
        pass_until(&self.server, at, &mut []).await?;
        tokio::select! {
            // Time goes on meanwhile, so that it is caught at whatever it does.
            () = self.server.run_until(at + STEP) => {}
            () = tokio::time::sleep(Duration::from_micros(pause)) => {}
        }
        node.kill_and_restart().await
    }

    /// Shows what was said; true once the settlement was answered.
    async fn show(&mut self) -> anyhow::Result<bool> {
        let now = self.server.now();
        let phase = if now < self.scene.market.request_at {
            "Plan"
        } else if now < self.congestion.start() {
            "Validate"
        } else if now < self.scene.market.day.end() {
            "Operate"
        } else {
            "Settle"
        };
        self.progress.at(now, phase);
        let conversation = match &mut self.conversation {
            Some(conversation) => conversation,
            none => none.insert(Conversation::of(&self.scene.directory).context("the nodes' journals")?),
        };
        for (at, sentence) in conversation.news().await? {
            self.progress.say(&format!("  {}  {sentence}", self.progress.local(at)));
        }
        let over = conversation.is_over();
        let told: u64 = self.fleet.outcome().chargers.iter().map(|charger| charger.profiles).sum();
        if told > self.told {
            let (now, times) = (self.progress.local(now), told - self.told);
            self.progress.say(&format!("  {now}  AGR → chargers SetChargingProfile         {times} times"));
            self.told = told;
        }
        Ok(over)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "DSO node: {}", self.dso)?;
        writeln!(f, "AGR node: {}", self.agr)?;
        writeln!(f, "CRO node: {}", self.cro)?;
        write!(f, "chargers and time server: {}", self.rest)
    }
}
