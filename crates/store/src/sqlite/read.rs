//! Every question, as one statement.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, params};
use tieline_types::TimeSpan;

use super::row::{self, INBOX, OUTBOX, RECORD, TIMER};
use crate::instant::nanoseconds;
use crate::{
    Besides, Direction, InboxEntry, InboxState, JournalEntry, MessageName, OutboxEntry, RawRecord,
    StoreError, Stored, Timer,
};

fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn earliest(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    due.map(row::instant).transpose().map_err(|cause| StoreError::Damaged {
        table,
        key: "earliest due".to_owned(),
        cause,
    })
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The messages whose turn it is in their conversations. Each question names its index, so that its cost does not grow
/// with what waits behind them.
const INBOX_DUE: &str = "FROM inbox INDEXED BY inbox_heads WHERE state < 2 AND head = 1 \
     AND state = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?3";
const INBOX_RESTING: &str = "FROM inbox INDEXED BY inbox_heads WHERE state < 2 AND head = 1 \
     AND state = ?1 AND due > ?2";
const OUTBOX_HEADS: &str = "FROM outbox INDEXED BY outbox_heads WHERE state = 0 AND head = 1";

const BESIDES: &str = "AND id NOT IN (SELECT value FROM json_each(?1)) \
     AND recipient NOT IN (SELECT value FROM json_each(?2))";

/// Who is held is not delivered to; at its deadline a message is given up all the same.
const DUE_OR_DEADLINE: &str = "IIF(recipient IN (SELECT value FROM json_each(?3)), deadline, due)";

pub(super) fn inbox_due(
    connection: &Connection,
    state: InboxState,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<InboxEntry>, StoreError> {
    all(
        connection,
        &format!("SELECT {INBOX} {INBOX_DUE}"),
        params![state.code(), nanoseconds(now), limited(limit)],
        row::inbox,
    )
}

pub(super) fn inbox_next_due(
    connection: &Connection,
    state: InboxState,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    earliest(
        connection,
        "inbox",
        &format!("SELECT MIN(due) {INBOX_RESTING}"),
        params![state.code(), nanoseconds(now)],
    )
}

pub(super) fn outbox_due(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    besides: &Besides,
) -> Result<Vec<OutboxEntry>, StoreError> {
    let [under_way, recipients, held] = left_out(besides);
    let (now, limit) = (nanoseconds(now), limited(limit));
    if besides.held.is_empty() {
        let sql = format!("SELECT {OUTBOX} {OUTBOX_HEADS} {BESIDES} AND due <= ?3 ORDER BY due, id LIMIT ?4");
        return all(connection, &sql, params![under_way, recipients, now, limit], row::outbox);
    }
    let sql = format!(
        "SELECT {OUTBOX} {OUTBOX_HEADS} {BESIDES} AND {DUE_OR_DEADLINE} <= ?4 ORDER BY {DUE_OR_DEADLINE}, id LIMIT ?5"
    );
    all(connection, &sql, params![under_way, recipients, held, now, limit], row::outbox)
}

pub(super) fn outbox_next_due(
    connection: &Connection,
    besides: &Besides,
) -> Result<Option<Timestamp>, StoreError> {
    let [under_way, recipients, held] = left_out(besides);
    if besides.held.is_empty() {
        let sql = format!("SELECT MIN(due) {OUTBOX_HEADS} {BESIDES}");
        return earliest(connection, "outbox", &sql, [under_way, recipients]);
    }
    let sql = format!("SELECT MIN({DUE_OR_DEADLINE}) {OUTBOX_HEADS} {BESIDES}");
    earliest(connection, "outbox", &sql, [under_way, recipients, held])
}

/// The envelope of a message that was received or sent, as the journal keeps it.
pub(super) fn message(connection: &Connection, named: &MessageName) -> Result<Option<Bytes>, StoreError> {
    let (table, sql) = match named.direction {
        Direction::Received => ("inbox", RECEIVED),
        Direction::Sent => ("outbox", SENT),
        Direction::Decision => return Ok(None),
    };
    let params = params![named.protocol, named.peer, named.message_id];
    Ok(all(connection, sql, params, |row| row::message(table, row))?.pop())
}

const RECEIVED: &str = "SELECT id, (SELECT bytes FROM journal WHERE sequence = inbox.journal) FROM inbox \
     WHERE protocol = ?1 AND peer = ?2 AND message_id = ?3 ORDER BY id DESC LIMIT 1";
const SENT: &str = "SELECT id, (SELECT bytes FROM journal WHERE sequence = outbox.journal) FROM outbox \
     WHERE protocol = ?1 AND recipient = ?2 AND message_id = ?3";

/// What a question leaves out, as lists in JSON.
fn left_out(besides: &Besides) -> [String; 3] {
    let list = |of: &[String]| serde_json::Value::from(of).to_string();
    [format!("{:?}", besides.under_way), list(&besides.recipients), list(&besides.held)]
}

pub(super) fn timers_due(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Timer>, StoreError> {
    let sql = format!("SELECT {TIMER} FROM timer WHERE due <= ?1 ORDER BY due, kind, subject LIMIT ?2");
    all(connection, &sql, params![nanoseconds(now), limited(limit)], row::timer)
}

pub(super) fn timers_next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    earliest(connection, "timer", "SELECT MIN(due) FROM timer", [])
}

pub(super) fn timer(connection: &Connection, kind: &str, subject: &str) -> Result<Option<Timer>, StoreError> {
    let sql = format!("SELECT {TIMER} FROM timer WHERE kind = ?1 AND subject = ?2");
    Ok(all(connection, &sql, params![kind, subject], row::timer)?.pop())
}

pub(super) fn record(
    connection: &Connection,
    kind: &'static str,
    key: &str,
) -> Result<Option<Stored<RawRecord>>, StoreError> {
    let sql = format!("SELECT {RECORD} FROM record WHERE kind = ?1 AND key = ?2");
    Ok(all(connection, &sql, params![kind, key], |row| row::record(kind, row))?.pop())
}

/// Which records a question is about. Each names its index: for the sake of the order SQLite would rather walk through
/// all that was ever kept of the kind.
const ABOUT: &str = "FROM record INDEXED BY record_subject WHERE kind = ?1 AND subject = ?2 ORDER BY key";
const ABOUT_WITHIN: &str = "FROM record INDEXED BY record_subject \
     WHERE kind = ?1 AND subject = ?2 AND span_end > ?3 AND span_start < ?4 ORDER BY key";
const OPEN: &str = "FROM record INDEXED BY record_open WHERE kind = ?1 AND open = 1 ORDER BY key";

pub(super) fn records_of(
    connection: &Connection,
    kind: &'static str,
    subject: &str,
    within: Option<TimeSpan>,
) -> Result<Vec<Stored<RawRecord>>, StoreError> {
    let read = |row: &Row<'_>| row::record(kind, row);
    match within {
        None => all(connection, &format!("SELECT {RECORD} {ABOUT}"), params![kind, subject], read),
        Some(within) => {
            let sql = format!("SELECT {RECORD} {ABOUT_WITHIN}");
            let bounds = (nanoseconds(within.start()), nanoseconds(within.end()));
            all(connection, &sql, params![kind, subject, bounds.0, bounds.1], read)
        }
    }
}

pub(super) fn records(
    connection: &Connection,
    kind: &'static str,
    keys: &[String],
) -> Result<Vec<Stored<RawRecord>>, StoreError> {
    let sql = format!(
        "SELECT {RECORD} FROM record WHERE kind = ?1 AND key IN (SELECT value FROM json_each(?2)) ORDER BY key"
    );
    let keys = serde_json::Value::from(keys).to_string();
    all(connection, &sql, params![kind, keys], |row| row::record(kind, row))
}

pub(super) fn latest_records(
    connection: &Connection,
    kind: &'static str,
    from: &str,
    to: &str,
    limit: usize,
) -> Result<Vec<Stored<RawRecord>>, StoreError> {
    let sql = format!(
        "SELECT {RECORD} FROM record WHERE kind = ?1 AND key >= ?2 AND key < ?3 ORDER BY key DESC LIMIT ?4"
    );
    all(connection, &sql, params![kind, from, to, limited(limit)], |row| row::record(kind, row))
}

pub(super) fn open_records(
    connection: &Connection,
    kind: &'static str,
) -> Result<Vec<Stored<RawRecord>>, StoreError> {
    all(connection, &format!("SELECT {RECORD} {OPEN}"), params![kind], |row| row::record(kind, row))
}

pub(super) fn journal(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<JournalEntry>, StoreError> {
    let sql = "SELECT sequence, at, direction, protocol, peer, label, message_id, conversation, bytes, hash \
               FROM journal WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    all(connection, sql, params![after, limited(limit)], row::journal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec![1; statement.parameter_count()];
        let steps =
            statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
        steps.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    #[test]
    fn no_question_about_messages_walks_through_all_that_wait() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::migrate::migrate(&mut connection).unwrap();
        for question in [
            format!("SELECT {INBOX} {INBOX_DUE}"),
            format!("SELECT MIN(due) {INBOX_RESTING}"),
            format!("SELECT {OUTBOX} {OUTBOX_HEADS} {BESIDES} AND due <= ?3 ORDER BY due, id LIMIT ?4"),
            format!("SELECT MIN(due) {OUTBOX_HEADS} {BESIDES}"),
        ] {
            let plan = plan(&connection, &question);
            assert!(plan.starts_with("SEARCH") && !plan.contains("TEMP B-TREE"), "{question}: {plan}");
        }
    }

    #[test]
    fn no_question_about_records_walks_through_all_that_was_ever_kept() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::migrate::migrate(&mut connection).unwrap();
        for (question, found_by) in [
            (ABOUT, "record_subject (kind=? AND subject=?)"),
            (ABOUT_WITHIN, "record_subject (kind=? AND subject=? AND span_end>?)"),
            (OPEN, "record_open (kind=?)"),
        ] {
            let plan = plan(&connection, &format!("SELECT {RECORD} {question}"));
            assert!(plan.contains(&format!("USING INDEX {found_by}")), "{question}: {plan}");
        }
    }
}
