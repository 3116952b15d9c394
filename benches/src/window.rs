//! The time during which a server under load is measured.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use crate::process::{cpu_time, peak_kibibytes};
use crate::usage::Usage;

/// How long a server is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Before anything counts.
    pub warm_up: Duration,
    /// At most, while it counts.
    pub measured: Duration,
}

/// What the connections of a load generator have finished.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    finished: AtomicU32,
    refused: AtomicU32,
    latencies: Mutex<Vec<Duration>>,
}

/// A measurement of a server.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Operations and what they took the server.
    pub usage: Usage,
    /// The time of each operation as its client saw it.
    pub latencies: Vec<Duration>,
    /// Operations that the server refused, the warm-up included: they are no part of the usage.
    pub refused: u32,
    /// The most memory that the server ever had in RAM until then, in kibibytes.
    pub peak: u32,
}

impl Tally {
    /// An operation that began then is finished.
    pub fn finished(&self, began: Instant) {
        self.0.finished.fetch_add(1, Ordering::Relaxed);
        self.latencies().push(began.elapsed());
    }

    /// An operation was refused.
    pub fn refused(&self) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn latencies(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.0.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Measured {
    /// Adds another measurement of the same.
    pub fn add(&mut self, other: Self) {
        self.usage += other.usage;
        self.latencies.extend(other.latencies);
        self.refused += other.refused;
        self.peak = self.peak.max(other.peak);
    }

    /// The latency that this share of the operations did not exceed, in milliseconds.
    pub fn percentile(&mut self, percent: usize) -> f64 {
        self.latencies.sort_unstable();
        let position = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(position).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Measures the process `pid` while `connections` load it. It ends early, and counts until then, when a connection has
/// nothing more to do.
pub async fn measure(
    pid: u32,
    window: Window,
    tally: &Tally,
    mut connections: JoinSet<Result<()>>,
) -> Result<Measured> {
    tokio::select! {
        () = tokio::time::sleep(window.warm_up) => {}
        ended = connections.join_next() => {
            ended.context("no connections")???;
            anyhow::bail!("there was nothing left to send when the warm-up was over");
        }
    }
    let (cpu, start) = (cpu_time(pid)?, Instant::now());
    tally.latencies().clear();
    let before = tally.0.finished.load(Ordering::Relaxed);
    tokio::select! {
        () = tokio::time::sleep(window.measured) => {}
        ended = connections.join_next() => ended.context("no connections")???,
    }
    let count = tally.0.finished.load(Ordering::Relaxed) - before;
    let usage = Usage { count, cpu: cpu_time(pid)?.saturating_sub(cpu), wall: start.elapsed() };
    let latencies = std::mem::take(&mut *tally.latencies());
    connections.shutdown().await;
    ensure!(count > 0, "the server finished nothing in {:?}", usage.wall);
    let refused = tally.0.refused.load(Ordering::Relaxed);
    Ok(Measured { usage, latencies, refused, peak: peak_kibibytes(pid)? })
}
