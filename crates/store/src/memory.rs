use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use tieline_types::TimeSpan;

use crate::change_set::{received_entry, sent_entry};
use crate::instant::kept;
use crate::journal::{NewEntry, chain, content};
use crate::store::BoxFuture;
use crate::{
    Attempt, Besides, Change, ChangeSet, Direction, InboxEntry, InboxId, InboxState, JournalEntry,
    MessageName, OutboxEntry, OutboxState, Outgoing, RawRecord, Receipt, Received, Store, StoreError, Stored,
    Timer, Verified, Version,
};

/// A store that forgets everything when it is dropped: for tests.
#[derive(Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    inbox: BTreeMap<i64, InboxRow>,
    outbox: BTreeMap<i64, OutboxRow>,
    timers: BTreeMap<(String, String), Timestamp>,
    records: BTreeMap<(&'static str, String), (RawRecord, Version)>,
    journal: Vec<JournalEntry>,
}

struct InboxRow {
    entry: InboxEntry,
    body: Bytes,
    due: Timestamp,
}

struct OutboxRow {
    entry: OutboxEntry,
    due: Timestamp,
    state: OutboxState,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl Tables {
    fn receive(&mut self, received: Received) -> Receipt {
        let same = |row: &&InboxRow| {
            let entry = &row.entry;
            entry.protocol == received.protocol
                && entry.peer == received.peer
                && entry.recipient == received.recipient
                && entry.message_id == received.message_id
        };
        if let Some(InboxRow { entry, body, .. }) = self.inbox.values().find(same) {
            return if *body == received.body {
                Receipt::AlreadySubmitted { id: entry.id, state: entry.state }
            } else {
                Receipt::DuplicateIdentifier { id: entry.id }
            };
        }
        self.journalise(received_entry(&received));
        let id = InboxId(next_id(&self.inbox));
        let entry = InboxEntry {
            id,
            protocol: received.protocol.to_owned(),
            peer: received.peer,
            recipient: received.recipient,
            message_id: received.message_id,
            conversation: received.conversation,
            label: received.label,
            raw: received.raw,
            note: received.note,
            received_at: kept(received.received_at),
            state: InboxState::Received,
            attempts: 0,
        };
        self.inbox.insert(id.0, InboxRow { due: entry.received_at, entry, body: received.body });
        Receipt::New(id)
    }

    /// Whether each record replaces the version that it should. Nothing else in a change set can be refused.
    fn check(&self, changes: &ChangeSet) -> Result<(), StoreError> {
        let mut versions: BTreeMap<(&str, &str), Version> = BTreeMap::new();
        for change in changes.changes() {
            let Change::Put { record, replaces } = change else { continue };
            let version = versions
                .entry((record.kind, &record.key))
                .or_insert_with(|| self.version(record.kind, record.key.clone()));
            if replaces.is_some_and(|replaced| replaced != *version) {
                return Err(StoreError::Conflict { kind: record.kind, key: record.key.clone() });
            }
            *version += 1;
        }
        Ok(())
    }

    fn version(&self, kind: &'static str, key: String) -> Version {
        self.records.get(&(kind, key)).map_or(0, |(_, version)| *version)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Put { record, .. } => self.put(record),
            Change::Send(outgoing) => self.send(outgoing),
            Change::Attempted { id, at: _, attempt } => self.attempted(id, &attempt),
            Change::SetTimer(timer) => {
                self.timers.insert((timer.kind, timer.subject), kept(timer.due));
            }
            Change::ClearTimer(timer) => {
                let key = (timer.kind, timer.subject);
                if self.timers.get(&key) == Some(&kept(timer.due)) {
                    self.timers.remove(&key);
                }
            }
            Change::Answered(id) => self.step(id, InboxState::Answered),
            Change::Processed(id) => self.step(id, InboxState::Done),
            Change::Failed { id, retry_at, .. } => {
                if let Some(row) = self.inbox.get_mut(&id.0).filter(|row| row.entry.state.is_waiting()) {
                    row.entry.attempts += 1;
                    match retry_at {
                        Some(at) => row.due = kept(at),
                        None => row.entry.state = InboxState::SetAside,
                    }
                }
            }
            Change::Journal(entry) => self.journalise(entry),
        }
    }

    fn put(&mut self, record: RawRecord) {
        let version = self.version(record.kind, record.key.clone()) + 1;
        self.records.insert((record.kind, record.key.clone()), (record, version));
    }

