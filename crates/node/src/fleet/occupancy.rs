use serde::{Deserialize, Serialize};

use super::SessionKey;

/// The session that began last at an EVSE (2.x) or connector (1.6): what a charger says of the EVSE is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Occupancy {
    pub(crate) evse: u16,
    pub(crate) session: SessionKey,
}

impl Occupancy {
    pub(crate) fn key_of(charger: &str, evse: u16) -> String {
        format!("{charger}/{evse}")
    }
}

record!(Occupancy, "occupancy", |this| {
    key: Self::key_of(&this.session.charger, this.evse),
    subject: this.session.charger.clone(),
    span: None,
    open: false,
});
