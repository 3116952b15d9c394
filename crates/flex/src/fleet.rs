use jiff::Timestamp;
use tieline_types::{Energy, EntityAddress, Power};

use crate::Supply;

/// What is charging behind one congestion point: a tree of limits with sessions as its leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// The most that all of it may draw; `None` where nothing limits it.
    pub limit: Option<Power>,
    /// The connections, each once.
    pub connections: Vec<Connection>,
    /// The devices with several sessions behind a limit of their own, each once. Others need not be named.
    pub devices: Vec<Device>,
    /// The sessions at them: those that are charging, and those that are expected if they should count.
    pub sessions: Vec<ChargingSession>,
}

/// A connection to the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its address.
    pub address: EntityAddress,
    /// The most that it may draw; `None` where nothing limits it.
    pub limit: Option<Power>,
}

/// A charging station with one or more EVSEs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name; unique in the fleet.
    pub id: String,
    /// The connection that feeds it, and all sessions at it.
    pub connection: EntityAddress,
    /// The most that its sessions may draw together; `None` where nothing limits them.
    pub limit: Option<Power>,
}

/// An EV at a charger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargingSession {
    /// Its name; unique in the fleet.
    pub id: String,
    /// The connection that feeds it. For a session at a device that the fleet names, that of the device counts.
    pub connection: EntityAddress,
    /// The name of its device; `None` where the device has no limit of its own.
    pub device: Option<String>,
    /// What its charger can do.
    pub supply: Supply,
    /// The most that the EV takes, where it is known to be less than the charger delivers; 0 or more.
    pub draws_at_most: Option<Power>,
    /// Whether it does what it is told.
    pub steering: Steering,
    /// What the driver wants in all; `None` if nobody knows.
    pub energy_wanted: Option<Energy>,
    /// What has been delivered.
    pub energy_delivered: Energy,
    /// When it comes; `None` if it is here.
    pub arrives: Option<Timestamp>,
    /// When it leaves.
    pub departure: Departure,
}

/// Whether a session does what it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steering {
    /// It does.
    #[default]
    Steerable,
    /// Its charger refuses, ignores or can't be told a limit: the others make up for what it draws.
    Unsteerable {
        /// What it goes on drawing until it has what it wants or leaves; 0 or more.
        draws: Power,
    },
}

/// When an EV leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Departure {
    /// It is known.
    Known(Timestamp),
    /// The driver said so; drivers leave earlier as often as not.
    Stated(Timestamp),
    /// Nobody said anything.
    #[default]
    Unknown,
}

impl Departure {
    /// The instant, if there is one.
    pub const fn at(self) -> Option<Timestamp> {
        match self {
            Self::Known(at) | Self::Stated(at) => Some(at),
            Self::Unknown => None,
        }
    }
}

impl ChargingSession {
    /// A session that is here and does what it is told, of whose EV and driver nothing is known.
    pub const fn new(id: String, connection: EntityAddress, supply: Supply) -> Self {
        Self {
            id,
            connection,
            device: None,
            supply,
            draws_at_most: None,
            steering: Steering::Steerable,
            energy_wanted: None,
            energy_delivered: Energy::from_watt_seconds(0),
            arrives: None,
            departure: Departure::Unknown,
        }
    }

    /// What is still wanted, never negative; `None` if nobody knows.
    pub fn energy_missing(&self) -> Option<Energy> {
        let zero = Energy::from_watt_seconds(0);
        self.energy_wanted.map(|wanted| wanted.checked_sub(self.energy_delivered).unwrap_or(zero).max(zero))
    }
}