    fn send(&mut self, outgoing: Outgoing) {
        let known = |row: &OutboxRow| {
            row.entry.protocol == outgoing.protocol && row.entry.message_id == outgoing.message_id
        };
        if self.outbox.values().any(known) {
            return;
        }
        self.journalise(sent_entry(&outgoing));
        let id = next_id(&self.outbox);
        let entry = OutboxEntry {
            id,
            protocol: outgoing.protocol.to_owned(),
            recipient: outgoing.recipient,
            conversation: outgoing.conversation,
            message_id: outgoing.message_id,
            label: outgoing.label,
            body: outgoing.body,
            deadline: kept(outgoing.deadline),
            attempts: 0,
            refused: 0,
        };
        self.outbox.insert(id, OutboxRow { entry, due: kept(outgoing.made_at), state: OutboxState::Pending });
    }

    fn attempted(&mut self, id: i64, attempt: &Attempt) {
        let Some(row) = self.outbox.get_mut(&id).filter(|row| row.state == OutboxState::Pending) else {
            return;
        };
        row.entry.attempts += 1;
        match attempt {
            Attempt::Delivered => row.state = OutboxState::Delivered,
            Attempt::Retry { at, refused, .. } => {
                row.entry.refused = if *refused { row.entry.refused + 1 } else { 0 };
                row.due = kept(*at);
            }
            Attempt::Failed { .. } => row.state = OutboxState::Failed,
        }
    }

    fn step(&mut self, id: InboxId, state: InboxState) {
        if let Some(row) = self.inbox.get_mut(&id.0).filter(|row| row.entry.state.is_waiting()) {
            row.entry.state = state;
            row.entry.attempts = 0;
            row.due = row.entry.received_at;
        }
    }

    fn journalise(&mut self, mut entry: NewEntry) {
        entry.at = kept(entry.at);
        let before = self.journal.last().map_or([0; 32], |last| last.hash);
        let sequence = self.journal.len() as u64 + 1;
        let hash = chain(&before, sequence, &content(&entry));
        self.journal.push(JournalEntry { sequence, entry, hash });
    }

    /// The oldest waiting message of each conversation, the one that is due first before the others.
    fn inbox_heads(&self) -> impl Iterator<Item = &InboxRow> {
        let mut seen = BTreeSet::new();
        let waiting = self.inbox.values().filter(|row| row.entry.state.is_waiting());
        let mut heads: Vec<_> =
            waiting.filter(|row| seen.insert((&row.entry.peer, &row.entry.conversation))).collect();
        heads.sort_by_key(|row| (row.due, row.entry.id));
        heads.into_iter()
    }

    /// The oldest pending message of each recipient and conversation, the one that is due first before the others.
    fn outbox_heads(&self) -> impl Iterator<Item = &OutboxRow> {
        let mut seen = BTreeSet::new();
        let pending = self.outbox.values().filter(|row| row.state == OutboxState::Pending);
        let mut heads: Vec<_> =
            pending.filter(|row| seen.insert((&row.entry.recipient, &row.entry.conversation))).collect();
        heads.sort_by_key(|row| (row.due, row.entry.id));
        heads.into_iter()
    }

    fn records(&self, kind: &'static str, wanted: impl Fn(&RawRecord) -> bool) -> Vec<Stored<RawRecord>> {
        self.records
            .range((kind, String::new())..)
            .take_while(|((found, _), _)| *found == kind)
            .filter(|(_, (record, _))| wanted(record))
            .map(|(_, (record, version))| Stored { value: record.clone(), version: *version })
            .collect()
    }
}

fn next_id<T>(rows: &BTreeMap<i64, T>) -> i64 {
    rows.last_key_value().map_or(1, |(id, _)| id + 1)
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(ready(Ok(value)))
}

