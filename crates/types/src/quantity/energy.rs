use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::units::{TooLarge, parse_whole, whole};
use super::{Power, QuantityError};
use crate::{ParseError, TimeSpan};

const PER_WATT_HOUR: i64 = 3600;
const PER_KILOWATT_HOUR: i64 = 3_600_000;
const NANOS: i128 = 1_000_000_000;

/// Energy in whole watt-seconds (joules). Positive is consumption, negative is production.
///
/// The text is `3600 Ws`; `Wh`, `kWh` and `MWh` are read too, and a unit is required.
/// The serde form is the number of watt-seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Energy {
    watt_seconds: i64,
}

impl Energy {
    /// No energy.
    pub const ZERO: Self = Self { watt_seconds: 0 };

    /// Energy of that many watt-seconds.
    pub const fn from_watt_seconds(watt_seconds: i64) -> Self {
        Self { watt_seconds }
    }

    /// Energy of that many watt-hours, if it fits.
    pub const fn from_watt_hours(watt_hours: i64) -> Option<Self> {
        match watt_hours.checked_mul(PER_WATT_HOUR) {
            Some(watt_seconds) => Some(Self { watt_seconds }),
            None => None,
        }
    }

    /// Energy of that many kilowatt-hours, exactly.
    pub fn from_kilowatt_hours(kilowatt_hours: Decimal) -> Result<Self, QuantityError> {
        match whole(kilowatt_hours, PER_KILOWATT_HOUR) {
            Ok(Some(watt_seconds)) => Ok(Self { watt_seconds }),
            Ok(None) => Err(QuantityError::Inexact { unit: "watt-seconds" }),
            Err(TooLarge) => Err(QuantityError::Overflow),
        }
    }

    /// The watt-seconds.
    pub const fn watt_seconds(self) -> i64 {
        self.watt_seconds
    }

    /// The watt-hours, with as many digits as a decimal holds: an hour has 3600 seconds, so the last may be rounded.
    pub fn watt_hours(self) -> Decimal {
        (Decimal::from(self.watt_seconds) / Decimal::from(PER_WATT_HOUR)).normalize()
    }

    /// The kilowatt-hours, with as many digits as a decimal holds: the last may be rounded.
    pub fn kilowatt_hours(self) -> Decimal {
        (Decimal::from(self.watt_seconds) / Decimal::from(PER_KILOWATT_HOUR)).normalize()
    }

    /// The sum, if it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.watt_seconds.checked_add(other.watt_seconds).map(Self::from_watt_seconds)
    }

    /// The difference, if it fits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.watt_seconds.checked_sub(other.watt_seconds).map(Self::from_watt_seconds)
    }

    /// The product, if it fits.
    pub fn checked_mul(self, factor: i64) -> Option<Self> {
        self.watt_seconds.checked_mul(factor).map(Self::from_watt_seconds)
    }

    /// The opposite, if it fits.
    pub fn checked_neg(self) -> Option<Self> {
        self.watt_seconds.checked_neg().map(Self::from_watt_seconds)
    }

    /// The sum of all, if it fits.
    pub fn checked_sum(energies: impl IntoIterator<Item = Self>) -> Option<Self> {
        let sum: i128 = energies.into_iter().map(|energy| i128::from(energy.watt_seconds)).sum();
        i64::try_from(sum).ok().map(Self::from_watt_seconds)
    }

    /// The mean power that gives this energy in that time, rounded to whole watts, a half away from zero:
    /// 0.5 W becomes 1 W, and −0.5 W becomes −1 W.
    ///
    /// Fails only if the time is shorter than a second and the power does not fit.
    pub fn mean_power(self, span: TimeSpan) -> Result<Power, QuantityError> {
        let nanos = span.duration().as_nanos();
        let watt_nanos = i128::from(self.watt_seconds) * NANOS;
        let rest = watt_nanos % nanos;
        let up = i128::from(rest.unsigned_abs() * 2 >= nanos.unsigned_abs());
        let watts = watt_nanos / nanos + up * rest.signum();
        i64::try_from(watts).map(Power::from_watts).map_err(|_| QuantityError::Overflow)
    }
}

