use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Which chargers are not connected, and since when. It is the one thing that a node does not keep: when it starts, none is.
#[derive(Clone, Debug)]
pub(crate) struct Absences(Arc<Mutex<BTreeMap<String, Timestamp>>>);

impl Absences {
    /// None of these is connected yet.
    pub(crate) fn of<'a>(chargers: impl IntoIterator<Item = &'a str>, now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(chargers.into_iter().map(|charger| (charger.to_owned(), now)).collect())))
    }

    pub(crate) fn came(&self, charger: &str) {
        self.since().remove(charger);
    }

    pub(crate) fn went(&self, charger: &str, now: Timestamp) {
        self.since().insert(charger.to_owned(), now);
    }

    /// Those that have been away since before an instant.
    pub(super) fn since_before(&self, at: Timestamp) -> BTreeSet<String> {
        self.since().iter().filter(|(_, since)| **since < at).map(|(charger, _)| charger.clone()).collect()
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
