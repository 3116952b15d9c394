//! How the values of `tieline-types` stand in an attribute.

use std::num::NonZeroU16;

use rust_decimal::Decimal;
use tieline_types::{Amount, Currency, Domain, EntityAddress, IspDuration, IspNumber, ParseError, Power};

use super::{Lexical, Why, read_decimal, read_integer, write_decimal, write_integer};
use crate::Tolerance;

/// Digits after the point of a `CurrencyAmountType`, all of which we write.
const AMOUNT_PLACES: u32 = 4;

/// No amount is as large as this.
const AMOUNT_LIMIT: i128 = 10_i128.pow(24);

fn why(error: &ParseError) -> Why {
    error.reason().to_owned().into()
}

impl Lexical for Domain {
    const TYPE: &'static str = "InternetDomainType";

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        text.parse().map_err(|error| why(&error))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }
}

impl Lexical for EntityAddress {
    const TYPE: &'static str = "EntityAddressType";

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        text.parse().map_err(|error| why(&error))
    }

    fn write(&self, out: &mut Vec<u8>) {
        // The local part of an `ea1` address may hold any printable ASCII.
        super::write_escaped(out, self.as_str());
    }
}

impl Lexical for IspDuration {
    const TYPE: &'static str = "xs:duration";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        text.parse().map_err(|error| why(&error))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
    }
}

impl Lexical for IspNumber {
    const TYPE: &'static str = "xs:positiveInteger";
    const COLLAPSED: bool = true;

    fn read(text: &str, tolerance: Tolerance) -> Result<Self, Why> {
        NonZeroU16::read(text, tolerance).map(Self::from)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, self.get().into());
    }
}

impl Lexical for NonZeroU16 {
    const TYPE: &'static str = "xs:positiveInteger";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        let number = read_integer(text)?;
        Self::try_from(u16::try_from(number).unwrap_or(0)).map_err(|_| "expected 1 to 65535".into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, self.get().into());
    }
}

/// Whole watts: the schema's integers have no bound, ours have 64 bits.
impl Lexical for Power {
    const TYPE: &'static str = "xs:integer";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        read_integer(text).map(Self::from_watts)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, self.watts());
    }
}

/// Less than 10^24: the schema has no bound. What is read can be written back and calculated with: a decimal has 28 digits,
/// of which four stand after the point.
impl Lexical for Amount {
    const TYPE: &'static str = "CurrencyAmountType";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        let value = read_decimal(text)?;
        if value.abs() >= Decimal::from_i128_with_scale(AMOUNT_LIMIT, 0) {
            return Err("too large: the limit is 24 digits before the point".into());
        }
        Self::new(value).map_err(|_| "at most four digits after the point are allowed".into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_decimal(out, self.value(), AMOUNT_PLACES);
    }
}

impl Lexical for Currency {
    const TYPE: &'static str = "ISO4217CurrencyType";

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        text.parse().map_err(|error| why(&error))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_that_is_read_can_be_written_and_calculated_with() {
        let read = |text| Amount::read(text, Tolerance::STRICT);
        for largest in ["999999999999999999999999.9999", "-999999999999999999999999.9999"] {
            let mut out = Vec::new();
            read(largest).unwrap().write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), largest);
        }
        for beyond in ["1000000000000000000000000", "-79228162514264337593543950335", "1e3", "0.00001"] {
            assert!(read(beyond).is_err(), "{beyond}");
        }
    }
}
