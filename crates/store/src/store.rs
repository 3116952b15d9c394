use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use jiff::Timestamp;
use tieline_types::TimeSpan;

use crate::{
    Besides, ChangeSet, InboxEntry, InboxState, JournalEntry, MessageName, OutboxEntry, RawRecord, Receipt,
    Received, Record, StoreError, Stored, Timer, Verified,
};

/// A future of a store.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where a node keeps everything that must survive it.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Takes a message in and journals it, unless it is known. When this returns, it is on disk.
    fn receive(&self, received: Received) -> BoxFuture<'_, Receipt>;

    /// Applies a change set as a whole or not at all. When this returns, it is on disk.
    fn commit(&self, changes: ChangeSet) -> BoxFuture<'_, ()>;

    /// Messages to be decided on ([`InboxState::Received`]) or processed ([`InboxState::Answered`]) now, those that are due
    /// first before the others: only the oldest of a conversation, and none of a conversation whose oldest one rests.
    fn inbox_due(&self, state: InboxState, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<InboxEntry>>;

    /// When the next message that rests in this state until after `now` is to be tried again.
    fn inbox_next_due(&self, state: InboxState, now: Timestamp) -> BoxFuture<'_, Option<Timestamp>>;

    /// How many received messages are not done with.
    fn inbox_backlog(&self) -> BoxFuture<'_, u64>;

    /// Messages to be delivered now, those that are due first before the others: the oldest one that is owed to each
    /// recipient in each conversation.
    fn outbox_due(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<OutboxEntry>> {
        self.outbox_due_besides(now, limit, Besides::default())
    }

    /// [`outbox_due`](Self::outbox_due), without some.
    fn outbox_due_besides(
        &self,
        now: Timestamp,
        limit: usize,
        besides: Besides,
    ) -> BoxFuture<'_, Vec<OutboxEntry>>;

    /// When the next owed message is to be tried.
    fn outbox_next_due(&self) -> BoxFuture<'_, Option<Timestamp>> {
        self.outbox_next_due_besides(Besides::default())
    }

    /// [`outbox_next_due`](Self::outbox_next_due), without some.
    fn outbox_next_due_besides(&self, besides: Besides) -> BoxFuture<'_, Option<Timestamp>>;

    /// The bytes of a message that was received, seal included, or is or was owed.
    fn message<'a>(&'a self, named: &'a MessageName) -> BoxFuture<'a, Option<Bytes>>;

    /// Timers that are due, the earliest first.
    fn timers_due(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Vec<Timer>>;

    /// When the next timer is due.
    fn timers_next_due(&self) -> BoxFuture<'_, Option<Timestamp>>;

    /// One timer.
    fn timer<'a>(&'a self, kind: &'a str, subject: &'a str) -> BoxFuture<'a, Option<Timer>>;

    /// The body of a record; [`Records::record`] reads it.
    fn raw_record<'a>(&'a self, kind: &'static str, key: &'a str)
    -> BoxFuture<'a, Option<Stored<RawRecord>>>;

    /// The records of a kind about a subject, and within a span where one is given, by key.
    fn raw_records_of<'a>(
        &'a self,
        kind: &'static str,
        subject: &'a str,
        within: Option<TimeSpan>,
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>>;

    /// The open records of a kind, by key.
    fn raw_open_records(&self, kind: &'static str) -> BoxFuture<'_, Vec<Stored<RawRecord>>>;

    /// The records of a kind with these keys, by key; of those that are not there nothing.
    fn raw_records<'a>(
        &'a self,
        kind: &'static str,
        keys: &'a [String],
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>>;

    /// The records of a kind whose keys are `from` or after it and before `to`, the last first, at most `limit`.
    fn raw_latest_records<'a>(
        &'a self,
        kind: &'static str,
        from: &'a str,
        to: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Vec<Stored<RawRecord>>>;

    /// Entries of the journal after the one with number `after`.
    fn journal(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<JournalEntry>>;

    /// How many entries were ever written into the journal.
    fn journal_length(&self) -> BoxFuture<'_, u64> {
        Box::pin(async { Ok(self.journal_end().await?.entries) })
    }

    /// Where the journal ends, by what is kept apart from its entries. [`verify`](crate::verify) compares the two.
    fn journal_end(&self) -> BoxFuture<'_, Verified>;

    /// Waits until the store can take nothing more, ever: every call would be refused with [`StoreError::Closed`].
    fn closed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// Typed reading of records.
pub trait Records {
    /// The record with this key.
    fn record<T: Record>(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<Stored<T>>, StoreError>> + Send;

    /// The records about a subject that overlap `within`, or all of them.
    fn records_of<T: Record>(
        &self,
        subject: &str,
        within: Option<TimeSpan>,
    ) -> impl Future<Output = Result<Vec<Stored<T>>, StoreError>> + Send;

    /// The records with these keys, by key; of those that are not there nothing.
    fn records<T: Record>(
        &self,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Stored<T>>, StoreError>> + Send;

    /// The records whose keys are `from` or after it and before `to`, the last first, at most `limit`.
    fn latest_records<T: Record>(
        &self,
        from: &str,
        to: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Stored<T>>, StoreError>> + Send;

    /// The open records.
    fn open_records<T: Record>(&self) -> impl Future<Output = Result<Vec<Stored<T>>, StoreError>> + Send;
}

impl Records for dyn Store {
    async fn record<T: Record>(&self, key: &str) -> Result<Option<Stored<T>>, StoreError> {
        self.raw_record(T::KIND, key).await?.map(typed).transpose()
    }

    async fn records_of<T: Record>(
        &self,
        subject: &str,
        within: Option<TimeSpan>,
    ) -> Result<Vec<Stored<T>>, StoreError> {
        self.raw_records_of(T::KIND, subject, within).await?.into_iter().map(typed).collect()
    }

    async fn records<T: Record>(&self, keys: &[String]) -> Result<Vec<Stored<T>>, StoreError> {
        self.raw_records(T::KIND, keys).await?.into_iter().map(typed).collect()
    }

    async fn latest_records<T: Record>(
        &self,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Vec<Stored<T>>, StoreError> {
        self.raw_latest_records(T::KIND, from, to, limit).await?.into_iter().map(typed).collect()
    }

    async fn open_records<T: Record>(&self) -> Result<Vec<Stored<T>>, StoreError> {
        self.raw_open_records(T::KIND).await?.into_iter().map(typed).collect()
    }
}

fn typed<T: Record>(stored: Stored<RawRecord>) -> Result<Stored<T>, StoreError> {
    let Stored { value, version } = stored;
    Ok(Stored { value: RawRecord::read(&value.key, &value.body)?, version })
}
