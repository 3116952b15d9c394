//! What only a store on disk can be held to.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tieline_store::{
    Broken, ChangeSet, InboxState, Records as _, SqliteOptions, SqliteStore, Store, StoreError, Timer, verify,
};

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

#[tokio::test]
async fn many_share_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store = Arc::new(open(&path));
    // While the file is locked, the first one waits for it and all others behind it.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let name = number.to_string();
                if number % 2 == 0 {
                    store.receive(received(&name, "c", "b")).await.map(drop)
                } else {
                    store.commit(ChangeSet::new().send(outgoing(&name, "c")).clone()).await
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    other.execute_batch("ROLLBACK").unwrap();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.inbox_backlog().await.unwrap(), 32);
    assert_eq!(store.journal_length().await.unwrap(), 64);
    assert!(store.commits() <= 4, "64 of them took {} commits", store.commits());
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
        "bytes = CAST(bytes || 'x' AS BLOB)",
        "peer = peer || label, label = ''",
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
        ("UPDATE journal_end SET length = 4", 5),
        ("UPDATE journal_end SET length = 7", 6),
        ("UPDATE journal_end SET hash = zeroblob(32)", 5),
    ] {
        assert_eq!(broken(tamper).await.sequence, sequence, "{tamper}");
    }
}

/// Every bit of an entry's bytes counts.
#[tokio::test]
async fn verify_sees_any_byte_that_flips() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store = open(&path);
    for number in 1..=3 {
        let text = number.to_string();
        store.receive(received(&text, "c", &text)).await.unwrap();
    }
    let whole = verify(&store).await.unwrap().unwrap();
    let other = Connection::open(&path).unwrap();
    let set = "UPDATE journal SET bytes = ?1 WHERE sequence = 2";
    let bytes = b"sealed 2";
    for position in 0..bytes.len() {
        let mut flipped = *bytes;
        flipped[position] ^= 1 << (position % 8);
        other.execute(set, [&flipped[..]]).unwrap();
        assert_eq!(verify(&store).await.unwrap().unwrap_err().sequence, 2, "byte {position}");
    }
    other.execute(set, [&bytes[..]]).unwrap();
    assert_eq!(verify(&store).await.unwrap(), Ok(whole));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_is_whole_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder.path().join("node.db")));
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 0..100 {
                store.receive(received(&number.to_string(), "c", "b")).await.unwrap();
            }
        }
    });
    while !writing.is_finished() {
        verify(&*store).await.unwrap().unwrap();
    }
    writing.await.unwrap();
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, 100);
}

#[tokio::test]
async fn a_writer_does_not_keep_readers_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store = open(&path);
    store.receive(received("m1", "c1", "m1")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE inbox SET state = 2").unwrap();
    assert_eq!(
        store.inbox_due(InboxState::Received, at(0), 9).await.unwrap().len(),
        1,
        "what is not committed is not seen"
    );
    other.execute_batch("COMMIT").unwrap();
    assert!(store.inbox_due(InboxState::Received, at(0), 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_questions_than_readers_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::default();
    options.readers = 2;
    let store = Arc::new(SqliteStore::open(&folder.path().join("node.db"), options).unwrap());
    store.receive(received("m1", "c1", "m1")).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let asked = store.inbox_due(InboxState::Received, at(0), 9);
                // Some give up before they are answered, and leave the reader to others.
                if number % 3 == 0 { None } else { Some(asked.await.unwrap().len()) }
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_none_or(|found| found == 1));
    }
}

/// A trigger stands for a database that refuses one statement in the midst of a change set.
#[tokio::test]
async fn what_fails_half_way_leaves_nothing_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store: Arc<dyn Store> = Arc::new(open(&path));
    let other = Connection::open(&path).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON timer WHEN NEW.subject = 'poison' \
                  BEGIN SELECT RAISE(ABORT, 'no such timer'); END; \
                  CREATE TRIGGER refuse_entry BEFORE INSERT ON journal WHEN NEW.message_id = 'poison' \
                  BEGIN SELECT RAISE(ABORT, 'no such entry'); END";
    other.execute_batch(refuse).unwrap();

    let mut poisoned = ChangeSet::new();
    poisoned.put(&Promise::new("p1", 1)).unwrap().send(outgoing("o1", "c1"));
    poisoned.set_timer(Timer::new("limit", "poison", at(0)));
    let mut sound = ChangeSet::new();
    sound.put(&Promise::new("p2", 2)).unwrap().send(outgoing("o2", "c2"));
    let (failed, unreceived, done) = tokio::join!(
        store.commit(poisoned),
        store.receive(received("poison", "c1", "m1")),
        store.commit(sound),
    );
    let failed = failed.unwrap_err();
    assert!(matches!(&failed, StoreError::Database(cause) if cause.contains("no such timer")), "{failed}");
    unreceived.unwrap_err();
    done.unwrap();

    assert!(store.record::<Promise>("p1").await.unwrap().is_none());
    assert_eq!(store.record::<Promise>("p2").await.unwrap().unwrap().value.watts, 2);
    let owed = store.outbox_due(at(0), 9).await.unwrap();
    assert_eq!(owed.iter().map(|entry| entry.message_id.as_str()).collect::<Vec<_>>(), ["o2"]);
    assert_eq!(store.inbox_backlog().await.unwrap(), 0);
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, 1);
}

