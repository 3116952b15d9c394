use tieline_types::{Energy, Power};

use crate::Chance;

/// Volts between phase and neutral, everywhere in the simulation.
pub const VOLTAGE: i64 = 230;

/// The least current that a charger can offer besides none, in milliamperes per phase (IEC 61851-1).
pub(crate) const MINIMUM_MILLIAMPERES: i64 = 6000;

/// A car, as far as a charger notices it.
///
/// It draws what it can and may until it is nearly full, and then less: half when [2 %](Self::draw) of its battery are missing, a quarter
/// when half a per cent is. On alternating current a battery is charged so slowly that it tapers that late and that little; the steps stand
/// for a curve, so that power is constant between two events and energy is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vehicle {
    /// On how many phases it charges: 1 to 3.
    pub phases: u8,
    /// Amperes per phase, at the most.
    pub maximum_current: u16,
    /// What its battery holds.
    pub capacity: Energy,
}

/// Shares per mille. Chosen: what is sold in the Netherlands; plug-in hybrids have 16 A on one phase.
const KINDS: [((u8, u16, i64), u16); 4] =
    [((1, 16, 12_000), 180), ((1, 32, 55_000), 170), ((3, 16, 70_000), 580), ((3, 32, 90_000), 70)];

/// What is missing in the battery, in parts of its capacity, and by what the power is divided from there on.
const TAPER: [(i64, i64); 2] = [(50, 2), (200, 4)];

impl Vehicle {
    /// A car.
    pub fn draw_one(chance: &mut Chance) -> Self {
        let (phases, maximum_current, capacity) = chance.weighted(&KINDS).unwrap_or(KINDS[0].0);
        let capacity = Energy::from_watt_hours(capacity).expect("the capacities of this table fit");
        Self { phases, maximum_current, capacity }
    }

    /// The most that it takes from a charger with these phases and amperes.
    pub fn maximum(&self, phases: u8, maximum_current: u16) -> Power {
        let phases = i64::from(self.phases.min(phases));
        Power::from_watts(phases * VOLTAGE * i64::from(self.maximum_current.min(maximum_current)))
    }

    /// What it takes of `maximum` when `missing` is still missing in its battery.
    pub fn draw(&self, maximum: Power, missing: Energy) -> Power {
        let divisor =
            TAPER.iter().filter(|(part, _)| missing <= self.part(*part)).map(|(_, divisor)| *divisor);
        Power::from_watts(maximum.watts() / divisor.max().unwrap_or(1))
    }

    /// The next lower energy missing at which the car draws differently; zero where it is full.
    pub(crate) fn next_step(&self, missing: Energy) -> Energy {
        let steps = TAPER.iter().map(|(part, _)| self.part(*part)).filter(|step| *step < missing);
        steps.max().unwrap_or(Energy::ZERO)
    }

    fn part(&self, part: i64) -> Energy {
        Energy::from_watt_seconds(self.capacity.watt_seconds() / part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watt_hours(energy: i64) -> Energy {
        Energy::from_watt_hours(energy).unwrap()
    }

    #[test]
    fn a_car_tapers_in_two_steps_and_is_full() {
        let car = Vehicle { phases: 3, maximum_current: 16, capacity: watt_hours(70_000) };
        let maximum = car.maximum(3, 32);
        assert_eq!(maximum.watts(), 11_040);
        for (missing, watts, next) in
            [(20_000, 11_040, 1400), (1401, 11_040, 1400), (1400, 5520, 350), (350, 2760, 0), (1, 2760, 0)]
        {
            let missing = watt_hours(missing);
            assert_eq!(car.draw(maximum, missing).watts(), watts, "{missing}");
            assert_eq!(car.next_step(missing), watt_hours(next), "{missing}");
        }
    }

    #[test]
    fn the_weaker_of_car_and_charger_decides() {
        let car = Vehicle { phases: 1, maximum_current: 32, capacity: watt_hours(50_000) };
        assert_eq!(car.maximum(3, 16).watts(), 3680);
        assert_eq!(car.maximum(1, 32).watts(), 7360);
        let kinds: Vec<Vehicle> = (0..200).map(|n| Vehicle::draw_one(&mut Chance::of(1, "car", n))).collect();
        assert!(kinds.iter().any(|car| car.maximum(3, 32).watts() < 22_080));
        assert!(kinds.iter().any(|car| car.phases == 1) && kinds.iter().any(|car| car.phases == 3));
    }
}
