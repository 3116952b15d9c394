//! How many messages of 12 kB a second the store takes in, and how long they wait for it.
//!
//! `receive_rate FOLDER [CHECKPOINT_PAGES]` is for the disk that holds the folder. It leaves nothing there.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tieline_store::{Receipt, Received, SqliteOptions, SqliteStore, Store as _, StoreError};
use tokio::time::Instant;

const RUN: Duration = Duration::from_secs(5);
const SIZE: usize = 12 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mut options = SqliteOptions::default();
    if let Some(pages) = arguments.next() {
        options.checkpoint_pages = pages.to_string_lossy().parse()?;
    }
    for writers in [8, 64] {
        let folder = tempfile::tempdir_in(&folder)?;
        measure(&folder.path().join("node.db"), options, writers).await?;
    }
    Ok(())
}

async fn measure(path: &Path, options: SqliteOptions, writers: usize) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(SqliteStore::open(path, options)?);
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..writers).map(|writer| tokio::spawn(write(Arc::clone(&store), writer, start + RUN))).collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.map_err(|_| StoreError::Closed)??);
    }
    let rate = f64::from(u32::try_from(waits.len())?) / start.elapsed().as_secs_f64();
    let commits = store.commits();
    waits.sort_unstable();
    let percentile = |percent| waits.get(waits.len() * percent / 100).copied().unwrap_or_default();
    println!(
        "{writers} writers: {rate:.0} messages a second, in {commits} commits; p50 {:?}, p99 {:?}",
        percentile(50),
        percentile(99)
    );
    Ok(())
}

/// Sends one message after the other, each when the one before is on disk. Says how long each took.
async fn write(store: Arc<SqliteStore>, writer: usize, until: Instant) -> Result<Vec<Duration>, StoreError> {
    let mut waits = Vec::new();
    let body = Bytes::from(vec![b'x'; SIZE]);
    for number in 0_u64.. {
        if Instant::now() >= until {
            break;
        }
        let name = format!("{writer}-{number}");
        let received = Received {
            protocol: "uftp",
            peer: "dso.example".to_owned(),
            recipient: "agr.example".to_owned(),
            message_id: name.clone(),
            conversation: name,
            label: "FlexRequest".to_owned(),
            raw: body.clone(),
            body: body.clone(),
            note: String::new(),
            received_at: Timestamp::UNIX_EPOCH,
        };
        let begin = Instant::now();
        if let Receipt::New(_) = store.receive(received).await? {
            waits.push(begin.elapsed());
        }
    }
    Ok(waits)
}
