//! What happens at the station beside messages: transactions, priority charging, being offline.

use super::super::profile::{Purpose, second};
use super::super::station::Transaction;
use super::{ChargingProfile, ProfileStore, Refusal, Running};
use crate::types::DateTime;

impl<P: ChargingProfile> ProfileStore<P> {
    /// A transaction has begun on an EVSE. One that was there ends by it. Returns the ids of the profiles that end with that one.
    ///
    /// # Errors
    ///
    /// There is no such EVSE. Nothing has changed then.
    pub fn begin_transaction(&mut self, evse: i32, transaction: Transaction) -> Result<Vec<i32>, Refusal> {
        if !self.capabilities.evses.contains_key(&evse) {
            return Err(Refusal::UnknownEvse(evse));
        }
        let other = self.running.get(&evse).is_some_and(|running| running.transaction.id != transaction.id);
        let ended = if other { self.end_transaction(evse) } else { Vec::new() };
        let priority_charging = self.running.get(&evse).is_some_and(|running| running.priority_charging);
        self.running.insert(evse, Running { transaction, priority_charging });
        Ok(ended)
    }

    /// The transaction of an EVSE has ended, and its TxProfiles with it (1.6 §3.13.1; 2.x K01.FR.07). Returns their ids.
    pub fn end_transaction(&mut self, evse: i32) -> Vec<i32> {
        let Some(ended) = self.running.remove(&evse) else { return Vec::new() };
        self.drop_if(|one| {
            let its = one.profile.transaction.as_ref().is_none_or(|id| *id == ended.transaction.id);
            one.profile.purpose == Purpose::Tx && one.evse == evse && its
        })
    }

    /// The transaction of an EVSE has another id from now on, and its TxProfiles with it: in 1.6 the CSMS gives it its number when it
    /// has begun.
    ///
    /// # Errors
    ///
    /// A profile can't have such an id. Nothing has changed then.
    pub fn rename_transaction(&mut self, evse: i32, id: &str) -> Result<(), Refusal> {
        let Some(running) = self.running.get_mut(&evse) else { return Err(Refusal::TxNotFound(evse)) };
        let mut installed = self.installed.clone();
        for one in &mut installed {
            if one.evse == evse && one.profile.transaction.as_deref() == Some(running.transaction.id.as_str())
            {
                one.message = one.message.clone().for_transaction(id).ok_or(Refusal::TxNotFound(evse))?;
                one.profile.transaction = Some(id.to_owned());
            }
        }
        id.clone_into(&mut running.transaction.id);
        self.installed = installed;
        Ok(())
    }

    /// The transaction of an EVSE.
    pub fn transaction(&self, evse: i32) -> Option<&Transaction> {
        self.running.get(&evse).map(|running| &running.transaction)
    }

    /// The station has lost its CSMS. Profiles with a maxOfflineDuration end by it (2.1).
    pub fn go_offline(&mut self, now: DateTime) {
        self.offline_since.get_or_insert(now);
    }

    /// The station has its CSMS again. Profiles that were offline for too long and are not to come back are dropped (2.1
    /// invalidAfterOfflineDuration). Returns their ids.
    pub fn go_online(&mut self, now: DateTime) -> Vec<i32> {
        let Some(since) = self.offline_since.take() else { return Vec::new() };
        let away = second(now) - second(since);
        self.drop_if(|one| {
            one.profile.invalid_after_offline
                && one.profile.max_offline_duration.is_some_and(|most| away >= most)
        })
    }

    /// The vehicle on an EVSE has chosen one of the schedules of its TxProfile (2.x K15, selectedChargingScheduleId). Returns
    /// whether there is such a schedule.
    pub fn choose_schedule(&mut self, profile: i32, schedule: i32) -> bool {
        let Some(one) = self.installed.iter_mut().find(|one| one.profile.id == profile) else { return false };
        let Some(index) = one.profile.schedules.iter().position(|one| one.id == schedule) else {
            return false;
        };
        one.profile.selected = index;
        true
    }
}
