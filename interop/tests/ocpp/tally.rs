//! What was counted, and what went wrong.

use std::collections::{BTreeMap, BTreeSet};

/// The counts of one test, and its complaints: all of them, so that one run tells everything.
#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, usize>,
    messages: BTreeMap<&'static str, BTreeSet<String>>,
    complaints: BTreeMap<String, Vec<String>>,
}

/// A message has no more complaints than these in the report.
const QUOTED: usize = 3;

impl Tally {
    /// One more of these, for this message.
    pub(crate) fn count(&mut self, what: &'static str, message: &str) {
        *self.counts.entry(what).or_default() += 1;
        self.messages.entry(what).or_default().insert(message.to_owned());
    }

    pub(crate) fn complain(&mut self, message: &str, complaint: String) {
        self.complaints.entry(message.to_owned()).or_default().push(complaint);
    }

    /// Prints the counts, and fails if there were complaints.
    pub(crate) fn close(self, test: &str) {
        for (what, count) in &self.counts {
            println!("{test}: {count} {what} of {} messages", self.messages[what].len());
        }
        let report: Vec<String> = self
            .complaints
            .iter()
            .map(|(message, complaints)| {
                let first: Vec<&str> = complaints.iter().take(QUOTED).map(String::as_str).collect();
                format!("{message}, {} times:\n    {}", complaints.len(), first.join("\n    "))
            })
            .collect();
        assert!(report.is_empty(), "{test}: {} messages\n{}", report.len(), report.join("\n"));
    }
}
