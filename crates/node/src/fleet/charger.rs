use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of a charger: when it came and went, and what it said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownCharger {
    pub(crate) identity: String,
    /// The OCPP version of its last session.
    pub(crate) version: String,
    pub(crate) connected: bool,
    /// When it came, or went.
    pub(crate) since: Timestamp,
    pub(crate) remote: Option<String>,
    pub(crate) made: Option<Made>,
}

/// Who made a charger, by its last BootNotification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) vendor: String,
    pub(crate) model: String,
    pub(crate) serial_number: Option<String>,
    pub(crate) firmware: Option<String>,
    pub(crate) booted: Timestamp,
}

/// All of it but the time, for comparisons.
impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        let (serial_number, firmware) = (or_none(&self.serial_number), or_none(&self.firmware));
        write!(f, "{}/{}/{serial_number}/{firmware}", self.vendor, self.model)
    }
}

impl KnownCharger {
    /// All are found under it.
    pub(crate) const SUBJECT: &'static str = "chargers";
}

record!(KnownCharger, "charger", |this| {
    key: this.identity.clone(),
    subject: KnownCharger::SUBJECT.to_owned(),
    span: None,
    open: this.connected,
});
