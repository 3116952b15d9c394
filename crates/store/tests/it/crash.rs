//! A process that is killed while it writes: what it acknowledged is on disk.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tieline_store::{ChangeSet, InboxState, Records as _, SqliteOptions, SqliteStore, Store, verify};

use crate::sample::{Promise, outgoing, received};

/// Names the database to the process that is to be killed.
const DATABASE: &str = "TIELINE_STORE_CRASH_DATABASE";
const LIFE: &str = "TIELINE_STORE_CRASH_LIFE";
const NAME: &str = "crash::what_was_acknowledged_survives_a_kill";

/// How many write at once, so that a kill meets transactions that several share.
const WRITERS: usize = 4;
const LIVES: usize = 10;

#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts itself again, as the process to be killed")]
fn what_was_acknowledged_survives_a_kill() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    if let Some(path) = std::env::var_os(DATABASE) {
        return runtime.block_on(write_for_ever(Path::new(&path)));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let mut acknowledged = BTreeSet::new();
    for life in 0..LIVES {
        let before = acknowledged.len();
        live_and_die(&path, life, &mut acknowledged);
        assert!(acknowledged.len() > before, "life {life} wrote nothing");
        runtime.block_on(check(&path, &acknowledged, (life + 1) * WRITERS));
    }
}

/// Starts a process, kills it at some moment after it has begun to write, and notes what it acknowledged.
#[expect(clippy::disallowed_methods, reason = "no runtime works on this thread")]
fn live_and_die(path: &Path, life: usize, acknowledged: &mut BTreeSet<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(DATABASE, path)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut names = lines.by_ref().map_while(Result::ok).filter_map(|line| name(&line));
    acknowledged.insert(names.next().expect("it ended before it was killed"));
    std::thread::sleep(Duration::from_micros(chance() % 30_000));
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(names);
}

/// Any number; each hasher of the standard library has keys of its own.
fn chance() -> u64 {
    RandomState::new().hash_one(0)
}

/// The name in a whole line of acknowledgement; a line that the kill cut short has no full stop.
fn name(line: &str) -> Option<String> {
    Some(line.rsplit_once("acknowledged ")?.1.strip_suffix('.')?.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the test tells the process which of its lives it is")]
async fn write_for_ever(path: &Path) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    let life = std::env::var(LIFE).unwrap();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (store, life) = (Arc::clone(&store), life.clone());
        writers.push(tokio::spawn(async move {
            for number in 0_u64.. {
                write(&*store, &format!("{life}-{writer}-{number}")).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn write(store: &dyn Store, name: &str) {
    store.receive(received(name, name, name)).await.unwrap();
    acknowledge(&format!("message {name}"));
    let mut changes = ChangeSet::new();
    changes.send(outgoing(name, name)).put(&Promise::new(name, 1)).unwrap();
    store.commit(changes).await.unwrap();
    acknowledge(&format!("promise {name}"));
}

fn acknowledge(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {what}.").unwrap();
    out.flush().unwrap();
}

/// All that was acknowledged is there; and beyond it, for each kill, no more than each writer had in hand.
async fn check(path: &Path, acknowledged: &BTreeSet<String>, in_hand: usize) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap());
    let now = outgoing("", "").made_at;
    let messages = store.inbox_due(InboxState::Received, now, usize::MAX).await.unwrap();
    let owed = store.outbox_due(now, usize::MAX).await.unwrap();
    let promises = store.open_records::<Promise>().await.unwrap();
    let messages: BTreeSet<_> = messages.into_iter().map(|entry| entry.message_id).collect();
    let owed: BTreeSet<_> = owed.into_iter().map(|entry| entry.message_id).collect();
    let promises: BTreeSet<_> = promises.into_iter().map(|stored| stored.value.name).collect();
    assert_eq!(owed, promises, "half a change set is there");
    for what in acknowledged {
        match what.split_once(' ').unwrap() {
            ("message", name) => assert!(messages.contains(name), "{what} is lost"),
            (_, name) => assert!(promises.contains(name), "{what} is lost"),
        }
    }
    let there = messages.len() + promises.len();
    assert!(there <= acknowledged.len() + in_hand, "{there} for {} acknowledged", acknowledged.len());
    assert_eq!(store.inbox_backlog().await.unwrap(), messages.len() as u64);
    let verified = verify(&*store).await.unwrap().unwrap();
    assert_eq!(verified.entries, there as u64, "one entry for each message that was received or is owed");
}
