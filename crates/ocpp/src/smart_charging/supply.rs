//! What is needed to turn amperes into watts, and what the hardware can do.

use serde::{Deserialize, Serialize};

use super::profile::{Limits, RateUnit};
use crate::types::Decimal;

/// Digits after the point of what was converted: milliamperes and milliwatts.
const DIGITS: u8 = 3;
/// Parts of one in which is reckoned.
const NANO: i128 = 1_000_000_000;

/// The voltage and the phases behind an EVSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct Supply {
    voltage: Decimal,
    phases: i32,
}

/// A supply that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a supply has a positive voltage of at most 100000 V and one to three phases")]
pub struct SupplyError;

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Unchecked {
    voltage: Decimal,
    phases: i32,
}

impl Supply {
    /// A supply with this voltage between phase and neutral in volts, and this many phases. Direct current has one.
    ///
    /// # Errors
    ///
    /// The voltage is not above 0 and at most 100,000 V, or there are not one to three phases.
    pub fn new(voltage: Decimal, phases: i32) -> Result<Self, SupplyError> {
        let possible = voltage.signum() > 0 && voltage <= Decimal::from_i64(100_000) && nano(voltage) > 0;
        if possible && (1..=3).contains(&phases) { Ok(Self { voltage, phases }) } else { Err(SupplyError) }
    }

    /// Volts between phase and neutral.
    pub const fn voltage(self) -> Decimal {
        self.voltage
    }

    /// One to three.
    pub const fn phases(self) -> i32 {
        self.phases
    }

    /// Limits in another unit, for this many phases, cut towards zero at a thousandth. `None`: the number is too large.
    pub(super) fn convert(self, limits: Limits, from: RateUnit, to: RateUnit, phases: i32) -> Option<Limits> {
        if from == to {
            return Some(limits);
        }
        let each = |limit: Option<Decimal>, phases: i32| {
            let Some(limit) = limit else { return Some(None) };
            let (value, factor) = (nano(limit), nano(self.voltage).checked_mul(phases.into())?);
            let converted = match to {
                RateUnit::W => value.checked_mul(factor)? / NANO,
                RateUnit::A => value.checked_mul(NANO)? / factor,
            };
            from_nano(converted, DIGITS).map(Some)
        };
        if limits.is_split() {
            return Some(Limits {
                limit: each(limits.limit, 1)?,
                l2: each(limits.l2, 1)?,
                l3: each(limits.l3, 1)?,
            });
        }
        Some(Limits::uniform(each(limits.limit, phases)?))
    }
}

impl TryFrom<Unchecked> for Supply {
    type Error = SupplyError;

    fn try_from(unchecked: Unchecked) -> Result<Self, SupplyError> {
        Self::new(unchecked.voltage, unchecked.phases)
    }
}

impl From<Supply> for Unchecked {
    fn from(supply: Supply) -> Self {
        Self { voltage: supply.voltage, phases: supply.phases }
    }
}

/// The most that the hardware can do, whatever the profiles say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    /// Amperes of each phase or watts of all. Not negative.
    pub limit: Decimal,
    /// Its unit.
    pub unit: RateUnit,
    /// How many phases there are, 1 to 3. `None` for direct current, and where profiles may say 3 of their own.
    pub number_phases: Option<i32>,
}

/// A number in billionths, cut towards zero.
fn nano(value: Decimal) -> i128 {
    let mantissa = i128::from(value.mantissa());
    let power = |digits: u8| 10_i128.pow(digits.into());
    match value.scale() {
        scale @ ..=9 => mantissa * power(9 - scale),
        scale => mantissa / power(scale - 9),
    }
}

/// A number of billionths with this many digits after the point, at most 9, cut towards zero.
fn from_nano(value: i128, digits: u8) -> Option<Decimal> {
    let mantissa = value / 10_i128.pow(9 - u32::from(digits));
    Decimal::try_new(i64::try_from(mantissa).ok()?, digits).map(Decimal::normalized)
}

/// A number with at most this many digits after the point, cut towards zero, so that a limit is never exceeded.
pub(super) fn cut(value: Decimal, digits: u8) -> Decimal {
    let Some(drop) = value.scale().checked_sub(digits).filter(|drop| *drop > 0) else { return value };
    let mantissa = i128::from(value.mantissa()) / 10_i128.pow(drop.into());
    let mantissa = i64::try_from(mantissa).expect("it is nearer to zero than the mantissa it was made of");
    Decimal::try_new(mantissa, digits).map_or(value, Decimal::normalized)
}

/// A total shared among phases, cut towards zero at a thousandth.
pub(super) fn share(total: Decimal, phases: i32) -> Option<Decimal> {
    from_nano(nano(total) / i128::from(phases.max(1)), DIGITS)
}
