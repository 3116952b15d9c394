//! What chargers report, written into the fleet's book, whatever version it came in.

use jiff::Timestamp;
use rust_decimal::Decimal;
use tieline_store::{ChangeSet, Records as _, StoreError};
use tieline_types::{Energy, Power};
use tracing::{info, warn};

use super::Chargers;
use crate::fleet::{
    KeptReading, MeterReading, Occupancy, Session, SessionKey, SetPoint, SetPointState, StartedTransaction,
    StatedNeeds, TransactionNumber,
};

/// How often a change that others change at the same time is tried again at once.
const TRIES: usize = 16;

/// A transaction that a charger reports to have begun.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    pub(super) key: SessionKey,
    pub(super) evse: u16,
    pub(super) at: Timestamp,
    pub(super) reading: Option<MeterReading>,
}

/// What a charger says of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) readings: Vec<MeterReading>,
    /// Whether the EV takes energy, and since when.
    pub(super) takes: Option<(Timestamp, bool)>,
    pub(super) needs: Option<Needs>,
    pub(super) ended: Option<Timestamp>,
    /// Where it is, if this says so.
    pub(super) evse: Option<u16>,
}

/// What a driver says that the EV needs from now on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    pub(super) departure: Option<Timestamp>,
    pub(super) energy: Option<Energy>,
}

impl Needs {
    const fn after(self, delivered_before: Energy) -> StatedNeeds {
        StatedNeeds { departure: self.departure, energy: self.energy, delivered_before }
    }
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
        // The node is the only one that numbers: in turn, nobody's number is taken by another in between.
        let _turn = self.numbering.lock().await;
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
            let reading = Energy::from_watt_hours(i64::from(meter_start)).map(|energy| MeterReading {
                at,
                energy,
                power: None,
            });
            let beginning = Beginning {
                key,
                evse: u16::try_from(connector).unwrap_or(Session::UNKNOWN_EVSE),
                at,
                reading,
            };
            if let Some(mut session) = self.session_of(&beginning) {
                self.occupy(&mut session, &mut changes).await?;
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
        for _ in 0..TRIES {
            if store.record::<Session>(&beginning.key.to_string()).await?.is_some() {
                return Ok(());
            }
            let Some(mut session) = self.session_of(beginning) else { return Ok(()) };
            let mut changes = ChangeSet::new();
            self.occupy(&mut session, &mut changes).await?;
            changes.replace(&session, 0)?;
            self.keep(&session, beginning.reading.as_slice(), None, &mut changes).await?;
            self.agr.want_plan(&session.congestion_point, &mut changes)?;
            match self.agr.context.commit(changes).await {
                // The same message twice at the same time, or the one before it at this EVSE has just changed.
                Err(StoreError::Conflict { .. }) => {}
                done => return done,
            }
        }
        Err(StoreError::Busy { waiting: TRIES })
    }

    /// Gives a session its EVSE. There is one session at a time, so the one before has ended, whether its end was heard of
    /// or lost; and one that is heard of late had ended when the one after it began.
    async fn occupy(&self, session: &mut Session, changes: &mut ChangeSet) -> Result<(), StoreError> {
        if session.evse == Session::UNKNOWN_EVSE {
            return Ok(());
        }
        let store = &self.agr.context.store;
        let place = Occupancy::key_of(&session.key.charger, session.evse);
        let occupied = store.record::<Occupancy>(&place).await?;
        let other =
            occupied.as_ref().map(|known| &known.value.session).filter(|known| **known != session.key);
        if let Some(other) = other
            && let Some(mut other) = store.record::<Session>(&other.to_string()).await?
        {
            if other.value.started > session.started {
                session.ended = session.ended.or(Some(other.value.started));
                return Ok(());
            }
            if other.value.ended.is_none() {
                let SessionKey { charger, transaction } = &other.value.key;
                warn!(charger, transaction, "another session began in its place: its end was lost");
                other.value.ended = Some(session.started);
                self.agr.want_plan(&other.value.congestion_point, changes)?;
                changes.replace(&other.value, other.version)?;
            }
        }
        changes.replace(&session.occupancy(), occupied.map_or(0, |known| known.version))?;
        Ok(())
    }

