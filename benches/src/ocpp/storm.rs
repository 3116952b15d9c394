//! A reconnect storm: all stations of a node go at once and come back within half a minute, while it has commands for them.

mod node;
mod station;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use tieline_edge::SystemClock;
use tieline_node::command::{self, Asked, CommandState};
use tieline_store::{SqliteOptions, SqliteStore};
use tieline_types::Clock as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

pub use node::serve;

use crate::line::{Line, conclude};
use crate::server::Server;
use station::Station;

/// How many stations there are.
pub(super) const STATIONS: u32 = 10_000;
/// In which time they come back, each at a moment of its own.
const RETURN: Duration = Duration::from_secs(30);
/// When the last must have been accepted again, counted from when they went.
const BACK: f64 = 60.0;
/// How many commands there are before they go, and again while they are away.
const COMMANDS: u32 = 1_000;
/// How long a command is of use.
const VALID: SignedDuration = SignedDuration::from_mins(10);
const PATIENCE: Duration = Duration::from_mins(3);

/// What the stations saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How often each station was called with `ClearCache`.
    pub(super) commands: Mutex<BTreeMap<u32, u32>>,
    /// Attempts to come back that were turned down.
    pub(super) turned_down: AtomicU32,
}

/// Runs it and prints how it went.
pub fn storm() -> Result<()> {
    let data = tempfile::tempdir()?;
    let path = data.path().to_owned();
    let server = Server::keeping(&["serve", "storm"], data)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&server, &path))
}

async fn run(server: &Server, data: &Path) -> Result<()> {
    let database = tieline_node::database_path(&data.join(node::DATA));
    let store = SqliteStore::open(&database, SqliteOptions::default())?;
    let seen = Arc::new(Seen::default());
    let (away, goes) = watch::channel(None);
    let (returned, mut back) = watch::channel(0_u32);
    let mut stations = JoinSet::new();
    let began = Instant::now();
    for number in 0..STATIONS {
        let station = Station::connect(server.address, number).await.context("before the storm")?;
        let delay = RETURN * number / STATIONS;
        stations.spawn(station.live(
            server.address,
            goes.clone(),
            delay,
            Arc::clone(&seen),
            returned.clone(),
        ));
    }
    println!("{STATIONS} stations have booted in {:.1} s", began.elapsed().as_secs_f64());

    let mut asked = ask(&store, 0).await?;
    tieline_node::wake(&data.join(node::DATA))?;
    let gone = Instant::now();
    away.send_replace(Some(tokio::time::Instant::now()));
    asked.extend(ask(&store, COMMANDS).await?);
    tieline_node::wake(&data.join(node::DATA))?;
    let all = tokio::time::timeout(PATIENCE, back.wait_for(|back| *back == STATIONS)).await;
    let back = gone.elapsed().as_secs_f64();
    ensure!(all.is_ok(), "only {} of {STATIONS} stations came back", *returned.borrow());
    println!(
        "all are back {back:.1} s after they went; {} attempts were turned down",
        seen.turned_down.load(Ordering::Relaxed)
    );
    let lost = unanswered(&store, asked).await?;
    println!(
        "{} commands, answered {:.1} s after the stations went",
        2 * COMMANDS,
        gone.elapsed().as_secs_f64()
    );
    let heard = seen.commands.lock().map_err(|_| anyhow::anyhow!("a station panicked"))?.len();
    stations.shutdown().await;
    conclude(&[
        Line::at_most(BACK, back, "seconds until the last of the stations was back".to_owned()),
        Line::at_most(0.0, f64::from(lost), "commands without an answer".to_owned()),
        Line::at_most(
            0.0,
            f64::from(2 * COMMANDS - u32::try_from(heard)?),
            "stations that did not get their command".to_owned(),
        ),
    ])
}

/// Commands for every tenth station, from this on.
async fn ask(store: &SqliteStore, from: u32) -> Result<Vec<Uuid>> {
    let mut asked = Vec::new();
    for number in 0..COMMANDS {
        let id = Uuid::from_u128((from + number + 1).into());
        let now = SystemClock.now();
        // The two rounds are for different stations.
        let station = number * (STATIONS / COMMANDS) + u32::from(from > 0);
        let command = Asked {
            id,
            action: "ClearCache".to_owned(),
            payload: "{}".to_owned(),
            asked: now,
            until: now.checked_add(VALID).unwrap_or(Timestamp::MAX),
            state: CommandState::Waiting,
        };
        command::ask(store, &format!("CP-{station}"), command).await?;
        asked.push(id);
    }
    Ok(asked)
}

/// How many of these commands have no answer in the end.
async fn unanswered(store: &SqliteStore, mut asked: Vec<Uuid>) -> Result<u32> {
    let until = Instant::now() + PATIENCE;
    let mut lost = 0;
    while let Some(id) = asked.pop() {
        let known = command::command(store, id).await?.context("a command is gone")?;
        match known.state {
            CommandState::Answered { .. } => {}
            state if state.is_final() || Instant::now() > until => {
                println!("lost: {state:?}");
                lost += 1;
            }
            _ => {
                asked.push(id);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    Ok(lost)
}
