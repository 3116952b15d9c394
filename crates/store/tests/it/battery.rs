//! One battery of tests that every store passes.

use std::sync::Arc;

use tieline_store::{
    Attempt, ChangeSet, Direction, InboxId, InboxState, MemoryStore, Receipt, Records as _, SqliteOptions,
    SqliteStore, Store, StoreError, Timer, verify,
};

use crate::sample::{Promise, at, outgoing, received, span};

macro_rules! store_battery {
    ($($case:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Arc::new(super::MemoryStore::new())).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("node.db");
                let store = super::SqliteStore::open(&path, super::SqliteOptions::default()).unwrap();
                super::$case(super::Arc::new(store)).await;
            })*
        }
    };
}

store_battery! {
    a_message_is_taken_once
    a_message_is_another_for_another_recipient
    a_conversation_is_decided_in_order
    a_message_that_fails_rests_and_is_set_aside
    a_message_done_with_stays_done
    owed_messages_go_in_order_and_unchanged
    an_attempt_after_the_end_changes_nothing
    a_message_is_owed_once
    a_timer_set_again_is_not_lost
    timers_come_by_instant
    records_are_found_by_what_the_domain_asks
    a_conflict_refuses_the_whole_change_set
    the_journal_holds_what_was_received_sent_and_decided
    an_empty_change_set_is_taken
}

async fn take(store: &dyn Store, message_id: &str, conversation: &str) -> InboxId {
    match store.receive(received(message_id, conversation, message_id)).await.unwrap() {
        Receipt::New(id) => id,
        known => panic!("{known:?}"),
    }
}

async fn waiting(store: &dyn Store, second: i64) -> Vec<String> {
    let due = store.inbox_due(at(second), 10).await.unwrap();
    due.into_iter().map(|entry| entry.message_id).collect()
}

async fn owed(store: &dyn Store, second: i64) -> Vec<String> {
    let due = store.outbox_due(at(second), 10).await.unwrap();
    due.into_iter().map(|entry| entry.message_id).collect()
}

async fn a_message_is_taken_once(store: Arc<dyn Store>) {
    let id = take(&*store, "m1", "c1").await;
    let again = store.receive(received("m1", "c1", "m1")).await.unwrap();
    assert_eq!(again, Receipt::AlreadySubmitted { id, state: InboxState::Received });
    let other = store.receive(received("m1", "c1", "something else")).await.unwrap();
    assert_eq!(other, Receipt::DuplicateIdentifier { id });
    assert_eq!(store.inbox_backlog().await.unwrap(), 1);
    assert_eq!(store.journal_length().await.unwrap(), 1, "a repetition is not journalled");

    store.commit(ChangeSet::new().answered(id).clone()).await.unwrap();
    let again = store.receive(received("m1", "c1", "m1")).await.unwrap();
    assert_eq!(again, Receipt::AlreadySubmitted { id, state: InboxState::Answered });
}

async fn a_message_is_another_for_another_recipient(store: Arc<dyn Store>) {
    let id = take(&*store, "m1", "c1").await;
    let mut second = received("m1", "c1", "m1");
    "other.example".clone_into(&mut second.recipient);
    let mut third = received("m1", "c1", "m1");
    "other.example".clone_into(&mut third.peer);
    for message in [second, third] {
        let receipt = store.receive(message).await.unwrap();
        assert!(matches!(receipt, Receipt::New(other) if other > id), "{receipt:?}");
    }
}

async fn a_conversation_is_decided_in_order(store: Arc<dyn Store>) {
    let first = take(&*store, "m1", "c1").await;
    take(&*store, "m2", "c1").await;
    take(&*store, "m3", "c2").await;
    assert_eq!(waiting(&*store, 0).await, ["m1", "m3"]);
    assert_eq!(waiting(&*store, -1).await, [""; 0], "nothing is due before it came");
    assert_eq!(store.inbox_due(at(0), 1).await.unwrap().len(), 1);

    store.commit(ChangeSet::new().answered(first).clone()).await.unwrap();
    let due = store.inbox_due(at(0), 10).await.unwrap();
    assert_eq!(
        (due[0].message_id.as_str(), due[0].state),
        ("m1", InboxState::Answered),
        "its work is not done"
    );

    store.commit(ChangeSet::new().processed(first).clone()).await.unwrap();
    assert_eq!(waiting(&*store, 0).await, ["m2", "m3"]);
    assert_eq!(store.inbox_backlog().await.unwrap(), 2);
}

