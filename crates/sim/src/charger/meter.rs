use jiff::Timestamp;
use tieline_types::{Energy, Power};

use crate::{Chance, ChargerSpec};

/// What a meter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// By the charger's own clock.
    pub at: Timestamp,
    /// The register, in whole watt-hours.
    pub register: i64,
    /// The power.
    pub power: Power,
}

/// A meter that counts a little wrong, and is read with noise.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    start: Energy,
    error: i64,
    noise: i64,
    chance: Chance,
    /// What really went through.
    total: Energy,
    /// The last that was read, in watt-seconds of the register.
    last: i64,
}

impl Meter {
    /// The meter of a charger. `noise` is by how much a reading may be wrong, in per mille.
    pub(crate) fn new(charger: &ChargerSpec, noise: u16, chance: Chance) -> Self {
        let start = Energy::from_watt_hours(charger.register.into()).unwrap_or(Energy::ZERO);
        let (error, noise) = (i64::from(charger.meter_error), i64::from(noise));
        Self { start, error, noise, chance, total: Energy::ZERO, last: start.watt_seconds() }
    }

    /// Counts energy.
    pub(crate) fn count(&mut self, energy: Energy) {
        self.total = self.total.checked_add(energy).unwrap_or(self.total);
    }

    /// The register and the power as they are, but for the meter's own error.
    pub(crate) fn read(&mut self, at: Timestamp, power: Power) -> Reading {
        let register = self.register();
        self.last = register;
        Reading { at, register: register / 3600, power: per_mille(power, 1000 + self.error) }
    }

    /// The same with noise. The register is read a little late: it never goes back, and noise does not add up.
    pub(crate) fn read_noisily(&mut self, at: Timestamp, power: Power) -> Reading {
        let exact = self.register();
        let late = (exact - self.last).max(0) * self.chance.between(0, self.noise) / 1000;
        self.last = exact - late;
        let wrong = self.chance.between(-self.noise, self.noise);
        Reading { at, register: self.last / 3600, power: per_mille(power, 1000 + self.error + wrong) }
    }

    /// In watt-seconds.
    fn register(&self) -> i64 {
        let counted = i128::from(self.total.watt_seconds()) * i128::from(1000 + self.error) / 1000;
        self.start.watt_seconds().saturating_add(i64::try_from(counted).unwrap_or(i64::MAX))
    }
}

fn per_mille(power: Power, share: i64) -> Power {
    Power::from_watts(power.watts().saturating_mul(share) / 1000)
}

#[cfg(test)]
mod tests {
    use tieline_ocpp::Version;

    use super::*;
    use crate::RateUnit;

    fn meter(error: i16, noise: u16) -> Meter {
        let charger = ChargerSpec {
            identity: "SIM00001".to_owned(),
            connection: 0,
            version: Version::V1_6,
            phases: 3,
            maximum_current: 16,
            unit: RateUnit::Watts,
            meter_error: error,
            register: 1000,
        };
        Meter::new(&charger, noise, Chance::of(1, "meter", 0))
    }

    fn watt_hours(energy: i64) -> Energy {
        Energy::from_watt_hours(energy).unwrap()
    }

    #[test]
    fn a_meter_counts_from_its_register_with_its_own_error() {
        let mut meter = meter(-10, 0);
        assert_eq!(meter.read(Timestamp::UNIX_EPOCH, Power::ZERO).register, 1000);
        meter.count(watt_hours(5000));
        let reading = meter.read(Timestamp::UNIX_EPOCH, Power::from_watts(11_000));
        assert_eq!((reading.register, reading.power.watts()), (5950, 10_890));
    }

    #[test]
    fn noise_never_turns_the_register_back_and_does_not_add_up() {
        let mut meter = meter(0, 100);
        let mut last = 1000;
        let mut differed = 0;
        for quarter in 1..=200 {
            meter.count(watt_hours(1000));
            let reading = meter.read_noisily(Timestamp::UNIX_EPOCH, Power::from_watts(4000));
            let exact = 1000 + quarter * 1000;
            assert!(
                last <= reading.register && (exact - 120..=exact).contains(&reading.register),
                "{reading:?}"
            );
            assert!((3600..=4400).contains(&reading.power.watts()));
            differed += i32::from(reading.register != exact);
            last = reading.register;
        }
        assert!(differed > 150);
        assert_eq!(meter.read(Timestamp::UNIX_EPOCH, Power::ZERO).register, 201_000);
    }
}
