//! What only a store on disk can be held to.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tieline_store::{Broken, ChangeSet, Records as _, SqliteOptions, SqliteStore, Store, StoreError, verify};

use crate::sample::{Promise, at, outgoing, received};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).unwrap()
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    {
        let store = open(&path);
        store.receive(received("m1", "c1", "m1")).await.unwrap();
        let mut changes = ChangeSet::new();
        changes.send(outgoing("o1", "c1")).put(&Promise::new("p1", 5)).unwrap();
        store.commit(changes).await.unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(open(&path));
    assert_eq!(store.inbox_backlog().await.unwrap(), 1);
    assert_eq!(store.outbox_due(at(0), 9).await.unwrap()[0].body, outgoing("o1", "c1").body);
    assert_eq!(store.record::<Promise>("p1").await.unwrap().unwrap().value.watts, 5);
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, 2);
}

/// A change set that nobody waits for any more is still written, before the store is gone.
#[tokio::test]
async fn dropping_the_store_writes_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store = Arc::new(open(&path));
    for number in 0..20 {
        let store = Arc::clone(&store);
        let waiting =
            tokio::spawn(async move { store.receive(received(&number.to_string(), "c", "b")).await });
        tokio::task::yield_now().await;
        waiting.abort();
        let _ = waiting.await;
    }
    drop(store);
    assert_eq!(open(&path).inbox_backlog().await.unwrap(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_share_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder.path().join("node.db")));
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.receive(received(&number.to_string(), "c", "b")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.inbox_backlog().await.unwrap(), 64);
    assert!(store.commits() <= 32, "64 messages took {} commits", store.commits());
}

#[tokio::test]
async fn more_than_may_wait_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::default();
    options.waiting = 1;
    let path = folder.path().join("node.db");
    let store = Arc::new(SqliteStore::open(&path, options).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = Vec::new();
    for number in 0..8 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move { store.receive(received(&number.to_string(), "c", "b")).await }));
    }
    tokio::task::yield_now().await;
    other.execute_batch("ROLLBACK").unwrap();
    let mut taken = 0;
    let mut refused = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => taken += 1,
            Err(cause) => {
                assert!(matches!(cause, StoreError::Busy { waiting: 1 }) && cause.retry(), "{cause:?}");
                refused += 1;
            }
        }
    }
    assert!(taken >= 1 && refused >= 1, "{taken} taken, {refused} refused");
    assert_eq!(store.inbox_backlog().await.unwrap(), taken);
}

async fn broken(tamper: &str) -> Broken {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store = open(&path);
    for number in 1..=5 {
        let text = number.to_string();
        store.receive(received(&text, "c", &text)).await.unwrap();
    }
    Connection::open(&path).unwrap().execute_batch(tamper).unwrap();
    verify(&store).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn verify_names_the_entry_that_was_touched() {
    for change in [
        "at = at + 1",
        "direction = 1",
        "protocol = 'ocpp'",
        "peer = 'd5o.example'",
        "label = 'FlexOffer'",
        "message_id = '33'",
        "conversation = 'd'",
        "bytes = CAST('sealed 4' AS BLOB)",
        "hash = zeroblob(32)",
    ] {
        let broken = broken(&format!("UPDATE journal SET {change} WHERE sequence = 3")).await;
        assert_eq!(broken.sequence, 3, "{change}: {broken}");
    }
}

#[tokio::test]
async fn verify_names_the_entry_that_is_missing_moved_or_forged() {
    let move_entries = "UPDATE journal SET sequence = -2 WHERE sequence = 2; \
                        UPDATE journal SET sequence = 2 WHERE sequence = 3; \
                        UPDATE journal SET sequence = 3 WHERE sequence = -2";
    let forge = "INSERT INTO journal SELECT 6, at, direction, protocol, peer, label, message_id, conversation, bytes, \
                 hash FROM journal WHERE sequence = 5";
    for (tamper, sequence) in [
        ("DELETE FROM journal WHERE sequence = 2", 2),
        ("DELETE FROM journal WHERE sequence = 5", 5),
        ("DELETE FROM journal", 1),
        (move_entries, 2),
        (forge, 6),
    ] {
        assert_eq!(broken(tamper).await.sequence, sequence, "{tamper}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store: Arc<dyn Store> = Arc::new(open(&path));
    store.commit(ChangeSet::new().put(&Promise::new("p1", 5)).unwrap().clone()).await.unwrap();
    store.receive(received("m1", "c1", "m1")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("UPDATE record SET body = '{'; UPDATE inbox SET state = -1").unwrap();
    let damaged = store.record::<Promise>("p1").await.unwrap_err();
    assert!(
        matches!(&damaged, StoreError::Damaged { table: "promise", key, .. } if key == "p1"),
        "{damaged:?}"
    );
    let damaged = store.inbox_due(at(0), 1).await.unwrap_err();
    assert!(matches!(&damaged, StoreError::Damaged { table: "inbox", key, .. } if key == "1"), "{damaged:?}");
    assert!(!damaged.retry());
}

#[test]
fn a_later_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteStore::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(matches!(refused, StoreError::LaterSchema { found: 99, known: 1 }), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("node.db"));
    store.receive(received("m1", "c1", "m1")).await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}