async fn a_message_that_fails_rests_and_is_set_aside(store: Arc<dyn Store>) {
    let poison = take(&*store, "m1", "c1").await;
    take(&*store, "m2", "c1").await;
    store.commit(ChangeSet::new().failed(poison, Some(at(60)), "no").clone()).await.unwrap();
    assert_eq!(waiting(&*store, 59).await, [""; 0], "what follows waits with it");
    assert_eq!(store.inbox_next_due().await.unwrap(), Some(at(60)));
    let due = store.inbox_due(at(60), 10).await.unwrap();
    assert_eq!((due[0].id, due[0].attempts), (poison, 1));

    store.commit(ChangeSet::new().failed(poison, None, "never").clone()).await.unwrap();
    assert_eq!(waiting(&*store, 60).await, ["m2"], "it blocks nobody any more");
    let again = store.receive(received("m1", "c1", "m1")).await.unwrap();
    assert_eq!(again, Receipt::AlreadySubmitted { id: poison, state: InboxState::SetAside });
}

async fn a_message_done_with_stays_done(store: Arc<dyn Store>) {
    let id = take(&*store, "m1", "c1").await;
    store.commit(ChangeSet::new().processed(id).clone()).await.unwrap();
    store.commit(ChangeSet::new().failed(id, Some(at(9)), "late").answered(id).clone()).await.unwrap();
    assert_eq!(store.inbox_next_due().await.unwrap(), None);
    let again = store.receive(received("m1", "c1", "m1")).await.unwrap();
    assert_eq!(again, Receipt::AlreadySubmitted { id, state: InboxState::Done });
}

async fn owed_messages_go_in_order_and_unchanged(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    changes.send(outgoing("o1", "c1")).send(outgoing("o2", "c1")).send(outgoing("o3", "c2"));
    store.commit(changes).await.unwrap();
    assert_eq!(owed(&*store, 0).await, ["o1", "o3"]);
    let before = store.outbox_due(at(0), 1).await.unwrap().remove(0);

    let retry = Attempt::Retry { at: at(60), cause: "503".to_owned() };
    store.commit(ChangeSet::new().attempted(before.id, at(1), retry).clone()).await.unwrap();
    assert_eq!(owed(&*store, 59).await, ["o3"], "the second of the conversation waits for the first");
    let after = store.outbox_due(at(60), 1).await.unwrap().remove(0);
    assert_eq!((after.id, after.attempts, &after.body), (before.id, 1, &before.body));

    store.commit(ChangeSet::new().attempted(before.id, at(61), Attempt::Delivered).clone()).await.unwrap();
    assert_eq!(owed(&*store, 61).await, ["o2", "o3"]);
    assert_eq!(store.outbox_next_due().await.unwrap(), Some(at(0)));
}

async fn an_attempt_after_the_end_changes_nothing(store: Arc<dyn Store>) {
    store.commit(ChangeSet::new().send(outgoing("o1", "c1")).clone()).await.unwrap();
    let id = store.outbox_due(at(0), 1).await.unwrap()[0].id;
    for attempt in [
        Attempt::Delivered,
        Attempt::Delivered,
        Attempt::Failed { cause: "deadline".to_owned() },
        Attempt::Retry { at: at(5), cause: "late".to_owned() },
    ] {
        store.commit(ChangeSet::new().attempted(id, at(1), attempt).clone()).await.unwrap();
        assert_eq!(owed(&*store, 9).await, [""; 0]);
    }
    assert_eq!(store.outbox_next_due().await.unwrap(), None);
}

async fn a_message_is_owed_once(store: Arc<dyn Store>) {
    store.commit(ChangeSet::new().send(outgoing("o1", "c1")).clone()).await.unwrap();
    store.commit(ChangeSet::new().send(outgoing("o1", "c2")).clone()).await.unwrap();
    assert_eq!(owed(&*store, 0).await, ["o1"]);
    assert_eq!(store.journal_length().await.unwrap(), 1);
}

async fn a_timer_set_again_is_not_lost(store: Arc<dyn Store>) {
    let early = Timer::new("expire", "offer 1", at(10));
    let later = Timer::new("expire", "offer 1", at(20));
    store.commit(ChangeSet::new().set_timer(early.clone()).clone()).await.unwrap();
    store.commit(ChangeSet::new().set_timer(later.clone()).clone()).await.unwrap();
    store.commit(ChangeSet::new().clear_timer(early).clone()).await.unwrap();
    assert_eq!(store.timer("expire", "offer 1").await.unwrap(), Some(later.clone()));
    store.commit(ChangeSet::new().clear_timer(later).clone()).await.unwrap();
    assert_eq!(store.timer("expire", "offer 1").await.unwrap(), None);
    assert_eq!(store.timers_next_due().await.unwrap(), None);
}

