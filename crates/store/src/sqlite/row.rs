//! How instants and entries stand in rows.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Row;
use tieline_types::TimeSpan;

use crate::journal::{Direction, NewEntry};
use crate::{
    InboxEntry, InboxId, InboxState, JournalEntry, OutboxEntry, RawRecord, StoreError, Stored, Timer,
};

pub(super) fn instant(nanoseconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|cause| cause.to_string())
}

fn damaged(table: &'static str, key: impl std::fmt::Display) -> impl FnOnce(String) -> StoreError {
    let key = key.to_string();
    move |cause| StoreError::Damaged { table, key, cause }
}

pub(super) const INBOX: &str = "id, protocol, peer, recipient, message_id, conversation, label, body, note, \
     received_at, state, attempts, (SELECT bytes FROM journal WHERE sequence = inbox.journal)";

pub(super) fn inbox(row: &Row<'_>) -> Result<InboxEntry, StoreError> {
    let id: i64 = row.get(0)?;
    let state: i64 = row.get(10)?;
    Ok(InboxEntry {
        id: InboxId(id),
        protocol: row.get(1)?,
        peer: row.get(2)?,
        recipient: row.get(3)?,
        message_id: row.get(4)?,
        conversation: row.get(5)?,
        label: row.get(6)?,
        raw: Bytes::from(row.get::<_, Vec<u8>>(12)?),
        body: Bytes::from(row.get::<_, Vec<u8>>(7)?),
        note: row.get(8)?,
        received_at: instant(row.get(9)?).map_err(damaged("inbox", id))?,
        state: InboxState::from_code(state)
            .ok_or_else(|| damaged("inbox", id)(format!("{state} is no state")))?,
        attempts: row.get(11)?,
    })
}

pub(super) const OUTBOX: &str =
    "id, protocol, recipient, conversation, message_id, label, body, deadline, attempts";

pub(super) fn outbox(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let id: i64 = row.get(0)?;
    Ok(OutboxEntry {
        id,
        protocol: row.get(1)?,
        recipient: row.get(2)?,
        conversation: row.get(3)?,
        message_id: row.get(4)?,
        label: row.get(5)?,
        body: Bytes::from(row.get::<_, Vec<u8>>(6)?),
        deadline: instant(row.get(7)?).map_err(damaged("outbox", id))?,
        attempts: row.get(8)?,
    })
}

pub(super) fn timer(row: &Row<'_>) -> Result<Timer, StoreError> {
    let (kind, subject): (String, String) = (row.get(0)?, row.get(1)?);
    let due = instant(row.get(2)?).map_err(damaged("timer", format!("{kind} {subject}")))?;
    Ok(Timer { kind, subject, due })
}

pub(super) const RECORD: &str = "key, subject, span_start, span_end, open, version, body";

pub(super) fn record(kind: &'static str, row: &Row<'_>) -> Result<Stored<RawRecord>, StoreError> {
    let key: String = row.get(0)?;
    let span = match (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<i64>>(3)?) {
        (Some(start), Some(end)) => {
            let start = instant(start).map_err(damaged(kind, &key))?;
            let end = instant(end).map_err(damaged(kind, &key))?;
            TimeSpan::new(start, end)
        }
        _ => None,
    };
    Ok(Stored {
        value: RawRecord { kind, subject: row.get(1)?, span, open: row.get(4)?, body: row.get(6)?, key },
        version: row.get(5)?,
    })
}

pub(super) fn journal(row: &Row<'_>) -> Result<JournalEntry, StoreError> {
    let sequence: i64 = row.get(0)?;
    let wrong = |cause: &str| damaged("journal", sequence)(cause.to_owned());
    let hash: Vec<u8> = row.get(9)?;
    Ok(JournalEntry {
        sequence: u64::try_from(sequence).map_err(|_| wrong("its number is negative"))?,
        entry: NewEntry {
            at: instant(row.get(1)?).map_err(damaged("journal", sequence))?,
            direction: Direction::from_code(row.get(2)?).ok_or_else(|| wrong("it went no known way"))?,
            protocol: row.get(3)?,
            peer: row.get(4)?,
            label: row.get(5)?,
            message_id: row.get(6)?,
            conversation: row.get(7)?,
            bytes: Bytes::from(row.get::<_, Vec<u8>>(8)?),
        },
        hash: hash.try_into().map_err(|_| wrong("its hash has not 32 bytes"))?,
    })
}
