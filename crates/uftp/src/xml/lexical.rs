//! How each type stands in an attribute.

mod types;

use std::borrow::Cow;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{Role, Tolerance, Version};

/// Why a text is not of its type.
pub(crate) type Why = Cow<'static, str>;

/// A type of attribute values.
pub(crate) trait Lexical: Sized {
    /// The name of the type in the schema.
    const TYPE: &'static str;

    /// The type's white space facet is `collapse`: blanks around the value do not count.
    const COLLAPSED: bool = false;

    /// Reads a value.
    fn read(text: &str, tolerance: Tolerance) -> Result<Self, Why>;

    /// Appends the value in the one form that we write. It has no character that needs a reference, unless the
    /// type replaces it.
    fn write(&self, out: &mut Vec<u8>);
}

/// Implements [`Lexical`] for a closed list of words.
macro_rules! words {
    ($type:ty, $name:literal, $($word:literal => $value:path),+ $(,)?) => {
        impl $crate::xml::Lexical for $type {
            const TYPE: &'static str = $name;

            fn read(text: &str, _: $crate::Tolerance) -> Result<Self, $crate::xml::lexical::Why> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(concat!("expected one of", $(" ", $word),+).into()),
                }
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(match self {
                    $($value => $word.as_bytes(),)+
                });
            }
        }
    };
}
pub(crate) use words;

words!(Role, "USEF-RoleType", "AGR" => Role::Agr, "CRO" => Role::Cro, "DSO" => Role::Dso);

impl Lexical for Version {
    const TYPE: &'static str = "SpecVersion";

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        text.parse().map_err(|error: crate::InvalidVersion| error.to_string().into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, self.major.into());
        out.push(b'.');
        write_integer(out, self.minor.into());
        out.push(b'.');
        write_integer(out, self.patch.into());
    }
}

impl Lexical for bool {
    const TYPE: &'static str = "xs:boolean";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("expected true or false".into()),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Lexical for i64 {
    const TYPE: &'static str = "xs:long";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        read_integer(text)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, *self);
    }
}

impl Lexical for Decimal {
    const TYPE: &'static str = "xs:decimal";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        read_decimal(text)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
    }
}

/// The day of a message (`PeriodType`). The schema's `xs:date` may carry a time zone; what counts is `TimeZone`,
/// so a zone is checked and dropped.
impl Lexical for Date {
    const TYPE: &'static str = "PeriodType";
    const COLLAPSED: bool = true;

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        let (date, zone) = text.split_at_checked(10).ok_or("expected yyyy-mm-dd")?;
        if !(zone.is_empty() || crate::value::read_offset(zone).is_some()) {
            return Err("expected yyyy-mm-dd".into());
        }
        crate::value::read_date(date.as_bytes())
    }

    fn write(&self, out: &mut Vec<u8>) {
        crate::value::write_date(out, *self);
    }
}

/// An `xs:integer` that fits 64 bits.
pub(crate) fn read_integer(text: &str) -> Result<i64, Why> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("expected digits with an optional sign".into());
    }
    if digits.len() > DIGITS_THAT_FIT {
        return text.parse().map_err(|_| "too large: the limit is 64 bits".into());
    }
    let magnitude = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Ok(if negative { -magnitude } else { magnitude })
}

/// Any number of so many digits is within 64 bits with a sign.
const DIGITS_THAT_FIT: usize = 18;

/// Appends `text` with every character replaced that cannot stand in an attribute value as it is.
pub(crate) fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| reference(*byte).is_some()) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let Some((special, tail)) = tail.split_first() {
            out.extend_from_slice(reference(*special).unwrap_or_default());
            rest = tail;
        }
    }
    out.extend_from_slice(rest);
}

/// The reference that stands for `byte` in an attribute value, where one must.
fn reference(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'&' => b"&amp;",
        b'"' => b"&quot;",
        b'\t' => b"&#9;",
        b'\n' => b"&#10;",
        b'\r' => b"&#13;",
        _ => return None,
    })
}

pub(crate) fn write_integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// An `xs:decimal`: no exponent, no infinity, at most 28 digits.
pub(crate) fn read_decimal(text: &str) -> Result<Decimal, Why> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return Err("expected a decimal number".into());
    }
    // What `Decimal` cannot read: a bare point at either end.
    let number = if whole.is_empty() || (fraction.is_empty() && unsigned.len() > whole.len()) {
        let sign = if text.starts_with('-') { "-" } else { "" };
        Decimal::from_str_exact(&format!("{sign}0{whole}.{fraction}0"))
    } else {
        Decimal::from_str_exact(text)
    };
    number.map_err(|_| "too long: the limit is 28 digits".into())
}

/// Appends `number` with exactly `places` digits after the point, which must be enough to hold it.
pub(crate) fn write_decimal(out: &mut Vec<u8>, number: Decimal, places: u32) {
    let mut scaled = number.normalize();
    scaled.rescale(places);
    if scaled.scale() == places
        && let Ok(mantissa) = i64::try_from(scaled.mantissa())
    {
        let unit = 10_u64.pow(places);
        let magnitude = mantissa.unsigned_abs();
        if mantissa < 0 {
            out.push(b'-');
        }
        out.extend_from_slice(itoa::Buffer::new().format(magnitude / unit).as_bytes());
        out.push(b'.');
        let start = out.len();
        out.extend_from_slice(itoa::Buffer::new().format(unit + magnitude % unit).as_bytes());
        // The leading 1 of `unit` kept the zeros; it gives way to them.
        out.remove(start);
    } else {
        // Not with a precision: `Decimal` panics where its digits and the zeros come to more than 32.
        let text = number.normalize().to_string();
        let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        out.extend_from_slice(text.as_bytes());
        if fraction == 0 {
            out.push(b'.');
        }
        out.resize(out.len() + (places as usize).saturating_sub(fraction), b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: &str, places: u32) -> String {
        let mut out = Vec::new();
        write_decimal(&mut out, number.parse().unwrap(), places);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_a_fixed_number_of_places() {
        assert_eq!(written("12.5", 4), "12.5000");
        assert_eq!(written("0", 4), "0.0000");
        assert_eq!(written("-0.0001", 4), "-0.0001");
        assert_eq!(written("20.0001", 4), "20.0001");
        assert_eq!(written("12.500000", 4), "12.5000");
        assert_eq!(written("79228162514264337593543950", 4), "79228162514264337593543950.0000");
        assert_eq!(written("-79228162514264337593543950335", 4), "-79228162514264337593543950335.0000");
        assert_eq!(written("7922816251426433759354395033.5", 4), "7922816251426433759354395033.5000");
    }

    #[test]
    fn reads_decimals_as_the_schema_does() {
        for (text, number) in [("12.5", "12.5"), ("+1", "1"), ("-.5", "-0.5"), ("5.", "5"), ("007", "7")] {
            assert_eq!(read_decimal(text), Ok(number.parse().unwrap()), "{text}");
        }
        for bad in ["", ".", "+", "1e3", "NaN", "INF", "1_000", "0x1", "1,5", "--1", "1.2.3"] {
            assert!(read_decimal(bad).is_err(), "{bad}");
        }
        assert!(read_decimal("1234567890123456789012345678901").is_err());
    }

    #[test]
    fn reads_integers_as_the_schema_does() {
        assert_eq!(read_integer("+42"), Ok(42));
        assert_eq!(read_integer("-0007"), Ok(-7));
        for bad in ["", "+", "1.5", "1 2", "9223372036854775808", "０"] {
            assert!(read_integer(bad).is_err(), "{bad}");
        }
    }
}
