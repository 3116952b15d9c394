//! From what happens at an EVSE to the messages about its transaction.

use ocpp_kit::station::transactions::TxEvent;

use super::evse::{Authorization, Transaction};
use super::hardware::Meter;
use super::state::State;
use super::{ChargePoint, Transfer};
use crate::Version;
use crate::types::DateTime;

/// Why something happens, where the EVSE alone can't tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cause {
    /// A `TriggerReason` of 2.x.
    pub(crate) trigger: Option<&'static str>,
    /// A `Reason` for the end of a transaction, spelt alike in all versions.
    pub(crate) reason: Option<&'static str>,
}

impl Cause {
    /// What the EVSE itself saw.
    pub(crate) const SEEN: Self = Self { trigger: None, reason: None };

    pub(crate) const fn trigger(trigger: &'static str) -> Self {
        Self { trigger: Some(trigger), reason: None }
    }

    pub(crate) const fn ending(trigger: &'static str, reason: &'static str) -> Self {
        Self { trigger: Some(trigger), reason: Some(reason) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Started,
    Updated,
    Ended,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Updated => "Updated",
            Self::Ended => "Ended",
        }
    }
}

/// One step of a transaction, as all versions tell it.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) kind: Kind,
    pub(crate) evse: i32,
    pub(crate) sequence: i32,
    pub(crate) trigger: &'static str,
    /// Why it ended.
    pub(crate) reason: Option<&'static str>,
    pub(crate) at: DateTime,
    /// The meter, where this step has meter values, and their `context`.
    pub(crate) meter: Option<(Meter, &'static str)>,
    pub(crate) register: i64,
    pub(crate) charging_state: &'static str,
    pub(crate) offline: bool,
    pub(crate) transaction: &'a Transaction,
    /// The driver, where the CSMS has not been told yet.
    pub(crate) token: Option<&'a Authorization>,
}

/// Triggers of steps that bring meter values, and the context of these.
fn context(kind: Kind, trigger: &str) -> Option<&'static str> {
    match (kind, trigger) {
        (Kind::Started, _) => Some("Transaction.Begin"),
        (Kind::Ended, _) => Some("Transaction.End"),
        (_, "MeterValuePeriodic") => Some("Sample.Periodic"),
        (_, "MeterValueClock") => Some("Sample.Clock"),
        (_, "Trigger") => Some("Trigger"),
        _ => None,
    }
}

impl ChargePoint {
    /// Tells what follows from how the EVSE is now.
    pub(crate) fn follow(&self, state: &mut State, evse: i32, cause: Cause) {
        let now = self.0.link.now();
        let Some(known) = state.evse(evse) else { return };
        let events = known.observe(now);
        for event in events {
            self.step(state, evse, &event, cause);
        }
        close_power_path(state, evse, now);
    }

    /// Tells that a transaction goes on, for a reason that changes nothing at the EVSE.
    pub(crate) fn update(&self, state: &mut State, evse: i32, trigger: &'static str) {
        let now = self.0.link.now();
        let Some(known) = state.evse(evse) else { return };
        if let Some(event) = known.machine.update(trigger, now) {
            self.step(state, evse, &event, Cause::SEEN);
        }
    }

    /// Ends the authorization at an EVSE, and with it the transaction where that is one of its stop points.
    pub(crate) fn withdraw(&self, state: &mut State, evse: i32, cause: Cause) {
        state.connect_until.remove(&evse);
        let Some(known) = state.evse(evse) else { return };
        known.kept.authorization = None;
        known.kept.transfer = Transfer::None;
        self.follow(state, evse, cause);
    }

    /// Ends a transaction whatever its stop points are.
    pub(crate) fn end(&self, state: &mut State, evse: i32, cause: Cause) {
        let now = self.0.link.now();
        let Some(known) = state.evse(evse) else { return };
        if let Some(event) = known.machine.abort(cause.reason.unwrap_or("Other"), now) {
            known.kept.transfer = Transfer::None;
            self.step(state, evse, &event, cause);
        }
        self.withdraw(state, evse, cause);
    }