async fn timers_come_by_instant(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    for (subject, due) in [("b", 20), ("a", 30), ("c", 10)] {
        changes.set_timer(Timer::new("limit", subject, at(due)));
    }
    store.commit(changes).await.unwrap();
    let subjects = |timers: Vec<Timer>| timers.into_iter().map(|timer| timer.subject).collect::<Vec<_>>();
    assert_eq!(subjects(store.timers_due(at(20), 10).await.unwrap()), ["c", "b"]);
    assert_eq!(subjects(store.timers_due(at(30), 1).await.unwrap()), ["c"]);
    assert_eq!(store.timers_next_due().await.unwrap(), Some(at(10)));
}

async fn records_are_found_by_what_the_domain_asks(store: Arc<dyn Store>) {
    let first = Promise::new("p1", 1000);
    let second = Promise { when: Some(span(900, 1800)), open: false, ..Promise::new("p2", 2000) };
    let timeless = Promise { when: None, ..Promise::new("p3", 3000) };
    let elsewhere = Promise { point: "ean.999999999999999999".to_owned(), ..Promise::new("p4", 4000) };
    let mut changes = ChangeSet::new();
    for promise in [&first, &second, &timeless, &elsewhere] {
        changes.put(promise).unwrap();
    }
    store.commit(changes).await.unwrap();

    let stored = store.record::<Promise>("p1").await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version), (first.clone(), 1));
    assert!(store.record::<Promise>("p9").await.unwrap().is_none());
    let of = async |within| {
        let found = store.records_of::<Promise>(&first.point, within).await.unwrap();
        found.into_iter().map(|stored| stored.value.name).collect::<Vec<_>>()
    };
    assert_eq!(of(None).await, ["p1", "p2", "p3"]);
    assert_eq!(of(Some(span(0, 900))).await, ["p1"], "a span that only touches is another");
    assert_eq!(of(Some(span(899, 901))).await, ["p1", "p2"]);
    let open = store.open_records::<Promise>().await.unwrap();
    assert_eq!(open.into_iter().map(|stored| stored.value.name).collect::<Vec<_>>(), ["p1", "p3", "p4"]);
}

async fn a_conflict_refuses_the_whole_change_set(store: Arc<dyn Store>) {
    store.commit(ChangeSet::new().replace(&Promise::new("p1", 1), 0).unwrap().clone()).await.unwrap();
    store.commit(ChangeSet::new().replace(&Promise::new("p1", 2), 1).unwrap().clone()).await.unwrap();
    for stale in [0, 1, 3] {
        let mut changes = ChangeSet::new();
        changes.send(outgoing("o1", "c1")).set_timer(Timer::new("limit", "a", at(1)));
        changes.put(&Promise::new("p2", 7)).unwrap().replace(&Promise::new("p1", 9), stale).unwrap();
        let refused = store.commit(changes).await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::Conflict { kind: "promise", key } if key == "p1"),
            "{refused:?}"
        );
        assert!(!refused.retry());
    }
    assert_eq!(store.record::<Promise>("p1").await.unwrap().unwrap().value.watts, 2);
    assert!(store.record::<Promise>("p2").await.unwrap().is_none());
    assert_eq!(owed(&*store, 0).await, [""; 0]);
    assert_eq!(store.timers_next_due().await.unwrap(), None);
    assert_eq!(store.journal_length().await.unwrap(), 0);
}

async fn the_journal_holds_what_was_received_sent_and_decided(store: Arc<dyn Store>) {
    assert_eq!(verify(&*store).await.unwrap().unwrap().head, [0; 32]);
    take(&*store, "m1", "c1").await;
    let mut changes = ChangeSet::new();
    changes.send(outgoing("o1", "c1")).decide(at(1), "flex", "p1", "accepted", "c1", *b"grounds");
    store.commit(changes).await.unwrap();

    let journal = store.journal(0, 10).await.unwrap();
    let said: Vec<_> = journal.iter().map(|entry| (entry.entry.direction, &entry.entry.bytes[..])).collect();
    assert_eq!(
        said,
        [
            (Direction::Received, &b"sealed m1"[..]),
            (Direction::Sent, b"sealed o1"),
            (Direction::Decision, b"grounds"),
        ]
    );
    assert_eq!(store.journal(1, 1).await.unwrap(), journal[1..2]);
    let verified = verify(&*store).await.unwrap().unwrap();
    assert_eq!((verified.entries, verified.head), (3, journal[2].hash));
}

async fn an_empty_change_set_is_taken(store: Arc<dyn Store>) {
    assert!(ChangeSet::new().is_empty());
    store.commit(ChangeSet::new()).await.unwrap();
    assert_eq!(store.journal_length().await.unwrap(), 0);
}
