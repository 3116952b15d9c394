//! How instants and entries stand in rows. What can't be read is named by its table and key.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use tieline_types::TimeSpan;

use crate::journal::{Direction, NewEntry};
use crate::{
    InboxEntry, InboxId, InboxState, JournalEntry, OutboxEntry, RawRecord, StoreError, Stored, Timer,
};

/// A row of a table; its first column is the key by which an error names it.
struct Fields<'a, 'row> {
    table: &'static str,
    row: &'a Row<'row>,
}

impl Fields<'_, '_> {
    fn read<T: FromSql>(&self, column: usize) -> Result<T, StoreError> {
        self.row.get(column).map_err(|cause| self.damaged(format!("column {column}: {cause}")))
    }

    fn bytes(&self, column: usize) -> Result<Bytes, StoreError> {
        self.read::<Vec<u8>>(column).map(Bytes::from)
    }

    /// The bytes that the journal holds for another table's row.
    fn journalled(&self, column: usize) -> Result<Bytes, StoreError> {
        let held: Option<Vec<u8>> = self.read(column)?;
        held.map(Bytes::from).ok_or_else(|| self.damaged("the journal's entry that holds it is not there"))
    }

    fn instant(&self, column: usize) -> Result<Timestamp, StoreError> {
        instant(self.read(column)?).map_err(|cause| self.damaged(format!("column {column}: {cause}")))
    }

    fn damaged(&self, cause: impl Into<String>) -> StoreError {
        let key = match self.row.get_ref(0) {
            Ok(ValueRef::Integer(number)) => number.to_string(),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => "without a key".to_owned(),
        };
        StoreError::Damaged { table: self.table, key, cause: cause.into() }
    }
}

pub(super) fn instant(nanoseconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|cause| cause.to_string())
}

pub(super) const INBOX: &str = "id, protocol, peer, recipient, message_id, conversation, label, note, \
     received_at, state, attempts, (SELECT bytes FROM journal WHERE sequence = inbox.journal)";

pub(super) fn inbox(row: &Row<'_>) -> Result<InboxEntry, StoreError> {
    let fields = Fields { table: "inbox", row };
    let state: i64 = fields.read(9)?;
    Ok(InboxEntry {
        id: InboxId(fields.read(0)?),
        protocol: fields.read(1)?,
        peer: fields.read(2)?,
        recipient: fields.read(3)?,
        message_id: fields.read(4)?,
        conversation: fields.read(5)?,
        label: fields.read(6)?,
        raw: fields.journalled(11)?,
        note: fields.read(7)?,
        received_at: fields.instant(8)?,
        state: InboxState::from_code(state).ok_or_else(|| fields.damaged(format!("{state} is no state")))?,
        attempts: fields.read(10)?,
    })
}

pub(super) const OUTBOX: &str = "id, protocol, recipient, conversation, message_id, label, deadline, attempts, \
     (SELECT bytes FROM journal WHERE sequence = outbox.journal), refused";

pub(super) fn outbox(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let fields = Fields { table: "outbox", row };
    Ok(OutboxEntry {
        id: fields.read(0)?,
        protocol: fields.read(1)?,
        recipient: fields.read(2)?,
        conversation: fields.read(3)?,
        message_id: fields.read(4)?,
        label: fields.read(5)?,
        body: fields.journalled(8)?,
        deadline: fields.instant(6)?,
        attempts: fields.read(7)?,
        refused: fields.read(9)?,
    })
}

/// The bytes of a message, in a row of its number and its bytes.
pub(super) fn message(table: &'static str, row: &Row<'_>) -> Result<Bytes, StoreError> {
    Fields { table, row }.journalled(1)
}

pub(super) const TIMER: &str = "subject, kind, due";

pub(super) fn timer(row: &Row<'_>) -> Result<Timer, StoreError> {
    let fields = Fields { table: "timer", row };
    Ok(Timer { kind: fields.read(1)?, subject: fields.read(0)?, due: fields.instant(2)? })
}

pub(super) const RECORD: &str = "key, subject, span_start, span_end, open, version, body";

pub(super) fn record(kind: &'static str, row: &Row<'_>) -> Result<Stored<RawRecord>, StoreError> {
    let fields = Fields { table: kind, row };
    let span = if fields.read::<Option<i64>>(2)?.is_some() && fields.read::<Option<i64>>(3)?.is_some() {
        TimeSpan::new(fields.instant(2)?, fields.instant(3)?)
    } else {
        None
    };
    Ok(Stored {
        value: RawRecord {
            kind,
            key: fields.read(0)?,
            subject: fields.read(1)?,
            span,
            open: fields.read(4)?,
            body: fields.read(6)?,
        },
        version: fields.read(5)?,
    })
}

pub(super) fn journal(row: &Row<'_>) -> Result<JournalEntry, StoreError> {
    let fields = Fields { table: "journal", row };
    let sequence: i64 = fields.read(0)?;
    let direction: i64 = fields.read(2)?;
    let hash: Vec<u8> = fields.read(9)?;
    Ok(JournalEntry {
        sequence: u64::try_from(sequence).map_err(|_| fields.damaged("its number is negative"))?,
        entry: NewEntry {
            at: fields.instant(1)?,
            direction: Direction::from_code(direction)
                .ok_or_else(|| fields.damaged(format!("{direction} is no direction")))?,
            protocol: fields.read(3)?,
            peer: fields.read(4)?,
            label: fields.read(5)?,
            message_id: fields.read(6)?,
            conversation: fields.read(7)?,
            bytes: fields.bytes(8)?,
        },
        hash: hash.try_into().map_err(|_| fields.damaged("its hash has not 32 bytes"))?,
    })
}
