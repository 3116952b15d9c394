use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// The steps from an empty database to the schema of this version; a step that was released is never changed.
const STEPS: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_init.sql"),
    include_str!("../../migrations/sqlite/0002_refusals.sql"),
    include_str!("../../migrations/sqlite/0003_stages.sql"),
];

/// Brings the schema up to date, each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    loop {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = step.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > known {
            return Err(StoreError::LaterSchema { found, known });
        }
        let Some(sql) = usize::try_from(found).ok().and_then(|done| STEPS.get(done)) else { return Ok(()) };
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", found + 1)?;
        step.commit()?;
    }
}
