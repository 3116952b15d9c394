//! What a composite schedule depends on beside the profiles.

use serde::{Deserialize, Serialize};

use super::supply::{Rating, Supply};
use crate::types::DateTime;

/// A charging station at the moment of a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Station {
    /// Its EVSEs, in 1.6 its connectors.
    pub evses: Vec<Evse>,
    /// What is behind the station, and behind those EVSEs that name no supply of their own. Without it limits stay in
    /// their unit, and a question that mixes units is an error.
    pub supply: Option<Supply>,
    /// The most that its connection to the grid can do.
    pub rating: Option<Rating>,
    /// Since when it is offline, if it is. Profiles with a maxOfflineDuration end by it (2.1).
    pub offline_since: Option<DateTime>,
}

/// An EVSE, in 1.6 a connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evse {
    /// Its number, from 1.
    pub id: i32,
    /// The transaction that it has.
    pub transaction: Option<Transaction>,
    /// Whether priority charging is on for its transaction (2.1).
    pub priority_charging: bool,
    /// What is behind it, if it differs from the station.
    pub supply: Option<Supply>,
    /// The most that it can do.
    pub rating: Option<Rating>,
}

impl Evse {
    /// An EVSE without transaction.
    pub fn new(id: i32) -> Self {
        Self { id, ..Self::default() }
    }

    /// The same with a transaction.
    pub fn with_transaction(self, transaction: Transaction) -> Self {
        Self { transaction: Some(transaction), ..self }
    }
}

/// A transaction that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Its id. In 1.6 the number as text.
    pub id: String,
    /// When relative schedules begin: in 1.6 the start of the transaction, in 2.x that of charging.
    pub start: DateTime,
}

impl Transaction {
    /// A transaction that began then.
    pub fn new(id: impl Into<String>, start: DateTime) -> Self {
        Self { id: id.into(), start }
    }
}
