//! What handlers got, and what they are to answer.

use std::sync::{Arc, Mutex};

/// What the handlers of one test share. Messages come one after the other, so one answer at a time is enough.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    noted: Vec<Noted>,
    answer: String,
}

/// A request as a handler had it, written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) action: String,
    pub(crate) request: String,
}

impl Book {
    /// What the next handlers answer.
    pub(crate) fn set_answer(&self, answer: &str) {
        answer.clone_into(&mut self.pages().answer);
    }

    pub(crate) fn answer(&self) -> String {
        self.pages().answer.clone()
    }

    pub(crate) fn note(&self, action: &str, request: String) {
        self.pages().noted.push(Noted { action: action.to_owned(), request });
    }

    /// What has been noted since the last time.
    pub(crate) fn take(&self) -> Vec<Noted> {
        std::mem::take(&mut self.pages().noted)
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.0.lock().expect("no handler panics while it writes")
    }
}
