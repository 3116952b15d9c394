//! What the writer knows without asking: where the journal ends, and how much waits.

use rusqlite::{Connection, params};

use crate::StoreError;
use crate::journal::Verified;

/// The journal's end and the inbox's backlog, as of the last commit.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    /// How many entries the journal has.
    pub(super) length: u64,
    /// The hash of its last entry.
    pub(super) hash: [u8; 32],
    /// How many received messages are not done with.
    pub(super) backlog: u64,
    /// Changes when another process writes into the file.
    data_version: i64,
}

impl Tally {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let Verified { entries, head } = journal_end(connection)?;
        let waiting = "SELECT COUNT(*) FROM inbox WHERE state < 2";
        let backlog: i64 = connection.prepare_cached(waiting)?.query_row([], |row| row.get(0))?;
        let data_version = data_version(connection)?;
        Ok(Self { length: entries, hash: head, backlog: backlog.cast_unsigned(), data_version })
    }

    /// The same, read again if another process has written meanwhile.
    pub(super) fn refreshed(self, connection: &Connection) -> Result<Self, StoreError> {
        if data_version(connection)? == self.data_version { Ok(self) } else { Self::read(connection) }
    }

    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "UPDATE journal_end SET length = ?1, hash = ?2";
        connection.prepare_cached(sql)?.execute(params![self.length.cast_signed(), self.hash.as_slice()])?;
        Ok(())
    }
}

fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}

/// Where the journal ends, as the row says that is kept apart from its entries.
pub(super) fn journal_end(connection: &Connection) -> Result<Verified, StoreError> {
    let mut statement = connection.prepare_cached("SELECT length, hash FROM journal_end")?;
    let mut rows = statement.query([])?;
    let damaged = |cause: &str| StoreError::Damaged {
        table: "journal_end",
        key: "1".to_owned(),
        cause: cause.to_owned(),
    };
    let row = rows.next()?.ok_or_else(|| damaged("it is not there"))?;
    let hash: Vec<u8> = row.get(1)?;
    Ok(Verified {
        entries: u64::try_from(row.get::<_, i64>(0)?).map_err(|_| damaged("its length is negative"))?,
        head: hash.try_into().map_err(|_| damaged("its hash has not 32 bytes"))?,
    })
}
