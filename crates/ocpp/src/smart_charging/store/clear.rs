//! Which profiles a CSMS clears.

use super::super::profile::Purpose;
use super::{ChargingProfile, ProfileStore};

/// What a profile must be to be cleared. What is `None` does not matter; a clear of nothing but `None`s clears all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clear {
    /// Its id. What else is given does not matter then (2.x K10.FR.03; 1.6 §5.2).
    pub id: Option<i32>,
    /// The EVSE on which it is installed. 0: the whole station.
    pub evse: Option<i32>,
    /// Its purpose.
    pub purpose: Option<Purpose>,
    /// Its stack level.
    pub stack_level: Option<i32>,
}

impl<P: ChargingProfile> ProfileStore<P> {
    /// Clears profiles that the CSMS has set; what others have set is not the CSMS's to clear (K10.FR.06). Returns their ids: none is
    /// Unknown in the response.
    pub fn clear(&mut self, clear: &Clear) -> Vec<i32> {
        let clear = *clear;
        self.drop_if(|one| {
            let matches = match clear.id {
                Some(id) => one.profile.id == id,
                None => {
                    clear.evse.is_none_or(|evse| evse == one.evse)
                        && clear.purpose.is_none_or(|purpose| purpose == one.profile.purpose)
                        && clear.stack_level.is_none_or(|level| level == one.profile.stack_level)
                }
            };
            one.is_csms() && matches
        })
    }
}