/// A trigger stands for a full disk, at which the database takes the whole transaction back by itself.
#[tokio::test]
async fn a_transaction_that_is_taken_back_is_told_to_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store: Arc<dyn Store> = Arc::new(open(&path));
    let other = Connection::open(&path).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON timer BEGIN SELECT RAISE(ROLLBACK, 'full'); END";
    // The lock lets all three wait for one transaction.
    other.execute_batch(&format!("{refuse}; BEGIN IMMEDIATE")).unwrap();
    let poison = ChangeSet::new().set_timer(Timer::new("limit", "a", at(0))).clone();
    let (opening, before, failed, after, ()) = tokio::join!(
        store.receive(received("m0", "c0", "m0")),
        store.receive(received("m1", "c1", "m1")),
        store.commit(poison),
        store.receive(received("m2", "c2", "m2")),
        async { other.execute_batch("ROLLBACK").unwrap() },
    );
    assert!(failed.unwrap_err().retry());
    let taken = [opening, before, after].into_iter().flatten().count();
    assert_eq!(store.inbox_backlog().await.unwrap(), taken as u64, "nobody was told otherwise than it is");
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, taken as u64);
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    store.receive(received("m3", "c3", "m3")).await.unwrap();
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, taken as u64 + 1);
}

#[tokio::test]
async fn two_stores_may_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let (one, two) = (open(&path), open(&path));
    for number in 0..4 {
        one.receive(received(&format!("one {number}"), "c1", "m")).await.unwrap();
        two.receive(received(&format!("two {number}"), "c2", "m")).await.unwrap();
    }
    assert_eq!(verify(&one).await.unwrap().unwrap().entries, 8);
    assert_eq!(two.inbox_backlog().await.unwrap(), 8);
}

#[tokio::test]
async fn bytes_that_wait_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let mut options = SqliteOptions::default();
    options.waiting_bytes = 100;
    let store = SqliteStore::open(&path, options).unwrap();
    let large = || received("large", "c1", &"x".repeat(400));
    store.receive(large()).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (first, second, ()) = tokio::join!(
        store.receive(received("m1", "c1", &"x".repeat(400))),
        store.receive(received("m2", "c1", "m2")),
        async { other.execute_batch("ROLLBACK").unwrap() },
    );
    first.unwrap();
    let busy = second.unwrap_err();
    assert!(matches!(busy, StoreError::Busy { waiting: 1 }) && busy.retry(), "{busy}");
    store.receive(received("m2", "c1", "m2")).await.unwrap();
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let store: Arc<dyn Store> = Arc::new(open(&path));
    let mut changes = ChangeSet::new();
    changes.put(&Promise::new("p1", 5)).unwrap().send(outgoing("o1", "c1"));
    changes.set_timer(Timer::new("limit", "t1", at(0)));
    store.commit(changes).await.unwrap();
    store.receive(received("m1", "c1", "m1")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("UPDATE record SET body = '{'; UPDATE inbox SET label = CAST(x'ff' AS TEXT)")
        .unwrap();
    other.execute_batch("UPDATE outbox SET label = CAST(x'ff' AS TEXT)").unwrap();
    other.execute_batch("UPDATE timer SET kind = CAST(x'ff' AS TEXT)").unwrap();
    other.execute_batch("UPDATE journal SET direction = 9 WHERE sequence = 2").unwrap();
    let damaged = [
        (store.record::<Promise>("p1").await.err(), "promise", "p1"),
        (store.inbox_due(InboxState::Received, at(0), 1).await.err(), "inbox", "1"),
        (store.outbox_due(at(0), 1).await.err(), "outbox", "1"),
        (store.timers_due(at(0), 1).await.err(), "timer", "t1"),
        (store.journal(0, 9).await.err(), "journal", "2"),
        (verify(&*store).await.err(), "journal", "2"),
    ];
    for (cause, table, key) in damaged {
        let cause = cause.unwrap();
        assert!(!cause.retry());
        assert!(
            matches!(&cause, StoreError::Damaged { table: found, key: of, .. } if *found == table && of == key),
            "{cause}"
        );
    }
    other.execute_batch("UPDATE inbox SET label = 'm'; DELETE FROM journal").unwrap();
    let cause = store.inbox_due(InboxState::Received, at(0), 1).await.unwrap_err();
    assert!(matches!(&cause, StoreError::Damaged { table: "inbox", key, .. } if key == "1"), "{cause}");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere").join("node.db");
    let no_database = folder.path().join("text.db");
    std::fs::write(&no_database, "this is not a database, however long it goes on".repeat(20)).unwrap();
    for path in [missing.as_path(), folder.path(), &no_database] {
        let refused = SqliteStore::open(path, SqliteOptions::default()).unwrap_err();
        assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");
    }
    assert!(!missing.exists());
    let refused = SqliteStore::open(&no_database, SqliteOptions::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { table: "database", .. }), "{refused}");
    let refused = SqliteStore::open(&missing, SqliteOptions::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Database(_)), "{refused}");
}

#[test]
fn a_later_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteStore::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(matches!(refused, StoreError::LaterSchema { found: 99, known: 3 }), "{refused:?}");
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

/// The log is copied beside a writer who never rests, and starts anew although somebody reads.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_copied_while_others_write_and_read() {
    const MESSAGES: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let mut options = SqliteOptions::default();
    options.checkpoint_pages = 64;
    let store = Arc::new(SqliteStore::open(&path, options).unwrap());
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in 0..MESSAGES / 4 {
                    let name = format!("{writer}-{number}");
                    store.receive(received(&name, &name, &"x".repeat(8_000))).await.unwrap();
                    store.inbox_due(InboxState::Received, at(0), 1).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    let (log, database) = (size(&folder.path().join("node.db-wal")), size(&path));
    // What the writer adds to it in one commit comes on top.
    assert!(log < 6 * 64 * 4096, "the log has {log} bytes");
    assert!(database > MESSAGES * 8_000 - log, "the database has {database} bytes");
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, MESSAGES);
}