impl FromStr for Energy {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let units =
            [("Ws", 1), ("Wh", PER_WATT_HOUR), ("kWh", PER_KILOWATT_HOUR), ("MWh", 1000 * PER_KILOWATT_HOUR)];
        parse_whole(text, &units)
            .map(Self::from_watt_seconds)
            .map_err(|reason| ParseError::new("an energy such as 7.5 kWh", text, reason))
    }
}

impl fmt::Display for Energy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Ws", self.watt_seconds)
    }
}

impl fmt::Debug for Energy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Energy({self})")
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn span(duration: SignedDuration) -> TimeSpan {
        let start = Timestamp::UNIX_EPOCH;
        TimeSpan::new(start, start + duration).unwrap()
    }

    #[test]
    fn reads_and_shows_its_units() {
        assert_eq!("7.5 kWh".parse(), Ok(Energy::from_watt_seconds(27_000_000)));
        assert_eq!("-1 Wh".parse(), Ok(Energy::from_watt_seconds(-3600)));
        assert_eq!("2 MWh".parse(), Ok(Energy::from_watt_hours(2_000_000).unwrap()));
        assert_eq!(Energy::from_watt_seconds(5).to_string().parse(), Ok(Energy::from_watt_seconds(5)));
        assert!("5".parse::<Energy>().unwrap_err().reason().contains("unit"));
        assert!("0.0001 Wh".parse::<Energy>().unwrap_err().reason().contains("finer"));
    }

    #[test]
    fn kilowatt_hours_are_exact_one_way_and_as_good_as_decimals_the_other() {
        let energy = Energy::from_kilowatt_hours("1.25".parse().unwrap()).unwrap();
        assert_eq!(energy.kilowatt_hours().to_string(), "1.25");
        assert_eq!(energy.watt_hours().to_string(), "1250");
        assert_eq!(Energy::from_watt_seconds(1).watt_hours().to_string(), "0.0002777777777777777777777778");
        let too_fine = Energy::from_kilowatt_hours("0.0000001".parse().unwrap());
        assert_eq!(too_fine, Err(QuantityError::Inexact { unit: "watt-seconds" }));
        assert_eq!(Energy::from_kilowatt_hours(Decimal::MAX), Err(QuantityError::Overflow));
    }

    #[test]
    fn mean_power_rounds_half_away_from_zero() {
        let two = span(SignedDuration::from_secs(2));
        for (energy, watts) in [(0, 0), (1, 1), (-1, -1), (2, 1), (3, 2), (-3, -2), (5, 3)] {
            assert_eq!(
                Energy::from_watt_seconds(energy).mean_power(two),
                Ok(Power::from_watts(watts)),
                "{energy}"
            );
        }
        let three = span(SignedDuration::from_secs(3));
        for (energy, watts) in [(1, 0), (-1, 0), (2, 1), (-2, -1), (4, 1)] {
            assert_eq!(
                Energy::from_watt_seconds(energy).mean_power(three),
                Ok(Power::from_watts(watts)),
                "{energy}"
            );
        }
        let short = span(SignedDuration::from_nanos(1));
        assert_eq!(Energy::from_watt_seconds(i64::MAX).mean_power(short), Err(QuantityError::Overflow));
    }

    proptest! {
        #[test]
        fn mean_power_undoes_power_over_time(watts in any::<i32>(), seconds in 1_i64..200_000) {
            let (power, span) = (Power::from_watts(watts.into()), span(SignedDuration::from_secs(seconds)));
            let energy = power.over(span).unwrap();
            prop_assert_eq!(energy.watt_seconds(), i64::from(watts) * seconds);
            prop_assert_eq!(energy.mean_power(span), Ok(power));
        }

        #[test]
        fn mean_power_is_the_nearest(energy in any::<i64>(), seconds in 1_i64..200_000) {
            let mean = Energy::from_watt_seconds(energy).mean_power(span(SignedDuration::from_secs(seconds))).unwrap();
            let error = i128::from(energy) - i128::from(mean.watts()) * i128::from(seconds);
            prop_assert!(error.abs() * 2 <= i128::from(seconds));
        }
    }
}
