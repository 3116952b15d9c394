use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_ocpp::csms::PasswordHash;
use tieline_types::EntityAddress;

use crate::registry::Registration;

/// A charger that an operator has added beside the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegisteredCharger {
    #[serde(flatten)]
    pub(crate) registration: Registration,
    pub(crate) added: Timestamp,
    /// When it was removed. The record stays, since nothing that is kept is deleted.
    pub(crate) removed: Option<Timestamp>,
}

record!(RegisteredCharger, "registered-charger", |this| {
    key: this.registration.identity.clone(),
    subject: this.registration.connection.to_string(),
    span: None,
    open: this.removed.is_none(),
});

/// What a charger proves itself with, as far as it is not in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChargerCredential {
    pub(crate) identity: String,
    /// The password that it has.
    pub(crate) current: Option<PasswordHash>,
    /// The password that it was given over OCPP and has not used yet. Until it does, the one before is valid too.
    pub(crate) next: Option<PasswordHash>,
    /// The password in the file that `current` came after. Once the file says another, that one counts.
    pub(crate) after_file: Option<PasswordHash>,
}

impl ChargerCredential {
    /// No password at all.
    pub(crate) fn none(identity: &str) -> Self {
        Self { identity: identity.to_owned(), current: None, next: None, after_file: None }
    }
}

record!(ChargerCredential, "charger-credential", |this| {
    key: this.identity.clone(),
    subject: this.identity.clone(),
    span: None,
    open: this.current.is_some() || this.next.is_some(),
});

/// What the node's file said when the node last started, for those who have the database alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfiguredChargers {
    pub(crate) chargers: Vec<ConfiguredCharger>,
    /// The connections that chargers can be added to.
    pub(crate) connections: Vec<EntityAddress>,
}

/// A charger in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfiguredCharger {
    pub(crate) identity: String,
    pub(crate) connection: EntityAddress,
}

impl ConfiguredChargers {
    pub(crate) const KEY: &'static str = "configured";
}

record!(ConfiguredChargers, "configured-chargers", |this| {
    key: ConfiguredChargers::KEY.to_owned(),
    subject: ConfiguredChargers::KEY.to_owned(),
    span: None,
    open: false,
});
