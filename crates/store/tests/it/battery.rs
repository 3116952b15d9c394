//! One battery of tests that every store passes.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tieline_store::{
    Attempt, Besides, ChangeSet, Direction, InboxId, InboxState, MemoryStore, MessageName, Outgoing, Receipt,
    Records as _, SqliteOptions, SqliteStore, Store, StoreError, Timer, verify,
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
    what_is_left_out_of_the_outbox_is_not_found
    nothing_but_what_is_late_is_due_to_one_who_is_held
    refusals_are_counted_while_they_follow_each_other
    a_message_is_found_by_its_name
    a_message_is_owed_once
    a_timer_set_again_is_not_lost
    timers_come_by_instant
    records_are_found_by_what_the_domain_asks
    the_latest_records_of_a_range_come_first
    a_conflict_refuses_the_whole_change_set
    the_journal_holds_what_was_received_sent_and_decided
    an_empty_change_set_is_taken
    a_received_message_comes_back_whole
    an_owed_message_comes_back_whole
    the_work_after_an_answer_starts_afresh
    the_backlog_counts_what_is_not_done_with
    conversations_of_different_sides_do_not_wait_for_each_other
    a_message_that_is_given_up_holds_up_nobody
    what_is_not_there_cannot_be_marked
    timers_of_different_kinds_stand_side_by_side
    a_record_that_is_kept_again_is_found_by_what_it_says_now
    one_change_set_may_replace_a_record_twice
    far_instants_do_not_break_the_journal
    a_page_of_the_journal_ends_where_it_should
}

async fn take(store: &dyn Store, message_id: &str, conversation: &str) -> InboxId {
    match store.receive(received(message_id, conversation, message_id)).await.unwrap() {
        Receipt::New(id) => id,
        known => panic!("{known:?}"),
    }
}

async fn waiting(store: &dyn Store, second: i64) -> Vec<String> {
    let due = store.inbox_due(InboxState::Received, at(second), 10).await.unwrap();
    due.into_iter().map(|entry| entry.message_id).collect()
}

async fn next_waiting(store: &dyn Store, second: i64) -> Option<Timestamp> {
    store.inbox_next_due(InboxState::Received, at(second)).await.unwrap()
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
    assert_eq!(store.inbox_due(InboxState::Received, at(0), 1).await.unwrap().len(), 1);

    store.commit(ChangeSet::new().answered(first).clone()).await.unwrap();
    assert_eq!(waiting(&*store, 0).await, ["m3"], "what follows waits until the work is done");
    let due = store.inbox_due(InboxState::Answered, at(0), 10).await.unwrap();
    assert_eq!(
        due.iter().map(|entry| (entry.message_id.as_str(), entry.state)).collect::<Vec<_>>(),
        [("m1", InboxState::Answered)],
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
    assert_eq!(next_waiting(&*store, 0).await, Some(at(60)));
    assert_eq!(next_waiting(&*store, 60).await, None, "it rests no more");
    let answered = store.inbox_next_due(InboxState::Answered, at(0)).await.unwrap();
    assert_eq!(answered, None, "it is not answered");
    let due = store.inbox_due(InboxState::Received, at(60), 10).await.unwrap();
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
    assert_eq!(next_waiting(&*store, 0).await, None);
    let again = store.receive(received("m1", "c1", "m1")).await.unwrap();
    assert_eq!(again, Receipt::AlreadySubmitted { id, state: InboxState::Done });
}

async fn owed_messages_go_in_order_and_unchanged(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    changes.send(outgoing("o1", "c1")).send(outgoing("o2", "c1")).send(outgoing("o3", "c2"));
    store.commit(changes).await.unwrap();
    assert_eq!(owed(&*store, 0).await, ["o1", "o3"]);
    let before = store.outbox_due(at(0), 1).await.unwrap().remove(0);

    let retry = Attempt::Retry { at: at(60), cause: "503".to_owned(), refused: false };
    store.commit(ChangeSet::new().attempted(before.id, at(1), retry).clone()).await.unwrap();
    assert_eq!(owed(&*store, 59).await, ["o3"], "the second of the conversation waits for the first");
    assert_eq!(owed(&*store, 60).await, ["o3", "o1"], "what has been due for longer comes first");
    let after = store.outbox_due(at(60), 2).await.unwrap().remove(1);
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
        Attempt::Retry { at: at(5), cause: "late".to_owned(), refused: false },
    ] {
        store.commit(ChangeSet::new().attempted(id, at(1), attempt).clone()).await.unwrap();
        assert_eq!(owed(&*store, 9).await, [""; 0]);
    }
    assert_eq!(store.outbox_next_due().await.unwrap(), None);
}

