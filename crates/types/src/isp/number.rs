use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::IspError;
use crate::ParseError;
use crate::text::trim_xml;

/// The number of an ISP in its local day. The first is 1.
///
/// Reads an `xs:positiveInteger` up to 65535, with white space around it. Whether a day has that many ISPs
/// is for [`IspDay`](super::IspDay) to say. Its serde form is the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IspNumber(NonZeroU16);

impl IspNumber {
    /// The first ISP of a day.
    pub const FIRST: Self = Self(NonZeroU16::MIN);

    /// The ISP with this number, from 1 on.
    pub fn new(number: u16) -> Result<Self, IspError> {
        NonZeroU16::new(number).map(Self).ok_or(IspError::Number { number: number.into() })
    }

    /// The number, from 1 on.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// How many ISPs of the day come before this one.
    pub fn index(self) -> usize {
        usize::from(self.get()) - 1
    }

    /// The ISP after this one, unless this is number 65535.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl From<NonZeroU16> for IspNumber {
    fn from(number: NonZeroU16) -> Self {
        Self(number)
    }
}

impl From<IspNumber> for u16 {
    fn from(isp: IspNumber) -> Self {
        isp.get()
    }
}

impl TryFrom<u16> for IspNumber {
    type Error = IspError;

    fn try_from(number: u16) -> Result<Self, IspError> {
        Self::new(number)
    }
}

impl TryFrom<u64> for IspNumber {
    type Error = IspError;

    fn try_from(number: u64) -> Result<Self, IspError> {
        u16::try_from(number).map_err(|_| IspError::Number { number }).and_then(Self::new)
    }
}

impl FromStr for IspNumber {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        trim_xml(text)
            .parse()
            .map(Self)
            .map_err(|_| ParseError::new("an ISP number", text, "it must be a whole number from 1 to 65535"))
    }
}

impl fmt::Display for IspNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for IspNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IspNumber({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_one() {
        assert_eq!(IspNumber::new(0), Err(IspError::Number { number: 0 }));
        assert_eq!(IspNumber::FIRST.get(), 1);
        assert_eq!(IspNumber::FIRST.index(), 0);
        assert_eq!(IspNumber::try_from(65_536_u64), Err(IspError::Number { number: 65_536 }));
        assert_eq!(IspNumber::new(u16::MAX).unwrap().next(), None);
        assert_eq!(IspNumber::FIRST.next(), Some(IspNumber::new(2).unwrap()));
    }

    #[test]
    fn reads_a_positive_integer() {
        for text in ["7", " 7\n", "+7", "007"] {
            assert_eq!(text.parse::<IspNumber>().unwrap().get(), 7);
        }
        for text in ["", "0", "-1", "1.5", "1.0", "65536", "one", "1 2", "1e2"] {
            assert!(text.parse::<IspNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn serde_form_is_the_number() {
        assert_eq!(serde_json::from_str::<IspNumber>("96").unwrap().get(), 96);
        assert!(serde_json::from_str::<IspNumber>("0").is_err());
        assert_eq!(serde_json::to_string(&IspNumber::FIRST).unwrap(), "1");
    }
}
