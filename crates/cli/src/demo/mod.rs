//! `tieline demo`: one local day of a grid operator, an aggregator and its chargers, in about a minute.
//!
//! Everything is real but the cars, the time and the network behind the transformer: two nodes in processes of their own, with
//! keys and databases, signed messages over HTTP, chargers on WebSockets.

mod config;
mod conversation;
mod market;
mod outcome;
mod process;
mod progress;
mod run;
mod scene;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::civil::{Date, Time};

use crate::report;

/// A working day in winter, when people come home in the dark and plug in.
const DATE: Date = Date::constant(2026, 12, 3);

#[derive(Clone, Debug, Args)]
pub(crate) struct Demo {
    /// The address of this machine that nodes and chargers talk at.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// How many chargers are behind the congestion point.
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    chargers: u32,
    /// How many times faster than real time the day passes, at the most; 0 for as fast as the machine can.
    #[arg(long, value_name = "FACTOR", default_value_t = 3600)]
    speed: u32,
    /// What chance is made from: the same seed is the same day.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// The IANA zone whose local day it is.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Amsterdam")]
    zone: String,
    /// The local day.
    #[arg(long, value_name = "DATE", default_value_t = DATE)]
    date: Date,
    /// Local time at which it starts instead of midnight.
    #[arg(long, value_name = "TIME")]
    from: Option<Time>,
    /// Local time by which all cars have left, instead of midnight.
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Percent of the chargers that refuse or ignore their limits.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    disobedient: u8,
    /// How often one of the nodes is killed (SIGKILL) at a random moment and started again.
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    kill: u32,
    /// Keep keys, configurations, logs and databases in this new directory, to look at them afterwards.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write the day as one HTML page.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write the day as JSON.
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    /// Show all ISPs of the day in the table, not only those that were traded.
    #[arg(long)]
    all_isps: bool,
}

impl Demo {
    pub(crate) fn execute(&self) -> anyhow::Result<()> {
        crate::run::runtime()?.block_on(self.show())
    }

    async fn show(&self) -> anyhow::Result<()> {
        let temporary = tempfile::tempdir().context("can't make a temporary directory")?;
        let directory = self.keep.as_deref().unwrap_or_else(|| temporary.path());
        let scene = scene::Scene::set(self, directory)?;
        println!("{scene}");
        let ended = run::run(self, &scene).await?;
        let day = outcome::day(&scene, &ended).await?;
        let rows = if self.all_isps { report::Rows::All } else { report::Rows::Traded };
        println!("\n{}", report::text(&day, rows));
        println!("{}", ended.usage);
        self.write(&day)?;
        if let Some(kept) = &self.keep {
            println!(
                "kept in {}; try: tieline journal show --data {}",
                kept.display(),
                kept.join("agr").display()
            );
        }
        outcome::check(&day, &ended)
    }

    fn write(&self, day: &report::Day) -> anyhow::Result<()> {
        if let Some(path) = &self.report {
            report::write(day, path)?;
            println!("the day as a page: {}", path.display());
        }
        if let Some(path) = &self.json {
            let json = serde_json::to_vec_pretty(day).context("the day is no JSON")?;
            write(path, &json)?;
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
