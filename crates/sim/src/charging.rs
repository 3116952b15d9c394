use jiff::SignedDuration;
use tieline_types::{Energy, Power};

use crate::Vehicle;

/// A while of constant power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) power: Power,
    /// Whole seconds, at least one: until the car draws differently by itself.
    pub(crate) lasts: SignedDuration,
}

/// For how long a car goes on with a power that it draws while so much is missing; `None` if it draws nothing.
///
/// What is left in the last second is drawn evenly over it, so that a car that becomes full has got to the watt-second what was missing.
pub(crate) fn step(vehicle: &Vehicle, power: Power, missing: Energy) -> Option<Step> {
    let power = power.watts();
    let missing_watt_seconds = missing.watt_seconds();
    if power <= 0 || missing_watt_seconds <= 0 {
        return None;
    }
    if missing_watt_seconds <= power {
        return Some(Step {
            power: Power::from_watts(missing_watt_seconds),
            lasts: SignedDuration::from_secs(1),
        });
    }
    let until_step = missing_watt_seconds - vehicle.next_step(missing).watt_seconds();
    let seconds = (until_step + power - 1) / power;
    let seconds = seconds.min(missing_watt_seconds / power);
    Some(Step { power: Power::from_watts(power), lasts: SignedDuration::from_secs(seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chance;

    /// For any car, limit and need: the steps end, and their energies add up to what was missing.
    #[test]
    fn steps_add_up_to_what_was_missing() {
        let mut chance = Chance::of(1, "steps", 0);
        for _ in 0..500 {
            let vehicle = Vehicle::draw_one(&mut chance);
            let limit = Power::from_watts(chance.between(1, 22_080));
            let asked = Energy::from_watt_seconds(chance.between(1, vehicle.capacity.watt_seconds()));
            let (mut missing, mut steps) = (asked, 0);
            while let Some(step) = step(&vehicle, vehicle.draw(limit, missing), missing) {
                let energy = step.power.for_duration(step.lasts).unwrap();
                missing = missing.checked_sub(energy).unwrap();
                steps += 1;
                assert!(missing >= Energy::ZERO && steps < 10, "{vehicle:?} {limit} {asked}");
            }
            // A limit of a few watts is divided to nothing.
            assert!(
                missing == Energy::ZERO || limit.watts() < 4,
                "{vehicle:?} {limit}: {missing} of {asked}"
            );
        }
    }
}
