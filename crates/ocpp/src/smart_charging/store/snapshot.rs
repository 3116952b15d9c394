//! What a store is made again from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::profile_error::ProfileError;
use super::super::station::Transaction;
use super::{Capabilities, ChargingProfile, Installed, ProfileStore, Running};
use crate::types::DateTime;

/// All that a store knows, to be made durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Snapshot<P: ChargingProfile> {
    /// The profiles, in the order in which they came.
    pub profiles: Vec<SavedProfile<P>>,
    /// The transactions, by EVSE.
    pub transactions: Vec<SavedTransaction>,
    /// Since when the station is offline.
    pub offline_since: Option<DateTime>,
}

/// A profile as it came, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SavedProfile<P: ChargingProfile> {
    /// The EVSE. 0: the whole station.
    pub evse: i32,
    /// Who set it.
    pub source: String,
    /// It as it came, with its updates.
    pub message: P,
    /// Which of its schedules applies, from 0.
    pub selected: usize,
}

/// A transaction that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTransaction {
    /// The EVSE.
    pub evse: i32,
    /// The transaction.
    pub transaction: Transaction,
    /// Whether priority charging is on.
    pub priority_charging: bool,
}

impl<P: ChargingProfile> ProfileStore<P> {
    /// All that it knows.
    pub fn snapshot(&self) -> Snapshot<P> {
        let profiles = self.installed.iter().map(|one| SavedProfile {
            evse: one.evse,
            source: one.source.clone(),
            message: one.message.clone(),
            selected: one.profile.selected,
        });
        let transactions = self.running.iter().map(|(evse, running)| SavedTransaction {
            evse: *evse,
            transaction: running.transaction.clone(),
            priority_charging: running.priority_charging,
        });
        Snapshot {
            profiles: profiles.collect(),
            transactions: transactions.collect(),
            offline_since: self.offline_since,
        }
    }

    /// The store that had this snapshot. What the station can do may have changed since; profiles stay as they are.
    ///
    /// # Errors
    ///
    /// A profile of the snapshot is none: it was not made by a store.
    pub fn restore(capabilities: Capabilities, snapshot: Snapshot<P>) -> Result<Self, ProfileError> {
        let mut installed = Vec::with_capacity(snapshot.profiles.len());
        for saved in snapshot.profiles {
            let mut profile = saved.message.read()?;
            profile.selected = saved.selected;
            let SavedProfile { evse, source, message, .. } = saved;
            installed.push(Installed { evse, source, message, profile, asked: None });
        }
        let running: BTreeMap<_, _> = snapshot
            .transactions
            .into_iter()
            .map(|saved| {
                let SavedTransaction { evse, transaction, priority_charging } = saved;
                (evse, Running { transaction, priority_charging })
            })
            .collect();
        Ok(Self { capabilities, installed, running, offline_since: snapshot.offline_since })
    }
}
