use std::fmt;
use std::str::FromStr;

use crate::ParseError;
use crate::text::{serde_as_text, trim_xml};

/// A currency by its ISO 4217 code, three capital letters. Whether ISO lists the code is not checked, as in UFTP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The pound sterling.
    pub const GBP: Self = Self(*b"GBP");

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a code is ASCII letters")
    }
}

impl FromStr for Currency {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match <[u8; 3]>::try_from(trim_xml(text).as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(ParseError::new("a currency", text, "it must be three capital letters, as EUR")),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({})", self.as_str())
    }
}

serde_as_text!(Currency, "a currency such as EUR");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_three_capital_letters() {
        assert_eq!("EUR".parse(), Ok(Currency::EUR));
        assert_eq!(serde_json::to_string(&Currency::GBP).unwrap(), "\"GBP\"");
        for text in ["", "eur", "EU", "EURO", "E R", "EÉ", "12€"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }
}