impl Store for MemoryStore {
    fn receive(&self, received: Received) -> BoxFuture<'_, Receipt> {
        done(self.tables().receive(received))
    }

    fn commit(&self, changes: ChangeSet) -> BoxFuture<'_, ()> {
        let mut tables = self.tables();
        let checked = tables.check(&changes);
        if checked.is_ok() {
            changes.into_changes().into_iter().for_each(|change| tables.apply(change));
        }
        Box::pin(ready(checked))
    }

    fn inbox_due(&self, state: InboxState, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<InboxEntry>> {
        let tables = self.tables();
        done(
            tables
                .inbox_heads()
                .filter(|row| row.entry.state == state && row.due <= now)
                .take(limit)
                .map(|row| row.entry.clone())
                .collect(),
        )
    }

    fn inbox_next_due(&self, state: InboxState, now: Timestamp) -> BoxFuture<'_, Option<Timestamp>> {
        let tables = self.tables();
        let resting = tables.inbox_heads().filter(|row| row.entry.state == state && row.due > now);
        done(resting.map(|row| row.due).min())
    }

    fn inbox_backlog(&self) -> BoxFuture<'_, u64> {
        let waiting = self.tables().inbox.values().filter(|row| row.entry.state.is_waiting()).count();
        done(waiting as u64)
    }

    fn outbox_due_besides(
        &self,
        now: Timestamp,
        limit: usize,
        besides: Besides,
    ) -> BoxFuture<'_, Vec<OutboxEntry>> {
        let tables = self.tables();
        let heads = tables.outbox_heads().filter(|row| !besides.leaves_out(&row.entry));
        let mut due: Vec<_> = heads.map(|row| (besides.due(&row.entry, row.due), &row.entry)).collect();
        due.retain(|(due, _)| *due <= now);
        due.sort_by_key(|(due, entry)| (*due, entry.id));
        done(due.into_iter().take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    fn outbox_next_due_besides(&self, besides: Besides) -> BoxFuture<'_, Option<Timestamp>> {
        let tables = self.tables();
        let heads = tables.outbox_heads().filter(|row| !besides.leaves_out(&row.entry));
        done(heads.map(|row| besides.due(&row.entry, row.due)).min())
    }

    fn message<'a>(&'a self, named: &'a MessageName) -> BoxFuture<'a, Option<Bytes>> {
        let tables = self.tables();
        let MessageName { direction, protocol, peer, message_id } = named;
        done(match direction {
            Direction::Received => tables.inbox.values().map(|row| &row.entry).find_map(|entry| {
                let same =
                    entry.protocol == *protocol && entry.peer == *peer && entry.message_id == *message_id;
                same.then(|| entry.raw.clone())
            }),
            Direction::Sent => tables.outbox.values().map(|row| &row.entry).find_map(|entry| {
                let same = entry.protocol == *protocol && entry.recipient == *peer;
                (same && entry.message_id == *message_id).then(|| entry.body.clone())
            }),
            Direction::Decision => None,
        })
    }

    fn timers_due(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<Timer>> {
        let tables = self.tables();
        let mut due: Vec<_> = tables
            .timers
            .iter()
            .filter(|(_, due)| **due <= now)
            .map(|((kind, subject), due)| Timer::new(kind, subject, *due))
            .collect();
        due.sort_by(|one, other| {
            (one.due, &one.kind, &one.subject).cmp(&(other.due, &other.kind, &other.subject))
        });
        due.truncate(limit);
        done(due)
    }

    fn timers_next_due(&self) -> BoxFuture<'_, Option<Timestamp>> {
        done(self.tables().timers.values().min().copied())
    }

    fn timer<'a>(&'a self, kind: &'a str, subject: &'a str) -> BoxFuture<'a, Option<Timer>> {
        let due = self.tables().timers.get(&(kind.to_owned(), subject.to_owned())).copied();
        done(due.map(|due| Timer::new(kind, subject, due)))
    }

    fn raw_record<'a>(
        &'a self,
        kind: &'static str,
        key: &'a str,
    ) -> BoxFuture<'a, Option<Stored<RawRecord>>> {
        let tables = self.tables();
        let found = tables.records.get(&(kind, key.to_owned()));
        done(found.map(|(record, version)| Stored { value: record.clone(), version: *version }))
    }

    fn raw_records_of<'a>(
        &'a self,
        kind: &'static str,
        subject: &'a str,
        within: Option<TimeSpan>,
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>> {
        done(self.tables().records(kind, |record| {
            record.subject == subject
                && within.is_none_or(|within| record.span.is_some_and(|span| span.overlaps(within)))
        }))
    }

    fn raw_records<'a>(
        &'a self,
        kind: &'static str,
        keys: &'a [String],
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>> {
        done(self.tables().records(kind, |record| keys.contains(&record.key)))
    }

    fn raw_latest_records<'a>(
        &'a self,
        kind: &'static str,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>> {
        let tables = self.tables();
        if from >= to {
            return done(Vec::new());
        }
        let found = tables.records.range((kind, from.to_owned())..(kind, to.to_owned())).rev();
        let stored = |(_, (record, version)): (_, &(RawRecord, Version))| Stored {
            value: record.clone(),
            version: *version,
        };
        done(found.take(limit).map(stored).collect())
    }

    fn raw_open_records(&self, kind: &'static str) -> BoxFuture<'_, Vec<Stored<RawRecord>>> {
        done(self.tables().records(kind, |record| record.open))
    }

    fn journal(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<JournalEntry>> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        done(self.tables().journal.iter().skip(skip).take(limit).cloned().collect())
    }

    fn journal_end(&self) -> BoxFuture<'_, Verified> {
        let tables = self.tables();
        let head = tables.journal.last().map_or([0; 32], |last| last.hash);
        done(Verified { entries: tables.journal.len() as u64, head })
    }
}
