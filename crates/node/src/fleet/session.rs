use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::{Energy, EntityAddress, TimeSpan};

/// A charging session: a transaction at one of our chargers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    /// The EVSE (2.x) or connector (1.6) that charges.
    pub(crate) evse: u16,
    pub(crate) connection: EntityAddress,
    pub(crate) congestion_point: EntityAddress,
    pub(crate) started: Timestamp,
    /// The meter's register when it started, if the charger said.
    pub(crate) meter_start: Option<Energy>,
    /// The latest reading of the register.
    pub(crate) meter: Option<MeterReading>,
    pub(crate) ended: Option<Timestamp>,
}

/// Names a session: the charger, and its transaction as the charger names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    pub(crate) charger: String,
    pub(crate) transaction: String,
}

/// An energy register at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MeterReading {
    pub(crate) at: Timestamp,
    pub(crate) energy: Energy,
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.charger, self.transaction)
    }
}

impl Session {
    /// What has been delivered since the start, as far as the readings tell.
    pub(crate) fn delivered(&self) -> Energy {
        let zero = Energy::from_watt_seconds(0);
        match (self.meter_start, self.meter) {
            (Some(start), Some(reading)) => reading.energy.checked_sub(start).unwrap_or(zero).max(zero),
            _ => zero,
        }
    }

    /// Takes a reading unless a later one is known: messages that were delayed arrive out of order.
    pub(crate) fn read(&mut self, at: Timestamp, energy: Energy) {
        if self.meter_start.is_none() {
            self.meter_start = Some(energy);
        }
        if self.meter.is_none_or(|known| known.at <= at) {
            self.meter = Some(MeterReading { at, energy });
        }
    }

    fn span(&self) -> Option<TimeSpan> {
        TimeSpan::new(self.started, self.ended?)
    }
}

record!(Session, "session", |this| {
    key: this.key.to_string(),
    subject: this.congestion_point.to_string(),
    span: this.span(),
    open: this.ended.is_none(),
});
