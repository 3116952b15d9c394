//! One EVSE with its connector: what is plugged in, who may charge, and the transaction that follows.

use jiff::Timestamp;
use ocpp_kit::station::transactions::{Conditions, TransactionMachine, TxEvent};
use serde::{Deserialize, Serialize};

use crate::types::DateTime;

/// What identifies a driver: the `idTag` of 1.6, the `idToken` of 2.x.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdToken {
    /// The identifier; at most 20 characters in 1.6, 36 in 2.0.1, 255 in 2.1.
    pub id_token: String,
    /// How it was read, such as `ISO14443`; 1.6 does not say it.
    pub kind: String,
}

impl IdToken {
    /// The number of an RFID card.
    pub fn card(id_token: impl Into<String>) -> Self {
        Self { id_token: id_token.into(), kind: "ISO14443".to_owned() }
    }
}

/// What happens between the EVSE and the vehicle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    /// Nothing: the vehicle has not asked for energy, or the power path is open.
    #[default]
    None,
    /// Energy flows.
    Charging,
    /// The vehicle draws nothing although it could.
    SuspendedEV,
    /// The EVSE offers nothing.
    SuspendedEVSE,
}

/// A driver who may charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) token: IdToken,
    /// The group (`parentIdTag`, `groupIdToken`) whose members may end each other's transactions.
    pub(crate) group: Option<String>,
    /// The CSMS asked for it (2.x).
    pub(crate) remote_start_id: Option<i32>,
    /// The charging profile with which the CSMS wants the transaction to start, as JSON of its version.
    #[serde(default)]
    pub(crate) profile: Option<String>,
}

/// A reservation (1.6 §5.14, 2.x H01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) id: i32,
    pub(crate) token: String,
    pub(crate) group: Option<String>,
    pub(crate) until: Timestamp,
}

impl Reservation {
    /// Whether it is for this driver.
    pub(crate) fn is_for(&self, token: &str, group: Option<&str>) -> bool {
        self.token == token || (group.is_some() && self.group.as_deref() == group)
    }
}

/// A transaction that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) id: String,
    /// The number by which our own messages of 1.6 name it until the CSMS has said its own.
    pub(crate) number: i32,
    pub(crate) next_sequence: i32,
    pub(crate) meter_start: i64,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) reservation: Option<i32>,
    /// The driver has been named in a TransactionEvent.
    pub(crate) told_token: bool,
    /// Energy may flow since some instant: the vehicle is there and its driver may charge (2.x PowerPathClosed).
    #[serde(default)]
    pub(crate) power_path_closed: bool,
}

/// What is kept of an EVSE over a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) plugged: bool,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) transfer: Transfer,
    pub(crate) inoperative: bool,
    pub(crate) change_to_operative: Option<bool>,
    pub(crate) reservation: Option<Reservation>,
    pub(crate) transaction: Option<Transaction>,
}

/// One EVSE with one connector.
#[derive(Debug)]
pub(crate) struct Evse {
    pub(crate) id: i32,
    pub(crate) kept: Kept,
    /// The error code of 1.6, where it is faulted.
    pub(crate) fault: Option<String>,
    /// A transaction has ended and its vehicle is still there.
    pub(crate) finishing: bool,
    /// The status that the CSMS knows.
    pub(crate) told: Option<String>,
    pub(crate) machine: TransactionMachine,
}

impl Evse {
    pub(crate) fn new(id: i32, kept: Kept, machine: TransactionMachine) -> Self {
        let mut evse = Self { id, kept, fault: None, finishing: false, told: None, machine };
        let conditions = evse.conditions();
        if let Some(transaction) = &evse.kept.transaction {
            evse.machine.resume(transaction.id.clone(), transaction.next_sequence, conditions);
        }
        evse
    }

    pub(crate) fn conditions(&self) -> Conditions {
        Conditions {
            parking_bay_occupied: self.kept.plugged,
            ev_connected: self.kept.plugged,
            authorized: self.kept.authorization.is_some(),
            data_signed: false,
            energy_transfer: self.kept.transfer == Transfer::Charging,
        }
    }

    /// What follows from how things are now.
    pub(crate) fn observe(&mut self, now: DateTime) -> Vec<TxEvent> {
        let conditions = self.conditions();
        self.machine.observe(conditions, now)
    }

    /// The status of the connector in 1.6 (§4.9).
    pub(crate) fn status_16(&self) -> &'static str {
        if self.fault.is_some() {
            "Faulted"
        } else if self.kept.transaction.is_some() {
            match self.kept.transfer {
                Transfer::Charging => "Charging",
                Transfer::SuspendedEVSE => "SuspendedEVSE",
                Transfer::None | Transfer::SuspendedEV => "SuspendedEV",
            }
        } else if self.kept.inoperative {
            "Unavailable"
        } else if self.finishing {
            "Finishing"
        } else if self.kept.plugged || self.kept.authorization.is_some() {
            "Preparing"
        } else if self.kept.reservation.is_some() {
            "Reserved"
        } else {
            "Available"
        }
    }

    /// The status of the connector in 2.x (G01).
    pub(crate) fn status_2x(&self) -> &'static str {
        if self.fault.is_some() {
            "Faulted"
        } else if self.kept.plugged || self.kept.transaction.is_some() {
            "Occupied"
        } else if self.kept.inoperative {
            "Unavailable"
        } else if self.kept.reservation.is_some() {
            "Reserved"
        } else {
            "Available"
        }
    }

    /// The `chargingState` of 2.x.
    pub(crate) fn charging_state(&self) -> &'static str {
        match (self.kept.plugged, self.kept.transfer) {
            (false, _) => "Idle",
            (true, Transfer::None) => "EVConnected",
            (true, Transfer::Charging) => "Charging",
            (true, Transfer::SuspendedEV) => "SuspendedEV",
            (true, Transfer::SuspendedEVSE) => "SuspendedEVSE",
        }
    }

    /// Whether nobody uses it, and it could be used.
    pub(crate) fn is_free(&self) -> bool {
        self.fault.is_none()
            && !self.kept.inoperative
            && !self.kept.plugged
            && self.kept.transaction.is_none()
            && self.kept.authorization.is_none()
    }
}