async fn what_is_left_out_of_the_outbox_is_not_found(store: Arc<dyn Store>) {
    let to = |id: &str, recipient: &str, seconds| {
        let (recipient, made_at) = (recipient.to_owned(), at(seconds));
        Outgoing { recipient, made_at, ..outgoing(id, id) }
    };
    let mut changes = ChangeSet::new();
    changes.send(to("o1", "a", 0)).send(to("o2", "a", 1)).send(to("o3", "it's \"b\"", 2));
    changes.send(to("o4", "c", 3));
    store.commit(changes).await.unwrap();
    let ids = store.outbox_due(at(9), 9).await.unwrap();
    let number = |index: usize| ids[index].id;
    let cases = [
        (vec![], vec![], vec!["o1", "o2", "o3", "o4"]),
        (vec![number(0), number(3)], vec![], vec!["o2", "o3"]),
        (vec![], vec!["a"], vec!["o3", "o4"]),
        (vec![number(3)], vec!["a", "it's \"b\""], vec![]),
    ];
    for (under_way, recipients, expected) in cases {
        let recipients = recipients.into_iter().map(str::to_owned).collect();
        let besides = Besides { under_way, recipients, held: Vec::new() };
        let due = store.outbox_due_besides(at(9), 9, besides.clone()).await.unwrap();
        let found: Vec<&str> = due.iter().map(|entry| entry.message_id.as_str()).collect();
        assert_eq!(found, expected, "{besides:?}");
        let first = expected.first().map(|id| at(i64::from(id.as_bytes()[1] - b'1')));
        assert_eq!(store.outbox_next_due_besides(besides.clone()).await.unwrap(), first, "{besides:?}");
    }
}

async fn nothing_but_what_is_late_is_due_to_one_who_is_held(store: Arc<dyn Store>) {
    let to = |id: &str, recipient: &str, deadline| {
        let (recipient, deadline) = (recipient.to_owned(), at(deadline));
        Outgoing { recipient, deadline, ..outgoing(id, id) }
    };
    let mut changes = ChangeSet::new();
    changes.send(to("o1", "a", 50)).send(to("o2", "a", 20)).send(to("o3", "b", 90));
    store.commit(changes).await.unwrap();
    let held = |who: &str| Besides { held: vec![who.to_owned()], ..Besides::default() };
    let found = async |second, besides| {
        let due = store.outbox_due_besides(at(second), 9, besides).await.unwrap();
        due.into_iter().map(|entry| entry.message_id).collect::<Vec<_>>()
    };
    assert_eq!(found(9, held("a")).await, ["o3"]);
    assert_eq!(found(20, held("a")).await, ["o3", "o2"]);
    assert_eq!(found(60, held("a")).await, ["o3", "o2", "o1"]);
    assert_eq!(found(9, Besides::default()).await, ["o1", "o2", "o3"]);
    assert_eq!(store.outbox_next_due_besides(held("b")).await.unwrap(), Some(at(0)));
    let besides = Besides { recipients: vec!["b".to_owned()], ..held("a") };
    assert_eq!(store.outbox_next_due_besides(besides).await.unwrap(), Some(at(20)));
}

async fn refusals_are_counted_while_they_follow_each_other(store: Arc<dyn Store>) {
    store.commit(ChangeSet::new().send(outgoing("o1", "c1")).clone()).await.unwrap();
    for (refused, count) in [(true, 1), (true, 2), (false, 0), (true, 1)] {
        let id = store.outbox_due(at(9), 1).await.unwrap()[0].id;
        let retry = Attempt::Retry { at: at(1), cause: "400".to_owned(), refused };
        store.commit(ChangeSet::new().attempted(id, at(1), retry).clone()).await.unwrap();
        assert_eq!(store.outbox_due(at(9), 1).await.unwrap()[0].refused, count);
    }
}

