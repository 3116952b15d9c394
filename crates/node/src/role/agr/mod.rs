//! An aggregator: offers what its fleet can do, takes orders, steers, and says what it expects and what it measured.

mod absences;
mod alarming;
mod days;
mod metering;
mod offering;
mod ordering;
mod planning;
mod portfolio;
mod prognosis;
mod releasing;
mod reserving;
mod settling;
mod stays;
mod telling;
mod tracking;

use std::sync::Arc;

use tieline_flex::Fleet;
use tieline_store::StoreError;
use tieline_types::{EntityAddress, IspCalendar};

use crate::capabilities::Capabilities;
use crate::config::{AgrConfig, ChargerConfig, ProfileUnit};
use crate::context::Context;
use crate::roster::{Listed, Roster};

pub(crate) use absences::Absences;
pub(crate) use days::{METER_DAY, PROGNOSE_DAY, day_and, subject};
pub(crate) use metering::METER;
pub(crate) use offering::Made;
pub(crate) use planning::PLAN;
pub(crate) use portfolio::Placed;
pub(crate) use prognosis::PROGNOSE;

/// An aggregator's decisions.
#[derive(Clone, Debug)]
pub(crate) struct Agr {
    pub(crate) context: Context,
    pub(crate) config: Arc<AgrConfig>,
    /// The chargers that it steers.
    pub(crate) roster: Roster,
    pub(crate) calendar: IspCalendar,
    /// Which chargers are not connected.
    pub(crate) absences: Absences,
    /// What they can do.
    pub(crate) capabilities: Capabilities,
}

impl Agr {
    pub(crate) fn charger(&self, identity: &str) -> Option<Arc<Listed>> {
        self.roster.get(identity)
    }

    /// The unit of a charger's profiles: the configured one; or else the one that it takes, amperes until that is known.
    fn unit_of(&self, charger: &ChargerConfig) -> ProfileUnit {
        let probed = || self.capabilities.get(&charger.identity).unit();
        charger.unit.or_else(probed).unwrap_or(ProfileUnit::A)
    }

    /// The congestion point that a charger lies behind.
    pub(crate) fn congestion_point_of(&self, charger: &ChargerConfig) -> Option<&EntityAddress> {
        let connection =
            self.config.connections.iter().find(|known| known.entity_address == charger.connection)?;
        Some(&connection.congestion_point)
    }

    /// Everything that is charging behind a congestion point.
    async fn fleet(&self, point: &EntityAddress) -> Result<Fleet, StoreError> {
        Ok(self.crowd(point, self.context.now()).await?.fleet)
    }
}
