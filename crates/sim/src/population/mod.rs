//! Chargers, the connections that feed them, and the cars that come.

mod config;
mod draw;
mod sessions;
mod uncontrolled;

use jiff::tz::TimeZone;
use tieline_ocpp::Version;
use tieline_types::{EntityAddress, Power};

pub use config::{PopulationConfig, PopulationError};

use crate::SiteKind;
use crate::vehicle::VOLTAGE;

/// The unit in which a charger takes its charging profiles. A profile in the other one is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateUnit {
    /// Watts, of all phases together.
    Watts,
    /// Amperes per phase.
    Amperes,
}

/// A charger with one EVSE and one connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargerSpec {
    /// Its identity.
    pub identity: String,
    /// The connection that feeds it: its index in the population.
    pub connection: usize,
    /// 1.6 or 2.0.1.
    pub version: Version,
    /// Its phases: 1 or 3.
    pub phases: u8,
    /// Amperes per phase, at the most.
    pub maximum_current: u16,
    /// The unit of its profiles.
    pub unit: RateUnit,
    /// By how much its meter counts too much, in per mille.
    pub meter_error: i16,
    /// What its register shows before the first session, in watt-hours.
    pub register: u32,
}

impl ChargerSpec {
    /// The most that it delivers.
    pub fn maximum(&self) -> Power {
        Power::from_watts(i64::from(self.phases) * VOLTAGE * i64::from(self.maximum_current))
    }
}

/// A connection to the grid and the site behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSpec {
    /// Its EAN.
    pub address: EntityAddress,
    /// What kind of place it feeds.
    pub site: SiteKind,
    /// The most that it may draw. Nothing in the simulation enforces it: that is for whoever controls the chargers.
    pub limit: Power,
}

/// Chargers and the people who use them, as a seed determines them.
///
/// ```
/// use jiff::civil::date;
/// use tieline_sim::{Population, PopulationConfig};
///
/// let population = Population::draw(7, PopulationConfig::amsterdam(200))?;
/// assert_eq!(population.chargers().len(), 200);
/// let sessions = population.sessions(date(2026, 6, 4))?;
/// assert_eq!(sessions, Population::draw(7, PopulationConfig::amsterdam(200))?.sessions(date(2026, 6, 4))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Population {
    seed: u64,
    config: PopulationConfig,
    chargers: Vec<ChargerSpec>,
    connections: Vec<ConnectionSpec>,
}

impl Population {
    /// The seed that it was drawn with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where it lives.
    pub fn time_zone(&self) -> &TimeZone {
        &self.config.time_zone
    }

    /// The chargers.
    pub fn chargers(&self) -> &[ChargerSpec] {
        &self.chargers
    }

    /// The connections.
    pub fn connections(&self) -> &[ConnectionSpec] {
        &self.connections
    }

    /// The connection that feeds a charger; `None` for an index that no charger has.
    pub fn connection_of(&self, charger: usize) -> Option<&ConnectionSpec> {
        self.connections.get(self.chargers.get(charger)?.connection)
    }
}
