use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

use super::SessionKey;

/// What a session's energy register showed at an instant, as the charger reported it.
///
/// Every reading is kept. One that is reported twice is the same record, and two that disagree are two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptReading {
    pub(crate) session: SessionKey,
    pub(crate) connection: EntityAddress,
    pub(crate) at: Timestamp,
    pub(crate) register: Energy,
    /// The most that the charger delivers.
    pub(crate) maximum: Power,
}

impl KeptReading {
    fn span(&self) -> Option<TimeSpan> {
        TimeSpan::new(self.at, self.at.checked_add(SignedDuration::from_nanos(1)).ok()?)
    }
}

record!(KeptReading, "meter-reading", |this| {
    key: format!("{}/{}/{}", this.session, this.at, this.register.watt_seconds()),
    subject: this.connection.to_string(),
    span: this.span(),
    open: false,
});
