use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::EntityAddress;

use super::{SessionKey, SetPoint, SetPointPeriod};
use crate::config::ProfileUnit;

/// Limits that a charger has accepted. The set-point itself is replaced by the next one; this stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldLimits {
    pub(crate) session: SessionKey,
    pub(crate) congestion_point: EntityAddress,
    pub(crate) at: Timestamp,
    pub(crate) unit: ProfileUnit,
    pub(crate) periods: Vec<SetPointPeriod>,
}

impl ToldLimits {
    pub(crate) fn of(set_point: &SetPoint, at: Timestamp) -> Self {
        Self {
            session: set_point.session.clone(),
            congestion_point: set_point.congestion_point.clone(),
            at,
            unit: set_point.unit,
            periods: set_point.periods.clone(),
        }
    }
}

record!(ToldLimits, "told-limits", |this| {
    key: format!("{}/{}", this.session, this.at),
    subject: this.congestion_point.to_string(),
    span: this.periods.first().zip(this.periods.last()).and_then(|(first, last)| {
        tieline_types::TimeSpan::new(first.span.start(), last.span.end())
    }),
    open: false,
});
