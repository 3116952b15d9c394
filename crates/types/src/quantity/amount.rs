use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

use super::QuantityError;
use super::units::parse_decimal;
use crate::ParseError;
use crate::text::{serde_as_text, trim_xml};

const EXPECTED: &str = "an amount";
const DIGITS: u32 = 4;

/// An amount of money without its currency: UFTP's `CurrencyAmountType`, a decimal with at most four fraction digits.
///
/// Amounts compare by value (0.0 equals 0.00) and are written as they came (`0.00`). The serde form is the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The amount with exactly this value; more than four fraction digits are refused, unless they are zeros.
    pub fn new(value: Decimal) -> Result<Self, QuantityError> {
        if value.scale() <= DIGITS {
            return Ok(Self(value));
        }
        let value = value.normalize();
        if value.scale() <= DIGITS {
            Ok(Self(value))
        } else {
            Err(QuantityError::Inexact { unit: "ten-thousandths" })
        }
    }

    /// The amount nearest to this value: four fraction digits, a half rounded away from zero.
    pub fn rounded(value: Decimal) -> Self {
        Self(value.round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointAwayFromZero))
    }

    /// The value.
    pub fn value(self) -> Decimal {
        self.0
    }

    /// The sum, if it fits and is exact.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).filter(|sum| self.is_exact(sum, other)).map(Self)
    }

    /// The difference, if it fits and is exact.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self(-other.0))
    }

    /// The product, exactly: a price times an ActivationFactor.
    pub fn checked_mul(self, factor: Decimal) -> Result<Self, QuantityError> {
        let (left, right) = (self.0.normalize(), factor.normalize());
        let mut digits = left.mantissa().checked_mul(right.mantissa()).ok_or(QuantityError::Overflow)?;
        let mut scale = left.scale() + right.scale();
        while scale > DIGITS {
            if digits % 10 != 0 {
                return Err(QuantityError::Inexact { unit: "ten-thousandths" });
            }
            digits /= 10;
            scale -= 1;
        }
        let product = Decimal::try_from_i128_with_scale(digits, scale);
        product.map(Self).map_err(|_| QuantityError::Overflow)
    }

    /// Decimals give up fraction digits when whole ones need the room; a sum that did is not the sum.
    fn is_exact(self, sum: &Decimal, other: Self) -> bool {
        sum.scale() >= self.0.scale().max(other.0.scale())
    }
}

impl FromStr for Amount {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let value =
            parse_decimal(trim_xml(text)).map_err(|reason| ParseError::new(EXPECTED, text, reason))?;
        Self::new(value).map_err(|_| ParseError::new(EXPECTED, text, "it has more than four fraction digits"))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amount({})", self.0)
    }
}

serde_as_text!(Amount, "an amount such as \"12.50\"");

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn has_at_most_four_fraction_digits() {
        assert_eq!(amount("12.3456").to_string(), "12.3456");
        assert_eq!(amount("12.345600").to_string(), "12.3456");
        assert_eq!(amount(" -0012.50\n").to_string(), "-12.50");
        assert!("12.34567".parse::<Amount>().unwrap_err().reason().contains("four fraction digits"));
        for text in ["", "NaN", "1e3", "1,50", "1_000"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn compares_by_value_and_writes_what_it_read() {
        assert_eq!(amount("0.00"), amount("0.0"));
        assert_eq!(amount("0.00").to_string(), "0.00");
        assert_eq!(serde_json::to_string(&amount("1.50")).unwrap(), "\"1.50\"");
        assert!(serde_json::from_str::<Amount>("1.5").is_err(), "a JSON number may have lost digits");
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        assert_eq!(amount("0.1").checked_add(amount("0.2")), Some(amount("0.3")));
        assert_eq!(amount("0.1").checked_sub(amount("0.2")), Some(amount("-0.1")));
        assert_eq!(amount("10.00").checked_mul("0.25".parse().unwrap()), Ok(amount("2.5")));
        assert!(amount("0.0001").checked_mul("0.5".parse().unwrap()).is_err());
        let huge = amount("9999999999999999999999999999");
        assert_eq!(huge.checked_add(amount("0.0001")), None);
        assert_eq!(huge.checked_mul("100".parse().unwrap()), Err(QuantityError::Overflow));
        let tiny = Decimal::from_i128_with_scale(1, 28);
        assert_eq!(
            amount("0.0001").checked_mul(tiny),
            Err(QuantityError::Inexact { unit: "ten-thousandths" })
        );
        assert_eq!(amount("0").checked_mul(tiny), Ok(Amount::ZERO));
        assert_eq!(Amount::rounded("-0.00005".parse().unwrap()), amount("-0.0001"));
    }
}
