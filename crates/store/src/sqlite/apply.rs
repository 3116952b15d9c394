//! Every change, as it is written.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::row::nanoseconds;
use crate::change_set::{received_entry, sent_entry};
use crate::journal::{NewEntry, chain};
use crate::{
    Attempt, Change, ChangeSet, InboxId, InboxState, Outgoing, RawRecord, Receipt, Received, StoreError,
    Timer, Version,
};

/// The end of the journal as the writer last wrote it.
#[derive(Clone, Copy)]
pub(super) struct JournalEnd {
    pub(super) length: u64,
    pub(super) hash: [u8; 32],
}

impl JournalEnd {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let (length, hash): (i64, Vec<u8>) =
            connection.query_row("SELECT length, hash FROM journal_end", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let hash = hash.try_into().map_err(|_| StoreError::Damaged {
            table: "journal_end",
            key: "1".to_owned(),
            cause: "its hash has not 32 bytes".to_owned(),
        })?;
        Ok(Self { length: length.cast_unsigned(), hash })
    }

    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "UPDATE journal_end SET length = ?1, hash = ?2";
        connection.prepare_cached(sql)?.execute(params![self.length.cast_signed(), self.hash.as_slice()])?;
        Ok(())
    }
}

pub(super) fn receive(
    connection: &Connection,
    end: &mut JournalEnd,
    received: &Received,
) -> Result<Receipt, StoreError> {
    let body_hash: [u8; 32] = Sha256::digest(&received.body).into();
    let sql = "INSERT INTO inbox (protocol, peer, recipient, message_id, conversation, label, body, body_hash, note, \
               received_at, state, due, journal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?10, ?11) \
               ON CONFLICT (protocol, peer, recipient, message_id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        received.protocol,
        received.peer,
        received.recipient,
        received.message_id,
        received.conversation,
        received.label,
        &received.body[..],
        body_hash.as_slice(),
        received.note,
        nanoseconds(received.received_at),
        (end.length + 1).cast_signed(),
    ])?;
    if inserted == 0 {
        return known(connection, received, body_hash);
    }
    let id = InboxId(connection.last_insert_rowid());
    journalise(connection, end, &received_entry(received))?;
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
    end: &mut JournalEnd,
    changes: ChangeSet,
) -> Result<(), StoreError> {
    for change in changes.into_changes() {
        match change {
            Change::Put { record, replaces } => put(connection, record, replaces)?,
            Change::Send(outgoing) => send(connection, end, &outgoing)?,
            Change::Attempted { id, at, attempt } => attempted(connection, id, at, attempt)?,
            Change::SetTimer(timer) => set_timer(connection, &timer)?,
            Change::ClearTimer(timer) => clear_timer(connection, &timer)?,
            Change::Answered(id) => step(connection, id, InboxState::Answered)?,
            Change::Processed(id) => step(connection, id, InboxState::Done)?,
            Change::Failed { id, retry_at, cause } => failed(connection, id, retry_at, &cause)?,
            Change::Journal(entry) => journalise(connection, end, &entry)?,
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

fn send(connection: &Connection, end: &mut JournalEnd, outgoing: &Outgoing) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox (protocol, recipient, conversation, message_id, label, body, made_at, deadline, due) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7) ON CONFLICT (protocol, message_id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        outgoing.protocol,
        outgoing.recipient,
        outgoing.conversation,
        outgoing.message_id,
        outgoing.label,
        &outgoing.body[..],
        nanoseconds(outgoing.made_at),
        nanoseconds(outgoing.deadline),
    ])?;
    if inserted == 0 { Ok(()) } else { journalise(connection, end, &sent_entry(outgoing)) }
}

fn attempted(connection: &Connection, id: i64, at: Timestamp, attempt: Attempt) -> Result<(), StoreError> {
    let (state, due, cause) = match attempt {
        Attempt::Delivered => (1, None, None),
        Attempt::Retry { at, cause } => (0, Some(nanoseconds(at)), Some(cause)),
        Attempt::Failed { cause } => (2, None, Some(cause)),
    };
    let ended = (state != 0).then(|| nanoseconds(at));
    let sql = "UPDATE outbox SET attempts = attempts + 1, state = ?2, due = COALESCE(?3, due), cause = ?4, \
               ended_at = ?5 WHERE id = ?1 AND state = 0";
    connection.prepare_cached(sql)?.execute(params![id, state, due, cause, ended])?;
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

fn step(connection: &Connection, id: InboxId, state: InboxState) -> Result<(), StoreError> {
    let sql = "UPDATE inbox SET state = ?2, attempts = 0, due = received_at, cause = NULL WHERE id = ?1 AND state < 2";
    connection.prepare_cached(sql)?.execute(params![id.0, state.code()])?;
    Ok(())
}

fn failed(
    connection: &Connection,
    id: InboxId,
    retry_at: Option<Timestamp>,
    cause: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE inbox SET attempts = attempts + 1, cause = ?2, due = COALESCE(?3, due), \
               state = CASE WHEN ?3 IS NULL THEN ?4 ELSE state END WHERE id = ?1 AND state < 2";
    let set_aside = InboxState::SetAside.code();
    connection.prepare_cached(sql)?.execute(params![id.0, cause, retry_at.map(nanoseconds), set_aside])?;
    Ok(())
}

fn journalise(connection: &Connection, end: &mut JournalEnd, entry: &NewEntry) -> Result<(), StoreError> {
    let sequence = end.length + 1;
    let hash = chain(&end.hash, sequence, entry);
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
    *end = JournalEnd { length: sequence, hash };
    Ok(())
}