async fn a_message_is_found_by_its_name(store: Arc<dyn Store>) {
    take(&*store, "m1", "c1").await;
    let (received, sent) = (received("m1", "c1", "m1"), outgoing("o1", "c1"));
    store.commit(ChangeSet::new().send(sent.clone()).clone()).await.unwrap();
    let name = |direction, peer: &str, id: &str| MessageName {
        direction,
        protocol: received.protocol.to_owned(),
        peer: peer.to_owned(),
        message_id: id.to_owned(),
    };
    let found = async |name: MessageName| store.message(&name).await.unwrap();
    assert_eq!(found(name(Direction::Received, &received.peer, "m1")).await, Some(received.raw.clone()));
    assert_eq!(found(name(Direction::Sent, &sent.recipient, "o1")).await, Some(sent.body.clone()));
    assert_eq!(found(name(Direction::Received, "somebody", "m1")).await, None);
    assert_eq!(found(name(Direction::Sent, &sent.recipient, "m1")).await, None);
    assert_eq!(found(name(Direction::Decision, &received.peer, "m1")).await, None);
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

async fn the_latest_records_of_a_range_come_first(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    for name in ["a 1", "a 2", "a 3", "b 1"] {
        changes.put(&Promise::new(name, 1)).unwrap();
    }
    store.commit(changes).await.unwrap();
    let found = async |from, to, limit| {
        let records = store.latest_records::<Promise>(from, to, limit).await.unwrap();
        records.into_iter().map(|stored| stored.value.name).collect::<Vec<_>>()
    };
    assert_eq!(found("a ", "a \u{7f}", 9).await, ["a 3", "a 2", "a 1"]);
    assert_eq!(found("a ", "a \u{7f}", 2).await, ["a 3", "a 2"]);
    assert_eq!(found("a 2", "b 1", 9).await, ["a 3", "a 2"]);
    assert_eq!(found("c", "d", 9).await, [""; 0]);
    assert_eq!(found("b", "a", 9).await, [""; 0]);
    let keys = ["b 1", "it's", "a 2", "a 2"].map(str::to_owned);
    let named = store.records::<Promise>(&keys).await.unwrap();
    assert_eq!(named.into_iter().map(|stored| stored.value.name).collect::<Vec<_>>(), ["a 2", "b 1"]);
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

async fn a_received_message_comes_back_whole(store: Arc<dyn Store>) {
    let message = tieline_store::Received {
        note: "late, \u{1f50c} and a\0zero".to_owned(),
        raw: Bytes::from_static(&[0, 255, 39, 10]),
        body: Bytes::new(),
        received_at: at(7),
        ..received("m'1", "c\"1", "")
    };
    store.receive(message.clone()).await.unwrap();
    let entry = store.inbox_due(InboxState::Received, at(7), 1).await.unwrap().remove(0);
    assert_eq!(entry.protocol, message.protocol);
    assert_eq!((&entry.peer, &entry.recipient), (&message.peer, &message.recipient));
    assert_eq!((&entry.message_id, &entry.conversation), (&message.message_id, &message.conversation));
    assert_eq!((&entry.label, &entry.note), (&message.label, &message.note));
    assert_eq!(entry.raw, message.raw);
    assert_eq!((entry.received_at, entry.state, entry.attempts), (at(7), InboxState::Received, 0));

    let journalled = store.journal(0, 1).await.unwrap().remove(0).entry;
    assert_eq!((journalled.at, journalled.direction), (at(7), Direction::Received));
    assert_eq!((journalled.protocol, journalled.peer), (message.protocol.to_owned(), message.peer));
    assert_eq!((journalled.label, journalled.message_id), (message.label, message.message_id));
    assert_eq!((journalled.conversation, journalled.bytes), (message.conversation, message.raw));
}

async fn an_owed_message_comes_back_whole(store: Arc<dyn Store>) {
    let message = outgoing("o1", "c1");
    store.commit(ChangeSet::new().send(message.clone()).clone()).await.unwrap();
    assert_eq!(owed(&*store, -1).await, [""; 0], "not before it was made");
    let entry = store.outbox_due(at(0), 1).await.unwrap().remove(0);
    assert_eq!((entry.protocol.as_str(), &entry.recipient), (message.protocol, &message.recipient));
    assert_eq!((&entry.conversation, &entry.message_id), (&message.conversation, &message.message_id));
    assert_eq!((&entry.label, &entry.body), (&message.label, &message.body));
    assert_eq!((entry.deadline, entry.attempts), (at(3600), 0));
    let journalled = store.journal(0, 1).await.unwrap().remove(0).entry;
    assert_eq!((journalled.at, journalled.direction), (message.made_at, Direction::Sent));
    assert_eq!((journalled.peer, journalled.bytes), (message.recipient, message.body));
}

/// Deciding and processing are two steps with attempts of their own.
async fn the_work_after_an_answer_starts_afresh(store: Arc<dyn Store>) {
    let id = take(&*store, "m1", "c1").await;
    store.commit(ChangeSet::new().failed(id, Some(at(60)), "no").clone()).await.unwrap();
    store.commit(ChangeSet::new().answered(id).clone()).await.unwrap();
    let due = store.inbox_due(InboxState::Answered, at(0), 1).await.unwrap();
    assert_eq!((due[0].state, due[0].attempts), (InboxState::Answered, 0));
    store.commit(ChangeSet::new().failed(id, Some(at(60)), "no").clone()).await.unwrap();
    assert!(store.inbox_due(InboxState::Answered, at(59), 1).await.unwrap().is_empty());
    let next = store.inbox_next_due(InboxState::Answered, at(59)).await.unwrap();
    assert_eq!(next, Some(at(60)));
    let due = store.inbox_due(InboxState::Answered, at(60), 1).await.unwrap();
    assert_eq!((due[0].state, due[0].attempts), (InboxState::Answered, 1));
}

async fn the_backlog_counts_what_is_not_done_with(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for name in ["m1", "m2", "m3", "m4"] {
        ids.push(take(&*store, name, name).await);
    }
    store.receive(received("m1", "m1", "m1")).await.unwrap();
    assert_eq!(store.inbox_backlog().await.unwrap(), 4, "a repetition is not counted");
    store.commit(ChangeSet::new().answered(ids[0]).failed(ids[1], Some(at(9)), "no").clone()).await.unwrap();
    assert_eq!(store.inbox_backlog().await.unwrap(), 4);
    let twice = ChangeSet::new().processed(ids[0]).processed(ids[0]).failed(ids[0], None, "late").clone();
    store.commit(twice).await.unwrap();
    assert_eq!(store.inbox_backlog().await.unwrap(), 3, "each is taken off once");
    store.commit(ChangeSet::new().failed(ids[1], None, "never").processed(ids[1]).clone()).await.unwrap();
    assert_eq!(store.inbox_backlog().await.unwrap(), 2);

    let mut refused = ChangeSet::new();
    refused.processed(ids[2]).failed(ids[3], None, "no").replace(&Promise::new("p1", 1), 7).unwrap();
    store.commit(refused).await.unwrap_err();
    assert_eq!(store.inbox_backlog().await.unwrap(), 2, "what was refused is not counted");
    assert_eq!(waiting(&*store, 0).await, ["m3", "m4"]);
}

async fn conversations_of_different_sides_do_not_wait_for_each_other(store: Arc<dyn Store>) {
    take(&*store, "m1", "c1").await;
    let other = tieline_store::Received { peer: "cro.example".to_owned(), ..received("m2", "c1", "m2") };
    store.receive(other).await.unwrap();
    assert_eq!(waiting(&*store, 0).await, ["m1", "m2"]);

    let other = Outgoing { recipient: "cro.example".to_owned(), ..outgoing("o2", "c1") };
    store.commit(ChangeSet::new().send(outgoing("o1", "c1")).send(other).clone()).await.unwrap();
    assert_eq!(owed(&*store, 0).await, ["o1", "o2"]);
}

async fn a_message_that_is_given_up_holds_up_nobody(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    changes.send(outgoing("o1", "c1")).send(outgoing("o2", "c1"));
    store.commit(changes).await.unwrap();
    let first = store.outbox_due(at(3601), 1).await.unwrap().remove(0);
    assert_eq!(first.deadline, at(3600), "a late one is still due: whoever asks gives it up");
    let failed = Attempt::Failed { cause: "the deadline has passed".to_owned() };
    store.commit(ChangeSet::new().attempted(first.id, at(3601), failed).clone()).await.unwrap();
    assert_eq!(owed(&*store, 3601).await, ["o2"]);
    store.commit(ChangeSet::new().send(outgoing("o1", "c9")).clone()).await.unwrap();
    assert_eq!(owed(&*store, 3601).await, ["o2"], "its identifier is not free again");
}

async fn what_is_not_there_cannot_be_marked(store: Arc<dyn Store>) {
    let nobody = InboxId(99);
    let mut changes = ChangeSet::new();
    changes.answered(nobody).processed(nobody).failed(nobody, None, "no");
    changes.attempted(99, at(0), Attempt::Delivered).clear_timer(Timer::new("limit", "a", at(0)));
    store.commit(changes).await.unwrap();
    assert_eq!(store.inbox_backlog().await.unwrap(), 0);
    assert_eq!(store.journal_length().await.unwrap(), 0);
}

async fn timers_of_different_kinds_stand_side_by_side(store: Arc<dyn Store>) {
    let limit = Timer::new("limit", "a", at(10));
    let expiry = Timer::new("expire", "a", at(10));
    store.commit(ChangeSet::new().set_timer(limit.clone()).set_timer(expiry.clone()).clone()).await.unwrap();
    assert_eq!(store.timers_due(at(9), 9).await.unwrap(), []);
    assert_eq!(store.timers_due(at(10), 9).await.unwrap(), [expiry.clone(), limit.clone()]);
    // A timer that fires is cleared together with what it caused.
    store.commit(ChangeSet::new().clear_timer(expiry).send(outgoing("o1", "c1")).clone()).await.unwrap();
    assert_eq!(store.timers_due(at(10), 9).await.unwrap(), [limit]);
    assert_eq!(owed(&*store, 0).await, ["o1"]);
}

async fn a_record_that_is_kept_again_is_found_by_what_it_says_now(store: Arc<dyn Store>) {
    let before = Promise::new("p1", 1);
    let after = Promise {
        point: "ean.999999999999999999".to_owned(),
        when: Some(span(900, 1800)),
        open: false,
        ..Promise::new("p1", 2)
    };
    store.commit(ChangeSet::new().put(&before).unwrap().clone()).await.unwrap();
    store.commit(ChangeSet::new().put(&after).unwrap().clone()).await.unwrap();
    assert!(store.open_records::<Promise>().await.unwrap().is_empty());
    assert!(store.records_of::<Promise>(&before.point, None).await.unwrap().is_empty());
    assert!(store.records_of::<Promise>(&after.point, Some(span(0, 900))).await.unwrap().is_empty());
    let found = store.records_of::<Promise>(&after.point, Some(span(900, 901))).await.unwrap();
    assert_eq!((found[0].value.clone(), found[0].version, found.len()), (after, 2, 1));
    assert!(store.raw_record("offer", "p1").await.unwrap().is_none(), "a kind has keys of its own");
}

async fn one_change_set_may_replace_a_record_twice(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    changes.replace(&Promise::new("p1", 1), 0).unwrap().replace(&Promise::new("p1", 2), 1).unwrap();
    store.commit(changes.clone()).await.unwrap();
    let stored = store.record::<Promise>("p1").await.unwrap().unwrap();
    assert_eq!((stored.value.watts, stored.version), (2, 2));
    let refused = store.commit(changes).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused:?}");
}

async fn far_instants_do_not_break_the_journal(store: Arc<dyn Store>) {
    let timer = Timer::new("expire", "offer", Timestamp::MAX);
    let mut changes = ChangeSet::new();
    changes.decide(Timestamp::MAX, "flex", "p1", "accepted", "c1", *b"grounds").set_timer(timer.clone());
    changes.decide(Timestamp::MIN, "flex", "p1", "accepted", "c1", *b"grounds");
    store.commit(changes).await.unwrap();
    assert_eq!(verify(&*store).await.unwrap().unwrap().entries, 2);
    assert!(store.timers_due(at(0), 9).await.unwrap().is_empty());
    store.commit(ChangeSet::new().clear_timer(timer).clone()).await.unwrap();
    assert_eq!(store.timers_next_due().await.unwrap(), None);
}

async fn a_page_of_the_journal_ends_where_it_should(store: Arc<dyn Store>) {
    let mut changes = ChangeSet::new();
    for _ in 0..150 {
        changes.decide(at(1), "flex", "p1", "accepted", "c1", *b"grounds");
    }
    store.commit(changes).await.unwrap();
    assert_eq!(store.journal_length().await.unwrap(), 150);
    let end = store.journal_end().await.unwrap();
    assert_eq!(verify(&*store).await.unwrap().unwrap(), end, "a journal of several pages");
    let page = store.journal(148, 10).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [149, 150]);
    assert_eq!(page[1].hash, end.head);
    for (after, limit) in [(150, 10), (u64::MAX, 10), (0, 0)] {
        assert!(store.journal(after, limit).await.unwrap().is_empty(), "{after} {limit}");
    }
}
