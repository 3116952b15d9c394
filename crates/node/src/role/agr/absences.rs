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

    /// It is connected.
    pub(crate) fn came(&self, charger: &str) {
        self.since().remove(charger);
    }

    /// It is not connected, if that is news from now on.
    pub(crate) fn went(&self, charger: &str, now: Timestamp) {
        self.since().entry(charger.to_owned()).or_insert(now);
    }

    /// Those that have been away since before an instant.
    pub(super) fn since_before(&self, at: Timestamp) -> BTreeSet<String> {
        self.since().iter().filter(|(_, since)| **since < at).map(|(charger, _)| charger.clone()).collect()
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charger_is_away_from_its_last_parting_to_its_return() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let absences = Absences::of(["CP-1", "CP-2"], at(0));
        let away_since_before =
            |second: i64| absences.since_before(at(second)).into_iter().collect::<Vec<_>>();
        assert!(away_since_before(0).is_empty());
        assert_eq!(away_since_before(1), ["CP-1", "CP-2"], "nobody is connected when a node starts");
        absences.came("CP-1");
        assert_eq!(away_since_before(100), ["CP-2"]);
        absences.went("CP-1", at(50));
        assert_eq!(away_since_before(50), ["CP-2"]);
        assert_eq!(away_since_before(51), ["CP-1", "CP-2"]);
        absences.went("CP-1", at(80));
        assert_eq!(away_since_before(51), ["CP-1", "CP-2"], "it was away already");
    }
}
