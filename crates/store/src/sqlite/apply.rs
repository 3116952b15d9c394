//! Every change, as it is written.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::tally::Tally;
use crate::change_set::{received_entry, sent_entry};
use crate::instant::nanoseconds;
use crate::journal::{NewEntry, chain, content};
use crate::{
    Attempt, Change, ChangeSet, InboxId, InboxState, Outgoing, RawRecord, Receipt, Received, StoreError,
    Timer, Version,
};

/// A received message with all that can be worked out before it is the writer's turn.
pub(super) struct Arrival {
    received: Received,
    body_hash: [u8; 32],
    entry: NewEntry,
    content: [u8; 32],
}

impl Arrival {
    pub(super) fn new(received: Received) -> Self {
        let entry = received_entry(&received);
        Self { body_hash: Sha256::digest(&received.body).into(), content: content(&entry), entry, received }
    }
}

pub(super) fn receive(
    connection: &Connection,
    tally: &mut Tally,
    arrival: &Arrival,
) -> Result<Receipt, StoreError> {
    let Arrival { received, body_hash, .. } = arrival;
    let sql = "INSERT INTO inbox (protocol, peer, recipient, message_id, conversation, label, body_hash, note, \
               received_at, state, due, journal, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?9, ?10, \
               NOT EXISTS (SELECT 1 FROM inbox WHERE state < 2 AND peer = ?2 AND conversation = ?5)) \
               ON CONFLICT (protocol, peer, recipient, message_id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        received.protocol,
        received.peer,
        received.recipient,
        received.message_id,
        received.conversation,
        received.label,
        body_hash.as_slice(),
        received.note,
        nanoseconds(received.received_at),
        (tally.length + 1).cast_signed(),
    ])?;
    if inserted == 0 {
        return known(connection, received, *body_hash);
    }
    let id = InboxId(connection.last_insert_rowid());
    tally.backlog += 1;
    journalise(connection, tally, &arrival.entry, &arrival.content)?;
    Ok(Receipt::New(id))
}

fn known(connection: &Connection, received: &Received, body_hash: [u8; 32]) -> Result<Receipt, StoreError> {
    let sql = "SELECT id, body_hash, state FROM inbox \
               WHERE protocol = ?1 AND peer = ?2 AND recipient = ?3 AND message_id = ?4";
    let key = params![received.protocol, received.peer, received.recipient, received.message_id];
    let (id, hash, state): (i64, Vec<u8>, i64) =
        connection.prepare_cached(sql)?.query_row(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let state = InboxState::from_code(state).ok_or_else(|| StoreError::Damaged {
        table: "inbox",
        key: id.to_string(),
        cause: format!("{state} is no state"),
    })?;
    let id = InboxId(id);
    Ok(if hash == body_hash {
        Receipt::AlreadySubmitted { id, state }
    } else {
        Receipt::DuplicateIdentifier { id }
    })
}

pub(super) fn commit(
    connection: &Connection,
    tally: &mut Tally,
    changes: ChangeSet,
) -> Result<(), StoreError> {
    for change in changes.into_changes() {
        match change {
            Change::Put { record, replaces } => put(connection, record, replaces)?,
            Change::Send(outgoing) => send(connection, tally, &outgoing)?,
            Change::Attempted { id, at, attempt } => attempted(connection, id, at, attempt)?,
            Change::SetTimer(timer) => set_timer(connection, &timer)?,
            Change::ClearTimer(timer) => clear_timer(connection, &timer)?,
            Change::Answered(id) => step(connection, id, InboxState::Answered).map(drop)?,
            Change::Processed(id) => tally.backlog -= step(connection, id, InboxState::Done)?,
            Change::Failed { id, retry_at, cause } => {
                let moved = failed(connection, id, retry_at, &cause)?;
                if retry_at.is_none() {
                    tally.backlog -= moved;
                }
            }
            Change::Journal(entry) => journalise(connection, tally, &entry, &content(&entry))?,
        }
    }
    Ok(())
}

fn put(connection: &Connection, record: RawRecord, replaces: Option<Version>) -> Result<(), StoreError> {
    let sql = "SELECT version FROM record WHERE kind = ?1 AND key = ?2";
    let found: Option<Version> = connection
        .prepare_cached(sql)?
        .query_row(params![record.kind, record.key], |row| row.get(0))
        .optional()?;
    let version = found.unwrap_or(0);
    if replaces.is_some_and(|replaced| replaced != version) {
        return Err(StoreError::Conflict { kind: record.kind, key: record.key });
    }
    let sql = "INSERT INTO record (kind, key, subject, span_start, span_end, open, version, body) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
               ON CONFLICT (kind, key) DO UPDATE SET subject = ?3, span_start = ?4, span_end = ?5, open = ?6, \
               version = ?7, body = ?8";
    connection.prepare_cached(sql)?.execute(params![
        record.kind,
        record.key,
        record.subject,
        record.span.map(|span| nanoseconds(span.start())),
        record.span.map(|span| nanoseconds(span.end())),
        record.open,
        version + 1,
        record.body,
    ])?;
    Ok(())
}

fn send(connection: &Connection, tally: &mut Tally, outgoing: &Outgoing) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox (protocol, recipient, conversation, message_id, label, journal, made_at, deadline, due, head) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, \
               NOT EXISTS (SELECT 1 FROM outbox WHERE state = 0 AND recipient = ?2 AND conversation = ?3)) ON CONFLICT (protocol, message_id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        outgoing.protocol,
        outgoing.recipient,
        outgoing.conversation,
        outgoing.message_id,
        outgoing.label,
        (tally.length + 1).cast_signed(),
        nanoseconds(outgoing.made_at),
        nanoseconds(outgoing.deadline),
    ])?;
    if inserted == 0 {
        return Ok(());
    }
    let entry = sent_entry(outgoing);
    journalise(connection, tally, &entry, &content(&entry))
}

