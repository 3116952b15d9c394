//! How much of an offer option is activated.

use std::fmt;

use rust_decimal::Decimal;

use crate::Tolerance;
use crate::xml::Lexical;
use crate::xml::lexical::{Why, read_decimal, write_decimal};

/// The part of an OfferOption that is, or may be, activated (`ActivationFactorType`): 0.01 to 1.00 in steps of
/// 0.01.
///
/// ```
/// use tieline_uftp::value::ActivationFactor;
///
/// let half = ActivationFactor::from_hundredths(50)?;
/// assert!(half < ActivationFactor::FULL);
/// assert_eq!(half.to_string(), "0.50");
/// # Ok::<(), tieline_uftp::value::InvalidActivationFactor>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivationFactor(u8);

impl ActivationFactor {
    /// 1.00, the default: all of it.
    pub const FULL: Self = Self(100);

    /// A factor in hundredths, from 1 to 100.
    pub const fn from_hundredths(hundredths: u8) -> Result<Self, InvalidActivationFactor> {
        match hundredths {
            1..=100 => Ok(Self(hundredths)),
            _ => Err(InvalidActivationFactor),
        }
    }

    /// The factor in hundredths, from 1 to 100.
    pub const fn hundredths(self) -> u8 {
        self.0
    }

    /// The factor as a number, from 0.01 to 1.00.
    pub fn value(self) -> Decimal {
        Decimal::new(self.0.into(), 2)
    }
}

impl TryFrom<Decimal> for ActivationFactor {
    type Error = InvalidActivationFactor;

    fn try_from(number: Decimal) -> Result<Self, InvalidActivationFactor> {
        let hundredths =
            (number.checked_mul(Decimal::ONE_HUNDRED).ok_or(InvalidActivationFactor)?).normalize();
        if hundredths.scale() != 0 {
            return Err(InvalidActivationFactor);
        }
        u8::try_from(hundredths.mantissa())
            .ok()
            .ok_or(InvalidActivationFactor)
            .and_then(Self::from_hundredths)
    }
}

impl fmt::Display for ActivationFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl fmt::Debug for ActivationFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Lexical for ActivationFactor {
    const TYPE: &'static str = "ActivationFactorType";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        read_decimal(text)?.try_into().map_err(|error: InvalidActivationFactor| error.to_string().into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_decimal(out, self.value(), 2);
    }
}

/// The number is not one of 0.01, 0.02, … 1.00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 0.01 to 1.00 with at most two digits after the point")]
pub struct InvalidActivationFactor;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_hundredths_from_one_to_a_hundred() {
        for (text, hundredths) in [("0.01", 1), ("0.5", 50), ("1", 100), ("1.0000", 100), (".80", 80)] {
            let factor = ActivationFactor::read(text, Tolerance::STRICT).unwrap();
            assert_eq!(factor.hundredths(), hundredths, "{text}");
        }
        for bad in ["0", "0.00", "0.001", "0.505", "1.01", "5.00", "-0.5", "79228162514264337593543950335"] {
            assert!(ActivationFactor::read(bad, Tolerance::STRICT).is_err(), "{bad}");
        }
    }
}
