//! What a handler keeps together with its decision.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// What the handlers of one message keep, in the terms of their [storage](crate::storage::Storage::Work): committed together
/// with the decision, or not at all. In a handler: `Extension(work): Extension<Work<W>>`.
///
/// What was put in before a handler rejected, or could not decide, counts for nothing.
#[derive(Debug, Default)]
pub struct Work<W>(Arc<Mutex<W>>);

impl<W: Default> Work<W> {
    /// Changes what is kept.
    pub fn change<T>(&self, change: impl FnOnce(&mut W) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes out what is kept.
    pub(super) fn take(&self) -> W {
        self.change(std::mem::take)
    }
}

impl<W> Clone for Work<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// When the message that is being handled came. In a handler: `Extension<ReceivedAt>`. What had not expired by then is in time,
/// however long it waited here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedAt(pub Timestamp);
