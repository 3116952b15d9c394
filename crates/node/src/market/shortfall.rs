use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::{EntityAddress, Power, TimeSpan};

/// That an order can't be kept exactly in an ISP, as the latest plan that missed it has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportedShortfall {
    pub(crate) congestion_point: EntityAddress,
    pub(crate) span: TimeSpan,
    pub(crate) target: Power,
    pub(crate) planned: Power,
    pub(crate) reason: String,
    /// The reasons for which it was noted that the order is missed a little.
    #[serde(default)]
    pub(crate) warned: BTreeSet<String>,
    /// The reasons for which a person was called.
    #[serde(default)]
    pub(crate) alarmed: BTreeSet<String>,
}

impl ReportedShortfall {
    /// There is one for each ISP, which starts then.
    pub(crate) fn key_of(point: &EntityAddress, start: Timestamp) -> String {
        format!("{point}/{start}")
    }

    /// Notes the reason, and whether a person is to be called for it. True if that was not noted before.
    pub(crate) fn note(&mut self, is_grave: bool) -> bool {
        if is_grave {
            self.alarmed.insert(self.reason.clone())
        } else {
            !self.alarmed.contains(&self.reason) && self.warned.insert(self.reason.clone())
        }
    }
}

record!(ReportedShortfall, "shortfall", |this| {
    key: Self::key_of(&this.congestion_point, this.span.start()),
    subject: this.congestion_point.to_string(),
    span: Some(this.span),
    open: false,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_called_once_for_each_reason_however_reasons_alternate() {
        let start: Timestamp = "2026-06-10T09:00:00Z".parse().unwrap();
        let mut reported = ReportedShortfall {
            congestion_point: "ean.871685900012345678".parse().unwrap(),
            span: TimeSpan::new(start, start + jiff::SignedDuration::from_mins(15)).unwrap(),
            target: Power::from_watts(10_000),
            planned: Power::from_watts(11_000),
            reason: String::new(),
            warned: BTreeSet::new(),
            alarmed: BTreeSet::new(),
        };
        let mut note = |reason: &str, is_grave| {
            reason.clone_into(&mut reported.reason);
            reported.note(is_grave)
        };
        assert!(note("one", false));
        assert!(note("one", true), "it has become grave");
        assert!(note("other", true));
        assert!(!note("one", true) && !note("other", true) && !note("one", false));
        assert!(!note("other", false), "a person was called for it");
    }
}
