//! The charging profiles of a station, by the rules of its version.

mod capabilities;
mod clear;
mod dynamic;
mod external;
mod install;
mod message;
mod refusal;
mod report;
mod running;
mod snapshot;
mod v16;
mod v201;
mod v21;

use std::collections::BTreeMap;

use super::composite::{Composite, CompositeError, Question, composite};
use super::profile::Profile;
use super::station::{Evse, Station, Transaction};
use crate::types::DateTime;

pub use capabilities::{Capabilities, EvseCapabilities};
pub use clear::Clear;
pub use message::ChargingProfile;
pub use refusal::Refusal;
pub use snapshot::{SavedProfile, SavedTransaction, Snapshot};

/// The source of profiles that a CSMS sets (ChargingLimitSourceEnumType).
pub const CSO: &str = "CSO";

/// The charging profiles of one station, as the messages of one version have them.
///
/// It is a plain value: requests change it and give their response, what else happens at the station is told by calls, and
/// time comes in. A station keeps it by a [`Snapshot`] (profiles survive a restart: 1.6 §3.13, 2.x K01.FR.27).
///
/// ```
/// use tieline_ocpp::smart_charging::{Capabilities, ProfileStore};
/// use tieline_ocpp::types::{DateTime, Decimal};
/// use tieline_ocpp::v201::*;
///
/// let now: DateTime = "2026-06-01T12:00:00Z".parse()?;
/// let mut store = ProfileStore::<ChargingProfile>::new(Capabilities::new(2));
/// let periods = vec![ChargingSchedulePeriod::new(0, Decimal::from_i64(16))];
/// let schedule = ChargingSchedule::new(1, ChargingRateUnit::A, periods).with_start_schedule(now);
/// let profile = ChargingProfile::new(
///     1,
///     0,
///     ChargingProfilePurpose::TxDefaultProfile,
///     ChargingProfileKind::Absolute,
///     vec![schedule],
/// );
/// let set = store.set_charging_profile(&SetChargingProfileRequest::new(1, profile), now);
/// assert_eq!(set.status, ChargingProfileStatus::Accepted);
///
/// let told = store.get_composite_schedule(&GetCompositeScheduleRequest::new(3600, 1), now);
/// assert_eq!(told.schedule.unwrap().charging_schedule_period[0].limit, Decimal::from_i64(16));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProfileStore<P> {
    capabilities: Capabilities,
    /// In the order in which they came.
    installed: Vec<Installed<P>>,
    running: BTreeMap<i32, Running>,
    offline_since: Option<DateTime>,
}

/// A profile that is installed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Installed<P> {
    /// The EVSE. 0: the whole station.
    pub evse: i32,
    /// Who set it: [`CSO`] for the CSMS, else EMS, SO, Other or, in 2.1, any text.
    pub source: String,
    /// It as it came.
    pub message: P,
    /// What it says.
    pub profile: Profile,
    /// When an update was last asked for (2.1, dynamic).
    asked: Option<DateTime>,
}

#[derive(Clone, Debug)]
struct Running {
    transaction: Transaction,
    priority_charging: bool,
}

impl<P> Installed<P> {
    /// Whether the CSMS set it.
    pub fn is_csms(&self) -> bool {
        self.source == CSO
    }
}

impl<P: ChargingProfile> ProfileStore<P> {
    /// A store without profiles, of a station without transactions that is online.
    pub const fn new(capabilities: Capabilities) -> Self {
        Self { capabilities, installed: Vec::new(), running: BTreeMap::new(), offline_since: None }
    }

    /// What the station can do.
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The profiles that are installed, in the order in which they came.
    pub fn installed(&self) -> &[Installed<P>] {
        &self.installed
    }

    /// The station as it is now.
    pub fn station(&self) -> Station {
        let evses = self.capabilities.evses.iter().map(|(id, evse)| {
            let running = self.running.get(id);
            Evse {
                id: *id,
                transaction: running.map(|running| running.transaction.clone()),
                priority_charging: running.is_some_and(|running| running.priority_charging),
                supply: evse.supply,
                rating: evse.rating,
            }
        });
        Station {
            evses: evses.collect(),
            supply: self.capabilities.supply,
            rating: self.capabilities.rating,
            offline_since: self.offline_since,
        }
    }

    /// What the profiles allow together.
    ///
    /// # Errors
    ///
    /// Those of [`composite`], also for a unit that the station does not take (K08.FR.07).
    pub fn composite(&self, question: &Question) -> Result<Composite, CompositeError> {
        if let Some(unit) = question.unit
            && !self.capabilities.takes(unit)
        {
            return Err(CompositeError::UnsupportedUnit(unit));
        }
        let profiles: Vec<_> = self.installed.iter().map(|one| (one.evse, &one.profile)).collect();
        composite(&profiles, &self.station(), question)
    }

    /// Drops the profiles whose validTo has come. Returns their ids.
    pub fn expire(&mut self, now: DateTime) -> Vec<i32> {
        self.drop_if(|one| one.profile.valid_to.is_some_and(|to| to <= now))
    }

    fn drop_if(&mut self, drop: impl Fn(&Installed<P>) -> bool) -> Vec<i32> {
        let ids = self.installed.iter().filter(|one| drop(one)).map(|one| one.profile.id).collect();
        self.installed.retain(|one| !drop(one));
        ids
    }
}