fn attempted(connection: &Connection, id: i64, at: Timestamp, attempt: Attempt) -> Result<(), StoreError> {
    let (state, due, cause, refused) = match attempt {
        Attempt::Delivered => (1, None, None, false),
        Attempt::Retry { at, cause, refused } => (0, Some(nanoseconds(at)), Some(cause), refused),
        Attempt::Failed { cause } => (2, None, Some(cause), false),
    };
    let ended = (state != 0).then(|| nanoseconds(at));
    let sql = "UPDATE outbox SET attempts = attempts + 1, state = ?2, due = COALESCE(?3, due), cause = ?4, \
               ended_at = ?5, refused = IIF(?6, refused + 1, 0) WHERE id = ?1 AND state = 0";
    let changed = connection.prepare_cached(sql)?.execute(params![id, state, due, cause, ended, refused])?;
    if changed > 0 && state != 0 {
        let sql = "UPDATE outbox SET head = 1 WHERE id = (SELECT MIN(later.id) FROM outbox AS ended \
                   JOIN outbox AS later ON later.recipient = ended.recipient \
                   AND later.conversation = ended.conversation AND later.state = 0 WHERE ended.id = ?1)";
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

fn set_timer(connection: &Connection, timer: &Timer) -> Result<(), StoreError> {
    let sql = "INSERT INTO timer (kind, subject, due) VALUES (?1, ?2, ?3) \
               ON CONFLICT (kind, subject) DO UPDATE SET due = ?3";
    connection.prepare_cached(sql)?.execute(params![timer.kind, timer.subject, nanoseconds(timer.due)])?;
    Ok(())
}

fn clear_timer(connection: &Connection, timer: &Timer) -> Result<(), StoreError> {
    let sql = "DELETE FROM timer WHERE kind = ?1 AND subject = ?2 AND due = ?3";
    connection.prepare_cached(sql)?.execute(params![timer.kind, timer.subject, nanoseconds(timer.due)])?;
    Ok(())
}

/// Gives how many messages it changed: 1, or 0 for one that is done with.
fn step(connection: &Connection, id: InboxId, state: InboxState) -> Result<u64, StoreError> {
    let sql = "UPDATE inbox SET state = ?2, attempts = 0, due = received_at, cause = NULL WHERE id = ?1 AND state < 2";
    let changed = connection.prepare_cached(sql)?.execute(params![id.0, state.code()])?;
    if changed > 0 && !state.is_waiting() {
        next_in_line(connection, id)?;
    }
    Ok(changed as u64)
}

/// A message that waits no more gives its place to the next one of its conversation.
fn next_in_line(connection: &Connection, done: InboxId) -> Result<(), StoreError> {
    let sql = "UPDATE inbox SET head = 1 WHERE id = (SELECT MIN(later.id) FROM inbox AS done \
               JOIN inbox AS later ON later.peer = done.peer AND later.conversation = done.conversation \
               AND later.state < 2 WHERE done.id = ?1)";
    connection.prepare_cached(sql)?.execute([done.0])?;
    Ok(())
}

/// Gives how many messages it changed: 1, or 0 for one that is done with.
fn failed(
    connection: &Connection,
    id: InboxId,
    retry_at: Option<Timestamp>,
    cause: &str,
) -> Result<u64, StoreError> {
    let sql = "UPDATE inbox SET attempts = attempts + 1, cause = ?2, due = COALESCE(?3, due), \
               state = CASE WHEN ?3 IS NULL THEN ?4 ELSE state END WHERE id = ?1 AND state < 2";
    let set_aside = InboxState::SetAside.code();
    let params = params![id.0, cause, retry_at.map(nanoseconds), set_aside];
    let changed = connection.prepare_cached(sql)?.execute(params)?;
    if changed > 0 && retry_at.is_none() {
        next_in_line(connection, id)?;
    }
    Ok(changed as u64)
}

fn journalise(
    connection: &Connection,
    tally: &mut Tally,
    entry: &NewEntry,
    content: &[u8; 32],
) -> Result<(), StoreError> {
    let sequence = tally.length + 1;
    let hash = chain(&tally.hash, sequence, content);
    let bytes: &Bytes = &entry.bytes;
    let sql = "INSERT INTO journal (sequence, at, direction, protocol, peer, label, message_id, conversation, bytes, hash) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        sequence.cast_signed(),
        nanoseconds(entry.at),
        entry.direction.code(),
        entry.protocol,
        entry.peer,
        entry.label,
        entry.message_id,
        entry.conversation,
        &bytes[..],
        hash.as_slice(),
    ])?;
    tally.length = sequence;
    tally.hash = hash;
    Ok(())
}
