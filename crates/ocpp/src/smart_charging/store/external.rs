//! Limits that come from outside of the CSMS: an energy manager, a grid operator.

use super::super::profile::Purpose;
use super::{CSO, ChargingProfile, ProfileStore, Refusal};
use crate::types::DateTime;

impl<P: ChargingProfile> ProfileStore<P> {
    /// Sets an external limit, in the place of one with the same id, or the same source, EVSE, purpose and level.
    pub(super) fn set_external(
        &mut self,
        evse: i32,
        source: &str,
        message: P,
        now: DateTime,
    ) -> Result<(), Refusal> {
        let message = message.received(now);
        let profile = message.read()?;
        if !matches!(profile.purpose, Purpose::ExternalConstraints | Purpose::LocalGeneration)
            || source == CSO
        {
            return Err(Refusal::NotExternal(profile.purpose));
        }
        self.admits(evse, &profile)?;
        message.check(&self.capabilities)?;
        if profile.transaction.is_some() {
            return Err(Refusal::Transaction);
        }
        let (id, purpose, level) = (profile.id, profile.purpose, profile.stack_level);
        if self.installed.iter().any(|one| one.profile.id == id && one.source != source) {
            return Err(Refusal::Id(id));
        }
        self.put(evse, source, message, profile, |one| {
            let like = one.evse == evse && one.profile.purpose == purpose && one.profile.stack_level == level;
            one.source == source && (one.profile.id == id || like)
        })?;
        Ok(())
    }

    /// Clears what a source has set on an EVSE. Returns whether there was something.
    pub(super) fn clear_external(&mut self, evse: i32, source: &str) -> bool {
        !self.drop_if(|one| !one.is_csms() && one.source == source && one.evse == evse).is_empty()
    }
}
