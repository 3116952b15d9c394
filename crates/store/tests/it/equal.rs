//! Whatever is done to them, the store in memory and the one on disk give equal answers.

use proptest::prelude::*;
use tieline_store::{
    Attempt, ChangeSet, InboxId, InboxState, MemoryStore, Receipt, SqliteOptions, SqliteStore, Store,
    StoreError, Timer, verify,
};

use crate::sample::{Promise, at, outgoing, received, span};

#[derive(Clone, Debug)]
enum Step {
    Receive(u8, u8, u8),
    Commit(Vec<(u8, u8, u8)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6_u8, 0..3_u8, 0..2_u8).prop_map(|(id, conversation, body)| Step::Receive(
            id,
            conversation,
            body
        )),
        prop::collection::vec((0..11_u8, 0..4_u8, 0..4_u8), 1..6).prop_map(Step::Commit),
    ];
    prop::collection::vec(step, 1..20)
}

fn change_set(changes: &[(u8, u8, u8)]) -> ChangeSet {
    let mut set = ChangeSet::new();
    for &(what, one, two) in changes {
        let (name, id, when) = (one.to_string(), i64::from(one) + 1, at(i64::from(two) * 10));
        let attempted = |attempt| (id, when, attempt);
        let promise = Promise { open: two % 2 == 0, ..Promise::new(&name, i64::from(two)) };
        match what {
            0 => set.send(outgoing(&name, &two.to_string())),
            1 => {
                let (id, at, attempt) = attempted(Attempt::Delivered);
                set.attempted(id, at, attempt)
            }
            2 => {
                let (id, at, attempt) =
                    attempted(Attempt::Retry { at: when, cause: "busy".to_owned(), refused: true });
                set.attempted(id, at, attempt)
            }
            3 => {
                let (id, at, attempt) = attempted(Attempt::Failed { cause: "gone".to_owned() });
                set.attempted(id, at, attempt)
            }
            4 => set.set_timer(Timer::new("limit", &name, when)),
            5 => set.clear_timer(Timer::new("limit", &name, when)),
            6 => set.answered(InboxId(id)),
            7 => set.processed(InboxId(id)),
            8 => set.failed(InboxId(id), (two != 0).then_some(when), "no"),
            9 => set.put(&promise).unwrap(),
            _ => set.replace(&promise, i64::from(two)).unwrap(),
        };
    }
    set
}

async fn receipt(store: &dyn Store, id: u8, conversation: u8, body: u8) -> Receipt {
    let mut message = received(&id.to_string(), &conversation.to_string(), &body.to_string());
    // The same identifier from another peer, or for another recipient, is another message.
    if id.is_multiple_of(3) {
        "0".clone_into(&mut message.message_id);
        message.peer = format!("dso{}.example", conversation % 2);
        message.recipient = format!("agr{}.example", id % 2);
    }
    store.receive(message).await.unwrap()
}

async fn applied(store: &dyn Store, changes: &[(u8, u8, u8)]) -> Result<(), String> {
    match store.commit(change_set(changes)).await {
        Ok(()) => Ok(()),
        Err(refused @ StoreError::Conflict { .. }) => Err(refused.to_string()),
        Err(failed) => panic!("{failed}"),
    }
}

/// All answers of a store, as text.
async fn answers(store: &dyn Store) -> Vec<String> {
    let subject = Promise::new("", 0).point;
    let mut said = Vec::new();
    for now in [at(-1), at(0), at(10), at(25), at(100)] {
        for state in [InboxState::Received, InboxState::Answered] {
            said.push(format!("{:?}", store.inbox_due(state, now, 5).await.unwrap()));
            said.push(format!("{:?}", store.inbox_next_due(state, now).await.unwrap()));
        }
        said.push(format!("{:?}", store.outbox_due(now, 5).await.unwrap()));
        said.push(format!("{:?}", store.timers_due(now, 5).await.unwrap()));
    }
    said.push(format!("{:?}", store.outbox_next_due().await.unwrap()));
    said.push(format!("{:?}", store.timers_next_due().await.unwrap()));
    said.push(format!("{:?}", store.inbox_backlog().await.unwrap()));
    for name in ["0", "1", "2", "3"] {
        said.push(format!("{:?}", store.timer("limit", name).await.unwrap()));
        said.push(format!("{:?}", store.raw_record("promise", name).await.unwrap()));
    }
    said.push(format!("{:?}", store.raw_open_records("promise").await.unwrap()));
    for within in [None, Some(span(0, 1)), Some(span(900, 901))] {
        said.push(format!("{:?}", store.raw_records_of("promise", &subject, within).await.unwrap()));
    }
    said.push(format!("{:?}", store.journal(0, usize::MAX).await.unwrap()));
    said.push(format!("{:?}", verify(store).await.unwrap()));
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_disk_answer_alike(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memory = MemoryStore::new();
            let disk = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
            for step in &steps {
                match step {
                    Step::Receive(id, conversation, body) => assert_eq!(
                        receipt(&memory, *id, *conversation, *body).await,
                        receipt(&disk, *id, *conversation, *body).await,
                    ),
                    Step::Commit(changes) => {
                        assert_eq!(applied(&memory, changes).await, applied(&disk, changes).await);
                    }
                }
                assert_eq!(memory.inbox_backlog().await.unwrap(), disk.inbox_backlog().await.unwrap());
                assert_eq!(memory.journal_end().await.unwrap(), disk.journal_end().await.unwrap());
            }
            assert_eq!(answers(&memory).await, answers(&disk).await);
            drop(disk);
            let reopened = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
            assert_eq!(answers(&memory).await, answers(&reopened).await);
        });
    }
}
