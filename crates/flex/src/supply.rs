use rust_decimal::Decimal;
use tieline_types::Power;

/// The smallest current that a charger can be told besides 0: 6 A per phase (IEC 61851-1).
const MINIMUM_CURRENT: i64 = 6;

/// What a charger can deliver, and in which steps it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    phases: i64,
    voltage: i64,
    maximum_current: i64,
    in_amperes: bool,
}

/// A supply that no charger has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a charger has 1 to 3 phases, 1 V or more, and at least 6 A")]
pub struct SupplyError;

impl Supply {
    /// A charger that is told watts.
    pub fn in_watts(phases: u8, voltage: u16, maximum_current: u16) -> Result<Self, SupplyError> {
        Self::new(phases, voltage, maximum_current, false)
    }

    /// A charger that is told amperes per phase, in steps of 0.1 A.
    pub fn in_amperes(phases: u8, voltage: u16, maximum_current: u16) -> Result<Self, SupplyError> {
        Self::new(phases, voltage, maximum_current, true)
    }

    fn new(phases: u8, voltage: u16, maximum_current: u16, in_amperes: bool) -> Result<Self, SupplyError> {
        let (phases, voltage, maximum_current) =
            (i64::from(phases), i64::from(voltage), i64::from(maximum_current));
        if !(1..=3).contains(&phases) || voltage == 0 || maximum_current < MINIMUM_CURRENT {
            return Err(SupplyError);
        }
        Ok(Self { phases, voltage, maximum_current, in_amperes })
    }

    /// The least that it delivers unless it is paused: 6 A.
    pub fn minimum(self) -> Power {
        Power::from_watts(self.phases * self.voltage * MINIMUM_CURRENT)
    }

    /// The most that it delivers.
    pub fn maximum(self) -> Power {
        Power::from_watts(self.phases * self.voltage * self.maximum_current)
    }

    /// The limit that says `power` in the charger's own unit: watts, or amperes per phase with one digit, rounded down.
    pub fn limit(self, power: Power) -> Decimal {
        if self.in_amperes {
            Decimal::new(self.tenths(power.watts()), 1)
        } else {
            Decimal::from(power.watts())
        }
    }

    /// The largest power up to `watts` that can be told. A step of 0.1 A that is no whole number of watts counts as the next
    /// watt above it: what is told in amperes never comes to more than what is planned in watts.
    pub(crate) fn told(self, watts: i64) -> i64 {
        if self.in_amperes { self.of_tenths(self.tenths(watts)) } else { watts }
    }

    /// The smallest power above `watts` that can be told.
    pub(crate) fn next_told(self, watts: i64) -> i64 {
        if self.in_amperes { self.of_tenths(self.tenths(watts) + 1) } else { watts + 1 }
    }

    /// What is so many steps above a power that can be told, or below it.
    pub(crate) fn told_above(self, watts: i64, steps: i64) -> i64 {
        if self.in_amperes { self.of_tenths(self.tenths(watts) + steps) } else { watts + steps }
    }

    /// The smallest power from `watts` on that can be told.
    pub(crate) fn told_at_least(self, watts: i64) -> i64 {
        if self.told(watts) == watts { watts } else { self.next_told(watts) }
    }

    /// What every power that can be told is a multiple of; `None` if that is nothing but 1 W, with gaps between.
    pub(crate) fn step(self) -> Option<i64> {
        let ten_steps = self.phases * self.voltage;
        if self.in_amperes { (ten_steps % 10 == 0).then_some(ten_steps / 10) } else { Some(1) }
    }

    /// The same charger, if it were told watts.
    pub(crate) fn without_steps(self) -> Self {
        Self { in_amperes: false, ..self }
    }

    /// Tenths of an ampere per phase, rounded down.
    fn tenths(self, watts: i64) -> i64 {
        watts.saturating_mul(10).div_euclid(self.phases * self.voltage)
    }

    /// Watts, rounded up.
    fn of_tenths(self, tenths: i64) -> i64 {
        (tenths * self.phases * self.voltage + 9).div_euclid(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every voltage that a charger may have, with 0.1 A a whole number of watts or not.
    fn supplies() -> impl Iterator<Item = Supply> {
        let phases_and_voltages = (1..=3).flat_map(|phases| {
            [1, 7, 110, 127, 229, 230, 231, 237, 240, 277, 400].map(|volts| (phases, volts))
        });
        phases_and_voltages.flat_map(|(phases, volts)| {
            [Supply::in_amperes(phases, volts, 32), Supply::in_watts(phases, volts, 32)].map(Result::unwrap)
        })
    }

    #[test]
    fn what_is_told_says_the_same_as_what_was_to_be_told_and_never_more() {
        for supply in supplies() {
            let per_unit = if supply.in_amperes { supply.phases * supply.voltage } else { 1 };
            for watts in 0..=supply.maximum().watts() {
                let told = supply.told(watts);
                let limit = supply.limit(Power::from_watts(told));
                assert_eq!(limit, supply.limit(Power::from_watts(watts)), "{watts} W to {supply:?}");
                assert!(told <= watts && limit * Decimal::from(per_unit) <= Decimal::from(told));
                assert!(limit * Decimal::from(per_unit) > Decimal::from(told - 1));
            }
        }
    }

    #[test]
    fn nothing_can_be_told_between_a_power_and_the_next() {
        for supply in supplies() {
            for watts in 0..supply.maximum().watts() {
                let next = supply.next_told(watts);
                assert_eq!(supply.told(next), next);
                assert_eq!(supply.told(next - 1), supply.told(watts), "{watts} W to {supply:?}");
            }
        }
    }

    #[test]
    fn the_minimum_and_the_maximum_can_be_told() {
        for supply in supplies() {
            for power in [supply.minimum(), supply.maximum()] {
                assert_eq!(supply.told(power.watts()), power.watts());
            }
        }
    }
}
