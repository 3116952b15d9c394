use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::units::parse_whole;
use super::{Energy, QuantityError};
use crate::{ParseError, TimeSpan};

const NANOS: i128 = 1_000_000_000;

/// Power in whole watts. Positive is consumption, negative is production, as in UFTP.
///
/// The text has its unit: `-5000 W`; `5 kW`, `1.5 MW` and a bare number of watts are read too.
/// The serde form is the number of watts.
///
/// ```
/// use tieline_types::Power;
///
/// let limit: Power = "11 kW".parse()?;
/// assert_eq!(limit.watts(), 11_000);
/// assert_eq!(limit.to_string(), "11000 W");
/// # Ok::<(), tieline_types::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Power {
    watts: i64,
}

impl Power {
    /// No power.
    pub const ZERO: Self = Self { watts: 0 };
    /// The greatest consumption that can be written.
    pub const MAX: Self = Self { watts: i64::MAX };
    /// The greatest production that can be written.
    pub const MIN: Self = Self { watts: i64::MIN };

    /// Power of that many watts.
    pub const fn from_watts(watts: i64) -> Self {
        Self { watts }
    }

    /// Power of that many kilowatts.
    pub const fn from_kilowatts(kilowatts: i64) -> Option<Self> {
        match kilowatts.checked_mul(1000) {
            Some(watts) => Some(Self { watts }),
            None => None,
        }
    }

    /// The watts.
    pub const fn watts(self) -> i64 {
        self.watts
    }

    /// The sum, if it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.watts.checked_add(other.watts).map(Self::from_watts)
    }

    /// The difference, if it fits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.watts.checked_sub(other.watts).map(Self::from_watts)
    }

    /// The product, if it fits.
    pub fn checked_mul(self, factor: i64) -> Option<Self> {
        self.watts.checked_mul(factor).map(Self::from_watts)
    }

    /// The opposite, if it fits.
    pub fn checked_neg(self) -> Option<Self> {
        self.watts.checked_neg().map(Self::from_watts)
    }

    /// The sum of all, if it fits.
    pub fn checked_sum(powers: impl IntoIterator<Item = Self>) -> Option<Self> {
        let sum: i128 = powers.into_iter().map(|power| i128::from(power.watts)).sum();
        i64::try_from(sum).ok().map(Self::from_watts)
    }

    /// The sum, or [`MIN`](Self::MIN) or [`MAX`](Self::MAX) where it would not fit.
    pub fn saturating_add(self, other: Self) -> Self {
        Self::from_watts(self.watts.saturating_add(other.watts))
    }

    /// The difference, or [`MIN`](Self::MIN) or [`MAX`](Self::MAX) where it would not fit.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self::from_watts(self.watts.saturating_sub(other.watts))
    }

    /// The watts without their direction.
    pub fn magnitude(self) -> u64 {
        self.watts.unsigned_abs()
    }

    /// The energy of this power held for that time, exactly.
    ///
    /// Fails if the energy does not fit, or if the time is not in whole seconds and the result not in whole watt-seconds.
    pub fn over(self, span: TimeSpan) -> Result<Energy, QuantityError> {
        self.for_duration(span.duration())
    }

    /// The same for a duration, which may be negative.
    pub fn for_duration(self, duration: SignedDuration) -> Result<Energy, QuantityError> {
        // At most 2^63 W times 2^94 ns would not fit in 128 bits: seconds and the rest are multiplied apart.
        let watts = i128::from(self.watts);
        let fine = watts * i128::from(duration.subsec_nanos());
        if fine % NANOS != 0 {
            return Err(QuantityError::Inexact { unit: "watt-seconds" });
        }
        let watt_seconds = watts * i128::from(duration.as_secs()) + fine / NANOS;
        i64::try_from(watt_seconds).map(Energy::from_watt_seconds).map_err(|_| QuantityError::Overflow)
    }
}

impl FromStr for Power {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_whole(text, &[("", 1), ("W", 1), ("kW", 1000), ("MW", 1_000_000), ("GW", 1_000_000_000)])
            .map(Self::from_watts)
            .map_err(|reason| ParseError::new("a power such as 11 kW", text, reason))
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} W", self.watts)
    }
}

impl fmt::Debug for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Power({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_watts_and_their_multiples() {
        for (text, watts) in [
            ("0", 0),
            ("-5000", -5000),
            ("5000 W", 5000),
            ("5kW", 5000),
            ("+1.5 MW", 1_500_000),
            ("0.001 kW", 1),
            ("-2 GW", -2_000_000_000),
            (" 7 W\n", 7),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(text.parse::<Power>().unwrap().watts(), watts, "{text}");
        }
        for (text, reason) in [
            ("", "number"),
            ("kW", "number"),
            ("5 kw", "unit"),
            ("5 mW", "unit"),
            ("5 kWh", "unit"),
            ("1.5 W", "finer"),
            ("9223372036854775808", "too large"),
            ("1e3", "unit"),
            ("5 k W", "unit"),
        ] {
            let error = text.parse::<Power>().unwrap_err();
            assert!(error.reason().contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn nothing_overflows_in_silence() {
        let one = Power::from_watts(1);
        assert_eq!(Power::MAX.checked_add(one), None);
        assert_eq!(Power::MIN.checked_sub(one), None);
        assert_eq!(Power::MIN.checked_neg(), None);
        assert_eq!(Power::MAX.checked_mul(2), None);
        assert_eq!(Power::from_kilowatts(i64::MAX), None);
        assert_eq!(Power::MAX.saturating_add(one), Power::MAX);
        assert_eq!(Power::checked_sum([Power::MAX, one, Power::MIN]), Some(Power::ZERO));
        assert_eq!(Power::checked_sum([Power::MAX, one]), None);
        assert_eq!(Power::MIN.magnitude(), 1 << 63);
    }

    #[test]
    fn energy_is_exact_or_refused() {
        let power = Power::from_watts(-4000);
        let quarter = SignedDuration::from_mins(15);
        assert_eq!(power.for_duration(quarter), Ok(Energy::from_watt_hours(-1000).unwrap()));
        assert_eq!(power.for_duration(SignedDuration::from_millis(1)), Ok(Energy::from_watt_seconds(-4)));
        assert_eq!(
            Power::from_watts(1).for_duration(SignedDuration::from_millis(1)),
            Err(QuantityError::Inexact { unit: "watt-seconds" })
        );
        assert_eq!(
            Power::MIN.for_duration(SignedDuration::from_secs(i64::MIN)),
            Err(QuantityError::Overflow)
        );
    }
}