    /// Takes what a charger says of a session: readings, whether the EV takes energy, what the driver needs, and the end.
    pub(super) async fn report(&self, key: &SessionKey, report: &Report) -> Result<(), StoreError> {
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
            for reading in &report.readings {
                session.value.read(*reading);
            }
            let mut changes = ChangeSet::new();
            let last = before.meter.map(|known| known.at);
            self.keep(&before, &report.readings, last, &mut changes).await?;
            let mut is_news = report.takes.is_some_and(|(at, takes)| session.value.take(at, takes));
            if session.value.evse == Session::UNKNOWN_EVSE
                && let Some(evse) = report.evse.filter(|evse| *evse != Session::UNKNOWN_EVSE)
            {
                session.value.evse = evse;
                self.occupy(&mut session.value, &mut changes).await?;
                self.tell_at(key, evse, &mut changes).await?;
                is_news = true;
            }
            if let Some(needs) = report.needs {
                let stated = needs.after(session.value.delivered());
                is_news |= session.value.stated != Some(stated);
                session.value.stated = Some(stated);
            }
            // An end that is heard of late is nearer the truth than the beginning of the next session.
            let ended = report.ended.map(|ended| ended.max(session.value.started));
            if let Some(ended) = ended.filter(|at| session.value.ended.is_none_or(|known| *at < known)) {
                info!(charger = key.charger, transaction = key.transaction, delivered = %session.value.delivered(), "a session ended");
                session.value.ended = Some(ended);
                self.agr.learn_stay(&session.value, &mut changes).await?;
                is_news = true;
            }
            if is_news {
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

    /// What a session was told where it may not be, it is told where it is.
    async fn tell_at(&self, key: &SessionKey, evse: u16, changes: &mut ChangeSet) -> Result<(), StoreError> {
        let context = &self.agr.context;
        if let Some(told) = context.store.record::<SetPoint>(&key.to_string()).await? {
            let state = SetPointState::Pending { attempts: 0, not_before: context.now() };
            changes.replace(&SetPoint { evse, state, ..told.value }, told.version)?;
        }
        Ok(())
    }

    /// The session at an EVSE, if one has begun there.
    pub(super) async fn session_at(
        &self,
        charger: &str,
        evse: u16,
    ) -> Result<Option<SessionKey>, StoreError> {
        let known = self.agr.context.store.record::<Occupancy>(&Occupancy::key_of(charger, evse)).await?;
        Ok(known.map(|known| known.value.session))
    }

    /// Keeps readings, in whatever order and however often they come. `last` is the latest that was known before.
    async fn keep(
        &self,
        session: &Session,
        readings: &[MeterReading],
        last: Option<Timestamp>,
        changes: &mut ChangeSet,
    ) -> Result<(), StoreError> {
        let watts = self.agr.charger(&session.key.charger).map_or(i64::MAX, |listed| {
            let charger = &listed.charger;
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
        let listed = self.agr.charger(&beginning.key.charger)?;
        let charger = &listed.charger;
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
            recent: Vec::new(),
            stated: None,
            taking: None,
            ended: None,
        };
        if let Some(reading) = beginning.reading {
            session.read(reading);
        }
        Some(session)
    }
}

/// An energy register in Wh or kWh, to be multiplied by a power of ten; `None` if it is no such thing.
pub(super) fn register(value: Decimal, unit: Option<&str>, multiplier: i32) -> Option<Energy> {
    let watt_hours = scaled(value, unit.unwrap_or("Wh"), ["Wh", "kWh"], multiplier)?;
    Energy::from_kilowatt_hours(watt_hours.checked_div(Decimal::ONE_THOUSAND)?.round_dp(6)).ok()
}

/// A power in W or kW, to be multiplied by a power of ten, in whole watts; `None` if it is no such thing.
pub(super) fn power(value: Decimal, unit: Option<&str>, multiplier: i32) -> Option<Power> {
    let watts = scaled(value, unit.unwrap_or("W"), ["W", "kW"], multiplier)?;
    watts.round().try_into().ok().map(Power::from_watts)
}

/// A value in the first of two units, of which the second is a thousand times the first.
fn scaled(value: Decimal, unit: &str, [one, thousand]: [&str; 2], multiplier: i32) -> Option<Decimal> {
    let scale = if unit == one {
        multiplier
    } else if unit == thousand {
        multiplier.checked_add(3)?
    } else {
        return None;
    };
    if scale.unsigned_abs() > Decimal::MAX_SCALE {
        return None;
    }
    let mut scaled = value;
    for _ in 0..scale.unsigned_abs() {
        scaled =
            if scale > 0 { scaled.checked_mul(Decimal::TEN)? } else { scaled.checked_div(Decimal::TEN)? };
    }
    Some(scaled)
}
