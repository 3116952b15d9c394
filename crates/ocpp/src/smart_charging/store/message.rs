//! The profile types of the versions, as the store needs them.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::profile::Profile;
use super::super::profile_error::ProfileError;
use super::{Capabilities, Refusal};
use crate::types::DateTime;
use crate::{Version, v16, v21, v201};

/// The profile of a version's messages: a store keeps it as it came, so that a report has all of it.
pub trait ChargingProfile:
    sealed::Sealed + Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned
{
    /// The version.
    const VERSION: Version;

    /// What it says.
    ///
    /// # Errors
    ///
    /// It can't be carried out whatever the station.
    fn read(&self) -> Result<Profile, ProfileError>;

    /// The same for a transaction. `None`: the version has no such transaction id.
    #[must_use]
    fn for_transaction(self, id: &str) -> Option<Self>;

    /// The same, last updated then, if it is dynamic and does not say so itself.
    #[must_use]
    fn received(self, now: DateTime) -> Self;

    /// Whether a station can do what only this version asks for, beyond what is read.
    ///
    /// # Errors
    ///
    /// It can't.
    fn check(&self, can: &Capabilities) -> Result<(), Refusal>;
}

mod sealed {
    use crate::{v16, v21, v201};

    pub trait Sealed {}

    impl Sealed for v16::ChargingProfile {}
    impl Sealed for v201::ChargingProfile {}
    impl Sealed for v21::ChargingProfile {}
}

impl ChargingProfile for v16::ChargingProfile {
    const VERSION: Version = Version::V1_6;

    fn read(&self) -> Result<Profile, ProfileError> {
        Profile::from_v16(self)
    }

    fn for_transaction(mut self, id: &str) -> Option<Self> {
        self.transaction_id = Some(id.parse().ok()?);
        Some(self)
    }

    fn received(self, _: DateTime) -> Self {
        self
    }

    fn check(&self, _: &Capabilities) -> Result<(), Refusal> {
        Ok(())
    }
}

impl ChargingProfile for v201::ChargingProfile {
    const VERSION: Version = Version::V2_0_1;

    fn read(&self) -> Result<Profile, ProfileError> {
        Profile::from_v201(self)
    }

    fn for_transaction(mut self, id: &str) -> Option<Self> {
        self.transaction_id = Some(id.to_owned());
        Some(self)
    }

    fn received(self, _: DateTime) -> Self {
        self
    }

    fn check(&self, _: &Capabilities) -> Result<(), Refusal> {
        Ok(())
    }
}

impl ChargingProfile for v21::ChargingProfile {
    const VERSION: Version = Version::V2_1;

    fn read(&self) -> Result<Profile, ProfileError> {
        Profile::from_v21(self)
    }

    fn for_transaction(mut self, id: &str) -> Option<Self> {
        self.transaction_id = Some(id.to_owned());
        Some(self)
    }

    fn received(mut self, now: DateTime) -> Self {
        if self.charging_profile_kind == v21::ChargingProfileKind::Dynamic {
            self.dyn_update_time.get_or_insert(now);
        }
        self
    }

    fn check(&self, can: &Capabilities) -> Result<(), Refusal> {
        let of_session = matches!(
            self.charging_profile_purpose,
            v21::ChargingProfilePurpose::TxProfile | v21::ChargingProfilePurpose::TxDefaultProfile
        );
        for schedule in &self.charging_schedule {
            if schedule.limit_at_so_c.is_some() && !can.limit_at_soc {
                return Err(Refusal::Member("limitAtSoC"));
            }
            let delays = schedule.randomized_delay.is_some_and(|seconds| seconds != 0);
            if delays && !can.randomized_delay {
                return Err(Refusal::Member("randomizedDelay"));
            }
            if delays && !of_session {
                return Err(Refusal::Delay);
            }
        }
        Ok(())
    }
}
