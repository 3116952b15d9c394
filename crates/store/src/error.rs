/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else changed the record since it was read. Nothing was applied; read again and decide again.
    #[error("{kind} {key} was changed by another")]
    Conflict {
        /// The record's kind.
        kind: &'static str,
        /// The record's key.
        key: String,
    },
    /// More waits to be written than the store takes. Come back later.
    #[error("the store is busy: {waiting} change sets wait to be written")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// What is stored can't be read back.
    #[error("{table} {key} is damaged: {cause}")]
    Damaged {
        /// Where it is.
        table: &'static str,
        /// Which one it is.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The database belongs to a later version of this software.
    #[error("the database has schema {found}; this version knows {known} and older ones")]
    LaterSchema {
        /// The schema of the database.
        found: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// The change set itself makes no sense: a mistake of the caller.
    #[error("{0}")]
    Misuse(String),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same call can succeed later, without anybody mending anything.
    pub const fn retry(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Database(_))
    }
}
