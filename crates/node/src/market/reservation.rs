use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tieline_types::Domain;

use super::{IspPower, Window};

/// What of a contract's reservation stays reserved on one day: what its DSO has said with FlexReservationUpdates, the latest of
/// each ISP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    /// The DSO.
    pub(crate) counterparty: Domain,
    pub(crate) contract: String,
    pub(crate) window: Window,
    /// The ISPs that were named. In the others all of it stays reserved.
    pub(crate) isps: Vec<IspPower>,
}

impl Reservation {
    /// The key of the reservation of a day.
    pub(crate) fn key(counterparty: &Domain, contract: &str, period: Date) -> String {
        format!("{counterparty}/{contract}/{period}")
    }
}

record!(Reservation, "reservation", |this| {
    key: Self::key(&this.counterparty, &this.contract, this.window.period),
    subject: this.window.congestion_point.to_string(),
    span: None,
    open: false,
});
