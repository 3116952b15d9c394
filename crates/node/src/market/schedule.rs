use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tieline_store::{ChangeSet, StoreError, Timer};

/// The next day for which something is done that is done every day. A node that was away catches up by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    /// The kind of the timer.
    pub(crate) kind: String,
    pub(crate) next: Date,
    /// When it was begun.
    pub(crate) since: Timestamp,
}

record!(Schedule, "schedule", |this| {
    key: this.kind.clone(),
    subject: String::new(),
    span: None,
    open: false,
});

/// That a timer's work is to be done (again).
///
/// Whoever wants it writes this, and the work replaces the one that it began with: work during which it was wanted again is
/// done again, instead of clearing the timer that was set meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) kind: String,
    pub(crate) subject: String,
}

impl Wanted {
    pub(crate) fn key_of(kind: &str, subject: &str) -> String {
        format!("{kind} {subject}")
    }

    /// Has the timer's work done now.
    pub(crate) fn now(
        kind: &str,
        subject: &str,
        now: Timestamp,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        changes.put(&Self { kind: kind.to_owned(), subject: subject.to_owned() })?;
        changes.set_timer(Timer::new(kind, subject, now));
        Ok(())
    }
}

record!(Wanted, "wanted", |this| {
    key: Self::key_of(&this.kind, &this.subject),
    subject: this.subject.clone(),
    span: None,
    open: false,
});
