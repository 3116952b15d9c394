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
}

record!(ReportedShortfall, "shortfall", |this| {
    key: Self::key_of(&this.congestion_point, this.span.start()),
    subject: this.congestion_point.to_string(),
    span: Some(this.span),
    open: false,
});
