//! What a node keeps: durable, and changed only in whole change sets.
//!
//! A [`Store`] holds an inbox of received messages, an outbox of owed ones, timers, records of the domain and a journal
//! that proves what happened. A [`ChangeSet`] says what was decided: what changed, what must be sent, which timers run.
//! [`Store::commit`] applies it in one transaction, and when it returns, it is on disk.
//!
//! [`MemoryStore`] is for tests, [`SqliteStore`] (feature `sqlite`) for a node. Both pass one battery of tests.
//! The store knows bytes and times, and no protocol. It reads no clock: every time is an argument.
#![forbid(unsafe_code)]

mod change_set;
mod error;
mod inbox;
mod instant;
mod journal;
mod memory;
mod outbox;
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod timer;

pub use change_set::{Change, ChangeSet};
pub use error::StoreError;
pub use inbox::{InboxEntry, InboxId, InboxState, Receipt, Received};
pub use journal::{Broken, Direction, JournalEntry, MessageName, NewEntry, Verified, verify};
pub use memory::MemoryStore;
pub use outbox::{Attempt, Besides, OutboxEntry, OutboxState, Outgoing};
pub use record::{RawRecord, Record, Stored, Version};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use store::{BoxFuture, Records, Store};
pub use timer::Timer;
