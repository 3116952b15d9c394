use serde::{Deserialize, Serialize};
use tieline_types::{EntityAddress, Power, TimeSpan};

/// That an order can't be kept exactly in an ISP, as the latest plan has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportedShortfall {
    pub(crate) congestion_point: EntityAddress,
    pub(crate) span: TimeSpan,
    pub(crate) target: Power,
    pub(crate) planned: Power,
    pub(crate) reason: String,
}

impl ReportedShortfall {
    /// There is one for each ISP.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.congestion_point, self.span.start())
    }
}

record!(ReportedShortfall, "shortfall", |this| {
    key: this.name(),
    subject: this.congestion_point.to_string(),
    span: Some(this.span),
    open: false,
});
