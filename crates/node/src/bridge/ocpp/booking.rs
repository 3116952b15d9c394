//! What chargers report, written into the fleet's book, whatever version it came in.

use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_types::{Energy, Power};
use tracing::{info, warn};

use super::Chargers;
use crate::fleet::{KeptReading, Session, SessionKey, StartedTransaction, TransactionNumber};

/// How often a change that others change at the same time is tried again at once.
const TRIES: usize = 16;

/// The register at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) at: Timestamp,
    pub(super) energy: Energy,
}

/// A transaction that a charger reports to have begun.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    pub(super) key: SessionKey,
    pub(super) evse: u16,
    pub(super) at: Timestamp,
    pub(super) reading: Option<Reading>,
}

impl Chargers {
    /// Gives a StartTransaction of OCPP 1.6 its number, the same one when it is repeated, and opens its session.
    pub(super) async fn start_numbered(
        &self,
        charger: &str,
        connector: i32,
        at: Timestamp,
        meter_start: i32,
    ) -> Result<i32, StoreError> {
        let store = &self.agr.context.store;
        for _ in 0..TRIES {
            let start = StartedTransaction::key(charger, connector, at, meter_start);
            if let Some(known) = store.record::<StartedTransaction>(&start).await? {
                return Ok(known.value.number);
            }
            let last = store.record::<TransactionNumber>(TransactionNumber::KEY).await?;
            let number = last.as_ref().map_or(0, |stored| stored.value.last).checked_add(1).unwrap_or(1);
            let mut changes = ChangeSet::new();
            changes.replace(&TransactionNumber { last: number }, last.map_or(0, |stored| stored.version))?;
            changes.put(&StartedTransaction {
                charger: charger.to_owned(),
                connector,
                at,
                meter_start,
                number,
            })?;
            let key = SessionKey { charger: charger.to_owned(), transaction: number.to_string() };
            let reading =
                Energy::from_watt_hours(i64::from(meter_start)).map(|energy| Reading { at, energy });
            let beginning = Beginning { key, evse: u16::try_from(connector).unwrap_or(0), at, reading };
            if let Some(session) = self.session_of(&beginning) {
                changes.put(&session)?;
                self.keep(&session, beginning.reading.as_slice(), None, &mut changes).await?;
                self.agr.want_plan(&session.congestion_point, &mut changes)?;
            }
            match self.agr.context.commit(changes).await {
                Err(StoreError::Conflict { .. }) => {}
                done => return done.map(|()| number),
            }
        }
        Err(StoreError::Busy { waiting: TRIES })
    }

    /// Opens a session, unless it is known.
    pub(super) async fn begin(&self, beginning: &Beginning) -> Result<(), StoreError> {
        let store = &self.agr.context.store;
        if store.record::<Session>(&beginning.key.to_string()).await?.is_some() {
            return Ok(());
        }
        let Some(session) = self.session_of(beginning) else { return Ok(()) };
        let mut changes = ChangeSet::new();
        changes.replace(&session, 0)?;
        self.keep(&session, beginning.reading.as_slice(), None, &mut changes).await?;
        self.agr.want_plan(&session.congestion_point, &mut changes)?;
        match self.agr.context.commit(changes).await {
            // The same message twice at the same time.
            Err(StoreError::Conflict { .. }) => Ok(()),
            done => done,
        }
    }

    /// Takes a reading, and ends the session if it has ended.
    pub(super) async fn report(
        &self,
        key: &SessionKey,
        readings: &[Reading],
        ended: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let store = &self.agr.context.store;
        for _ in 0..TRIES {
            let Some(mut session) = store.record::<Session>(&key.to_string()).await? else {
                // 1.6 errata 3.18: a station that lost our answer reports under number -1, and is answered as if all were well.
                warn!(
                    charger = key.charger,
                    transaction = key.transaction,
                    "a report of an unknown transaction"
                );
                return Ok(());
            };
            let before = session.value.clone();
            for reading in readings {
                session.value.read(reading.at, reading.energy);
            }
            let mut changes = ChangeSet::new();
            let last = before.meter.map(|known| known.at);
            self.keep(&before, readings, last, &mut changes).await?;
            if let Some(ended) = ended.filter(|_| session.value.ended.is_none()) {
                info!(charger = key.charger, transaction = key.transaction, delivered = %session.value.delivered(), "a session ended");
                session.value.ended = Some(ended.max(session.value.started));
                self.agr.want_plan(&session.value.congestion_point, &mut changes)?;
            }
            if session.value != before {
                changes.replace(&session.value, session.version)?;
            }
            if changes.is_empty() {
                return Ok(());
            }
            match self.agr.context.commit(changes).await {
                Err(StoreError::Conflict { .. }) => {}
                done => return done,
            }
        }
        Err(StoreError::Busy { waiting: TRIES })
    }

    /// Keeps readings, in whatever order and however often they come. `last` is the latest that was known before.
    async fn keep(
        &self,
        session: &Session,
        readings: &[Reading],
        last: Option<Timestamp>,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let watts = self.agr.charger(&session.key.charger).map_or(i64::MAX, |charger| {
            i64::from(charger.phases) * i64::from(charger.voltage) * i64::from(charger.maximum_current)
        });
        for reading in readings {
            changes.put(&KeptReading {
                session: session.key.clone(),
                connection: session.connection.clone(),
                at: reading.at,
                register: reading.energy,
                maximum: Power::from_watts(watts),
            })?;
        }
        let instants: Vec<Timestamp> = readings.iter().map(|reading| reading.at).collect();
        self.agr.want_late_metering(&session.connection, &instants, last, changes).await
    }

    fn session_of(&self, beginning: &Beginning) -> Option<Session> {
        let charger = self.agr.charger(&beginning.key.charger)?;
        let congestion_point = self.agr.congestion_point_of(charger)?.clone();
        info!(
            charger = beginning.key.charger,
            transaction = beginning.key.transaction,
            evse = beginning.evse,
            "a session began"
        );
        let mut session = Session {
            key: beginning.key.clone(),
            evse: beginning.evse,
            connection: charger.connection.clone(),
            congestion_point,
            started: beginning.at,
            meter_start: None,
            meter: None,
            ended: None,
        };
        if let Some(reading) = beginning.reading {
            session.read(reading.at, reading.energy);
        }
        Some(session)
    }
}

/// An energy register in Wh or kWh, to be multiplied by a power of ten; `None` if it is no such thing.
pub(super) fn register(value: Decimal, unit: Option<&str>, multiplier: i32) -> Option<Energy> {
    let scale = match unit {
        None | Some("Wh") => multiplier,
        Some("kWh") => multiplier.checked_add(3)?,
        Some(_) => return None,
    };
    if scale.unsigned_abs() > Decimal::MAX_SCALE {
        return None;
    }
    let ten = Decimal::TEN;
    let mut watt_hours = value;
    for _ in 0..scale.unsigned_abs() {
        watt_hours = if scale > 0 { watt_hours.checked_mul(ten)? } else { watt_hours.checked_div(ten)? };
    }
    Energy::from_kilowatt_hours(watt_hours.checked_div(Decimal::ONE_THOUSAND)?.round_dp(6)).ok()
}
