//! A process that is killed while it writes: what it acknowledged is on disk.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tieline_store::{ChangeSet, Records as _, SqliteOptions, SqliteStore, Store, verify};

use crate::sample::{Promise, outgoing, received};

/// Names the database to the process that is to be killed.
const DATABASE: &str = "TIELINE_STORE_CRASH_DATABASE";
const NAME: &str = "crash::what_was_acknowledged_survives_a_kill";

#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts itself again, as the process to be killed")]
fn what_was_acknowledged_survives_a_kill() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(path) = std::env::var_os(DATABASE) {
        return runtime.block_on(write_for_ever(Path::new(&path)));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let mut acknowledged = 0;
    for life in 0..10 {
        let last = live_and_die(&path, 1 + life * 7 % 23);
        assert!(last > acknowledged, "life {life} wrote nothing");
        acknowledged = last;
        runtime.block_on(check(&path, acknowledged));
    }
}

/// Starts a process, kills it after so many acknowledgements, and gives the last number that it acknowledged.
fn live_and_die(path: &Path, acknowledgements: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = lines.by_ref().map_while(Result::ok).filter_map(|line| number(&line));
    let last = numbers.nth(acknowledgements - 1).expect("it ended before it was killed");
    child.kill().unwrap();
    child.wait().unwrap();
    numbers.last().unwrap_or(last)
}

/// The number in a whole line of acknowledgement; a line that the kill cut short has no full stop.
fn number(line: &str) -> Option<usize> {
    line.rsplit_once("acknowledged ")?.1.strip_suffix('.')?.parse().ok()
}

async fn write_for_ever(path: &Path) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    // A message that was received and not answered when the process died comes again.
    let first = store.open_records::<Promise>().await.unwrap().len() + 1;
    for number in first.. {
        let name = number.to_string();
        store.receive(received(&name, &name, &name)).await.unwrap();
        let mut changes = ChangeSet::new();
        changes.send(outgoing(&name, &name)).put(&Promise::new(&name, 1)).unwrap();
        store.commit(changes).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {number}.").unwrap();
        out.flush().unwrap();
    }
}

async fn check(path: &Path, acknowledged: usize) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    assert!(store.inbox_backlog().await.unwrap() >= acknowledged as u64);
    let owed = store.outbox_due(outgoing("", "").made_at, usize::MAX).await.unwrap();
    for number in 1..=acknowledged {
        let name = number.to_string();
        assert!(owed.iter().any(|entry| entry.message_id == name), "message {number} is lost");
        assert!(store.record::<Promise>(&name).await.unwrap().is_some(), "record {number} is lost");
    }
    let records = store.open_records::<Promise>().await.unwrap().len();
    assert_eq!(records, owed.len(), "half a change set is there");
    let verified = verify(&*store).await.unwrap().unwrap();
    assert_eq!(verified.entries, store.inbox_backlog().await.unwrap() + owed.len() as u64);
}
