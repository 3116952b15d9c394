//! How many messages of 12 kB a second the store takes in: `receive_rate FOLDER`, for the disk that holds the folder.
//! The folder must be without the files of an earlier run, whose messages would be known.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tieline_store::{Received, SqliteOptions, SqliteStore, Store as _, StoreError};

const SECONDS: u32 = 2;

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    for writers in [8_usize, 64] {
        let path = folder.join(format!("receive_rate_{writers}.db"));
        let store = Arc::new(SqliteStore::open(&path, SqliteOptions::default())?);
        let before = store.inbox_backlog().await?;
        let tasks: Vec<_> =
            (0..writers).map(|writer| tokio::spawn(write(Arc::clone(&store), writer))).collect();
        tokio::time::sleep(Duration::from_secs(u64::from(SECONDS))).await;
        for task in &tasks {
            task.abort();
        }
        let taken = store.inbox_backlog().await? - before;
        let rate = taken / u64::from(SECONDS);
        println!("{writers} writers: {rate} messages a second, {} commits in all", store.commits());
    }
    Ok(())
}

/// Sends one message after the other, each when the one before is on disk.
async fn write(store: Arc<SqliteStore>, writer: usize) -> Result<(), StoreError> {
    let body = Bytes::from(vec![b'x'; 12 * 1024]);
    for number in 0_u64.. {
        let received = Received {
            protocol: "uftp",
            peer: "dso.example".to_owned(),
            recipient: "agr.example".to_owned(),
            message_id: format!("{writer} {number}"),
            conversation: format!("{writer} {number}"),
            label: "FlexRequest".to_owned(),
            raw: body.clone(),
            body: body.clone(),
            note: String::new(),
            received_at: Timestamp::UNIX_EPOCH,
        };
        store.receive(received).await?;
    }
    Ok(())
}
