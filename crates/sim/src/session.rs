use jiff::{SignedDuration, Timestamp};
use tieline_types::{Energy, TimeSpan};

use crate::Vehicle;

/// One car's stay at a charger, as chance wants it: what happens if nobody limits it is decided by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSpec {
    /// The charger: its index in the population.
    pub charger: usize,
    /// The car.
    pub vehicle: Vehicle,
    /// From when the car comes until it really leaves; whole seconds.
    pub stay: TimeSpan,
    /// When the driver says that the car will leave; `None` if the driver says nothing.
    pub stated_departure: Option<Timestamp>,
    /// What the car takes until it is full.
    pub energy: Energy,
}

impl SessionSpec {
    /// When the car comes.
    pub fn arrival(&self) -> Timestamp {
        self.stay.start()
    }

    /// When it really leaves.
    pub fn departure(&self) -> Timestamp {
        self.stay.end()
    }
}

/// The shortest stay; a car that must leave sooner for the next one does not come at all.
pub(crate) const SHORTEST_STAY: SignedDuration = SignedDuration::from_mins(15);

/// How long a charger is free between two cars, at least.
pub(crate) const BETWEEN_CARS: SignedDuration = SignedDuration::from_mins(5);
