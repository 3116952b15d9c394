use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Amount, Currency, QuantityError};
use crate::ParseError;

/// An amount of money in a currency. The text is `12.50 EUR`.
///
/// Prices of different currencies have no order and no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

impl Price {
    /// The price of this amount in this currency.
    pub fn new(amount: Amount, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum of two prices in one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, QuantityError> {
        self.combine(other, Amount::checked_add)
    }

    /// The difference of two prices in one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, QuantityError> {
        self.combine(other, Amount::checked_sub)
    }

    fn combine(self, other: Self, with: fn(Amount, Amount) -> Option<Amount>) -> Result<Self, QuantityError> {
        if self.currency != other.currency {
            return Err(QuantityError::Currencies { left: self.currency, right: other.currency });
        }
        let amount = with(self.amount, other.amount).ok_or(QuantityError::Overflow)?;
        Ok(Self { amount, currency: self.currency })
    }
}

impl FromStr for Price {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: &str| ParseError::new("a price such as 12.50 EUR", text, reason.to_owned());
        let (amount, currency) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| refuse("it needs an amount, a space and a currency"))?;
        let amount = amount.parse().map_err(|error: ParseError| refuse(error.reason()))?;
        let currency = currency.parse().map_err(|error: ParseError| refuse(error.reason()))?;
        Ok(Self { amount, currency })
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json() {
        let price: Price = "12.50 EUR".parse().unwrap();
        assert_eq!(price.to_string(), "12.50 EUR");
        assert_eq!(serde_json::to_string(&price).unwrap(), r#"{"amount":"12.50","currency":"EUR"}"#);
        for (text, reason) in [("12.50", "space"), ("12.5x EUR", "digits"), ("12.50 euro", "capital")] {
            let error = text.parse::<Price>().unwrap_err();
            assert!(error.reason().contains(reason), "{error}");
        }
    }

    #[test]
    fn only_one_currency_adds_up() {
        let (euro, pound): (Price, Price) = ("1.5 EUR".parse().unwrap(), "2 GBP".parse().unwrap());
        assert_eq!(euro.checked_add(euro), Ok("3.0 EUR".parse().unwrap()));
        assert_eq!(euro.checked_sub(euro), Ok("0 EUR".parse().unwrap()));
        assert_eq!(
            euro.checked_add(pound),
            Err(QuantityError::Currencies { left: Currency::EUR, right: Currency::GBP })
        );
    }
}
