//! EAN codes of meters.

use std::fmt;
use std::str::FromStr;

use crate::Tolerance;
use crate::xml::Lexical;
use crate::xml::lexical::Why;

/// The EAN of a meter (`EANType`): `E` or `e` and the digits.
///
/// The published schemas say 16 digits. A real EAN has 18, and both public libraries have used 18 since May 2026;
/// so both lengths are values of this type, and [`Tolerance::eighteen_digit_ean`] says who may send 18.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ean(Box<str>);

impl Ean {
    /// The code with its letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the connection with this code: `ean.` and its digits. `None` only where that is no address.
    pub fn connection(&self) -> Option<tieline_types::EntityAddress> {
        format!("ean.{}", self.digits()).parse().ok()
    }

    /// The 16 or 18 digits.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl FromStr for Ean {
    type Err = InvalidEan;

    fn from_str(text: &str) -> Result<Self, InvalidEan> {
        let digits = text.strip_prefix(['E', 'e']).ok_or(InvalidEan)?;
        if matches!(digits.len(), 16 | 18) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidEan)
        }
    }
}

impl fmt::Display for Ean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Ean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ean({})", self.0)
    }
}

impl Lexical for Ean {
    const TYPE: &'static str = "EANType";

    fn read(text: &str, tolerance: Tolerance) -> Result<Self, Why> {
        let ean: Self = text.parse().map_err(|error: InvalidEan| Why::from(error.to_string()))?;
        if ean.digits().len() == 18 && !tolerance.eighteen_digit_ean {
            return Err("the schema has 16 digits, here are 18".into());
        }
        Ok(ean)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

/// The text is no EAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected E and 16 digits (or 18, where both sides use them)")]
pub struct InvalidEan;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighteen_digits_need_tolerance() {
        assert!(Ean::read("E8716859000126365", Tolerance::STRICT).is_ok());
        assert!(Ean::read("E871685900012636543", Tolerance::STRICT).is_err());
        assert!(Ean::read("e871685900012636543", Tolerance::LENIENT).is_ok());
        for bad in
            ["", "E", "8716859000126365", "E87168590001263654", "E87168590001263x5", "EE716859000126365"]
        {
            assert!(Ean::read(bad, Tolerance::LENIENT).is_err(), "{bad}");
        }
    }
}
