//! The reasons against an update, collected and bounded.

use std::collections::BTreeSet;
use std::fmt;

use crate::{Rejected, RejectionReason};

/// How many are named. The text of a rejection is one attribute, and its reader has limits, too.
const NAMED: usize = 12;

/// Everything that is wrong with an update.
#[derive(Debug, Default)]
pub(super) struct Faults {
    reasons: Vec<RejectionReason>,
    said: BTreeSet<RejectionReason>,
    more: usize,
}

impl Faults {
    /// One more thing that is wrong, once.
    pub(super) fn add(&mut self, reason: RejectionReason) {
        if self.said.contains(&reason) {
            return;
        }
        if self.reasons.len() < NAMED {
            self.said.insert(reason.clone());
            self.reasons.push(reason);
        } else {
            self.more += 1;
        }
    }

    /// One in words of our own.
    pub(super) fn say(&mut self, fault: impl fmt::Display) {
        self.add(RejectionReason::other(&fault.to_string()));
    }

    /// The rejection, if anything is wrong.
    pub(super) fn rejected(self) -> Result<(), Rejected> {
        let more = (self.more > 0).then(|| RejectionReason::other(&format!("and {} more", self.more)));
        match Rejected::for_any(self.reasons.into_iter().chain(more)) {
            Some(rejected) => Err(rejected),
            None => Ok(()),
        }
    }
}