    fn step(&self, state: &mut State, id: i32, event: &TxEvent, cause: Cause) {
        let (kind, trigger, reason, at) = match event {
            TxEvent::Started { trigger, timestamp, .. } => (Kind::Started, *trigger, None, *timestamp),
            TxEvent::Ended { trigger, stopped_reason, timestamp, .. } => {
                (Kind::Ended, *trigger, Some(cause.reason.unwrap_or(stopped_reason)), *timestamp)
            }
            TxEvent::Updated { trigger, timestamp, .. } => (Kind::Updated, *trigger, None, *timestamp),
            // The library may learn of others; they are none of a transaction of ours.
            _ => return,
        };
        let version = state.version;
        let meter = self.0.hardware.meter(id);
        if kind == Kind::Started {
            state.snapshot.last_number = state.snapshot.last_number.checked_add(1).unwrap_or(1);
            if state.sample_due.is_none() {
                state.sample_due = super::timers::later(self.now(), state.settings.sample_interval);
            }
        }
        let number = state.snapshot.last_number;
        if kind == Kind::Ended {
            state.profiles.end(id);
        }
        let Some(evse) = state.evses.iter_mut().find(|evse| evse.id == id) else { return };
        if kind == Kind::Started {
            evse.kept.transaction = Some(begun(evse, event.transaction_id(), number, meter.import_register));
            let profile = evse.kept.authorization.as_mut().and_then(|driver| driver.profile.take());
            // In 1.6 profiles name a transaction by its number, which only the CSMS can give.
            let name = if version == Version::V1_6 {
                format!("-{number}")
            } else {
                event.transaction_id().to_owned()
            };
            state.profiles.begin(id, &name, at);
            if let Some(profile) = profile {
                state.profiles.install_for_start(id, &profile, at);
            }
        }
        let Some(mut transaction) = evse.kept.transaction.take() else { return };
        transaction.next_sequence = event.seq_no().saturating_add(1);
        if transaction.authorization.is_none() {
            transaction.authorization.clone_from(&evse.kept.authorization);
        }
        let token = transaction.authorization.clone().filter(|_| !transaction.told_token);
        transaction.told_token |= token.is_some();
        let trigger = cause.trigger.unwrap_or(trigger);
        let step = Step {
            kind,
            evse: id,
            sequence: event.seq_no(),
            trigger,
            reason,
            at,
            meter: context(kind, trigger).map(|context| (meter, context)),
            register: meter.import_register,
            charging_state: evse.charging_state(),
            offline: !self.0.link.is_online(),
            transaction: &transaction,
            token: token.as_ref(),
        };
        spoken!(version, said => said::tell(&self.0.link, &step));
        if kind == Kind::Ended {
            evse.finishing = evse.kept.plugged;
            evse.kept.authorization = None;
            if let Some(operative) = evse.kept.change_to_operative.take() {
                evse.kept.inoperative = !operative;
            }
        } else {
            evse.kept.transaction = Some(transaction);
        }
    }
}

fn begun(evse: &mut super::evse::Evse, id: &str, number: i32, register: i64) -> Transaction {
    let authorization = evse.kept.authorization.clone();
    let reservation = evse.kept.reservation.take_if(|reservation| {
        let driver = authorization.as_ref();
        driver.is_some_and(|driver| reservation.is_for(&driver.token.id_token, driver.group.as_deref()))
    });
    evse.finishing = false;
    Transaction {
        id: id.to_owned(),
        number,
        next_sequence: 1,
        meter_start: register,
        authorization,
        reservation: reservation.map(|reservation| reservation.id),
        told_token: false,
        power_path_closed: false,
    }
}

/// Relative schedules of 2.x count from when the EVSE is ready to deliver energy, and from then on whatever happens (2.0.1 errata
/// 2023-12 §2.10.1). A transaction may have begun before, with the vehicle alone.
fn close_power_path(state: &mut State, id: i32, now: DateTime) {
    if state.version == Version::V1_6 {
        return;
    }
    let Some(evse) = state.evses.iter_mut().find(|evse| evse.id == id) else { return };
    let is_closed = evse.kept.plugged && evse.kept.authorization.is_some();
    let Some(transaction) = evse.kept.transaction.as_mut().filter(|_| is_closed) else { return };
    if !transaction.power_path_closed {
        transaction.power_path_closed = true;
        state.profiles.begin(id, &transaction.id, now);
    }
}
