use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

use super::Occupancy;

/// For how long readings are looked back at when a session is planned: two ISPs and a bit.
const RECENTLY: SignedDuration = SignedDuration::from_mins(35);

/// How many of them, at the most.
const RECENT: usize = 40;

/// A charging session: a transaction at one of our chargers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    /// The EVSE (2.x) or connector (1.6) that charges, or [`UNKNOWN_EVSE`](Self::UNKNOWN_EVSE).
    pub(crate) evse: u16,
    pub(crate) connection: EntityAddress,
    pub(crate) congestion_point: EntityAddress,
    pub(crate) started: Timestamp,
    /// The meter's register when it started, if the charger said.
    pub(crate) meter_start: Option<Energy>,
    /// The latest reading of the register.
    pub(crate) meter: Option<MeterReading>,
    /// The latest readings, in order of time.
    pub(crate) recent: Vec<MeterReading>,
    /// What the driver said.
    pub(crate) stated: Option<StatedNeeds>,
    /// Whether the EV takes energy, as the charger said last.
    pub(crate) taking: Option<Taking>,
    pub(crate) ended: Option<Timestamp>,
}

/// What a driver said that the EV needs (2.x: NotifyEVChargingNeeds).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatedNeeds {
    /// When it leaves.
    pub(crate) departure: Option<Timestamp>,
    /// What it needs from then on when it was said.
    pub(crate) energy: Option<Energy>,
    /// What it had got by then.
    pub(crate) delivered_before: Energy,
}

/// Whether an EV takes energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taking {
    /// When the charger said so last.
    pub(crate) said: Timestamp,
    /// False if the EV itself has stopped (SuspendedEV): it is full, or waits for its own reasons.
    pub(crate) takes: bool,
}

/// Names a session: the charger, and its transaction as the charger names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    pub(crate) charger: String,
    pub(crate) transaction: String,
}

/// An energy register at an instant, and the power at that instant, if the charger told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MeterReading {
    pub(crate) at: Timestamp,
    pub(crate) energy: Energy,
    pub(crate) power: Option<Power>,
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.charger, self.transaction)
    }
}

impl Session {
    /// The EVSE of a session whose charger has not said which. OCPP counts them from 1.
    pub(crate) const UNKNOWN_EVSE: u16 = 0;

    /// What has been delivered since the start, as far as the readings tell.
    pub(crate) fn delivered(&self) -> Energy {
        let zero = Energy::from_watt_seconds(0);
        match (self.meter_start, self.meter) {
            (Some(start), Some(reading)) => reading.energy.checked_sub(start).unwrap_or(zero).max(zero),
            _ => zero,
        }
    }

    /// Takes a reading unless a later one is known: messages that were delayed arrive out of order.
    pub(crate) fn read(&mut self, reading: MeterReading) {
        if self.meter_start.is_none() {
            self.meter_start = Some(reading.energy);
        }
        if self.meter.is_none_or(|known| known.at <= reading.at) {
            self.meter = Some(reading);
        }
        let place = self.recent.partition_point(|known| known.at < reading.at);
        match self.recent.get_mut(place).filter(|known| known.at == reading.at) {
            Some(known) => *known = reading,
            None => self.recent.insert(place, reading),
        }
        let latest = self.recent.last().map_or(reading.at, |known| known.at);
        let old = |known: &MeterReading| known.at.duration_until(latest) > RECENTLY;
        let forgotten = self.recent.iter().filter(|known| old(known)).count();
        self.recent.drain(..forgotten.max(self.recent.len().saturating_sub(RECENT)));
    }

    /// Takes what the charger says of the EV, unless something later is known. True if that is news.
    pub(crate) fn take(&mut self, at: Timestamp, takes: bool) -> bool {
        if self.taking.is_some_and(|known| known.said > at) {
            return false;
        }
        let is_news = takes != self.takes();
        self.taking = Some(Taking { said: at, takes });
        is_news
    }

    /// Whether the EV takes energy, as far as is known.
    pub(crate) fn takes(&self) -> bool {
        self.taking.is_none_or(|known| known.takes)
    }

    /// What the driver wants in all; `None` if nobody said, or if the EV has that and goes on.
    pub(crate) fn wanted(&self) -> Option<Energy> {
        let stated = self.stated?;
        let wanted = stated.energy?.checked_add(stated.delivered_before)?;
        (wanted > self.delivered()).then_some(wanted)
    }

    /// That this session is the last that began at its EVSE.
    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy { evse: self.evse, session: self.key.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            key: SessionKey { charger: "CP-1".to_owned(), transaction: "1".to_owned() },
            evse: 1,
            connection: "ean.871685900012345001".parse().unwrap(),
            congestion_point: "ean.871685900012345678".parse().unwrap(),
            started: Timestamp::UNIX_EPOCH,
            meter_start: None,
            meter: None,
            recent: Vec::new(),
            stated: None,
            taking: None,
            ended: None,
        }
    }

    #[test]
    fn what_the_charger_said_last_counts_in_whatever_order_it_comes() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut session = session();
        assert!(!session.take(at(10), true), "that is what was reckoned with");
        assert!(session.take(at(20), false));
        assert!(!session.take(at(40), false));
        // This one was on its way for long.
        assert!(!session.take(at(30), true));
        assert!(!session.takes());
        assert!(session.take(at(50), true));
        assert!(session.takes());
    }
}
