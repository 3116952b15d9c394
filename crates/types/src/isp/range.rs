use std::fmt;
use std::iter::FusedIterator;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IspError, IspNumber};
use crate::ParseError;

const EXPECTED: &str = "a range of ISPs";

/// A run of ISPs: the `Start` and `Duration` of UFTP's ISP elements, the duration counted in ISPs.
///
/// The last ISP is at most 65535. The text is `5` for one ISP and `5-8` for four;
/// the serde form is a map of `start` and `duration`.
///
/// ```
/// use tieline_types::IspRange;
///
/// let range = IspRange::from_numbers(5, 4)?;
/// assert_eq!(range.last().get(), 8);
/// assert_eq!(range.into_iter().count(), 4);
/// # Ok::<(), tieline_types::IspError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct IspRange {
    start: IspNumber,
    duration: NonZeroU16,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    start: IspNumber,
    duration: NonZeroU16,
}

impl IspRange {
    /// The run of `duration` ISPs from `start` on.
    pub fn new(start: IspNumber, duration: NonZeroU16) -> Result<Self, IspError> {
        match start.get().checked_add(duration.get() - 1) {
            Some(_) => Ok(Self { start, duration }),
            None => Err(IspError::Range { start, duration: duration.get().into() }),
        }
    }

    /// The same from plain numbers, as they stand in a message.
    pub fn from_numbers(start: u16, duration: u16) -> Result<Self, IspError> {
        let start = IspNumber::new(start)?;
        let duration = NonZeroU16::new(duration).ok_or(IspError::Range { start, duration: 0 })?;
        Self::new(start, duration)
    }

    /// The run from `first` to `last`, both included.
    pub fn between(first: IspNumber, last: IspNumber) -> Result<Self, IspError> {
        let duration = last.get().checked_sub(first.get()).and_then(|more| NonZeroU16::MIN.checked_add(more));
        duration
            .map(|duration| Self { start: first, duration })
            .ok_or(IspError::Range { start: first, duration: 0 })
    }

    /// The run of this one ISP.
    pub fn single(isp: IspNumber) -> Self {
        Self { start: isp, duration: NonZeroU16::MIN }
    }

    /// The first ISP.
    pub fn start(self) -> IspNumber {
        self.start
    }

    /// How many ISPs there are.
    pub fn duration(self) -> NonZeroU16 {
        self.duration
    }

    /// The last ISP.
    pub fn last(self) -> IspNumber {
        let last = self.start.get() + (self.duration.get() - 1);
        IspNumber::new(last).expect("a number not below a positive one is positive")
    }

    /// Whether the ISP is in the run.
    pub fn contains(self, isp: IspNumber) -> bool {
        self.start <= isp && isp <= self.last()
    }

    /// Whether the runs have an ISP in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.last() && other.start <= self.last()
    }

    /// The ISPs that both runs have.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::between(self.start.max(other.start), self.last().min(other.last())).ok()
    }

    /// The ISPs, first to last.
    pub fn iter(self) -> IspRangeIter {
        IspRangeIter { next: self.start.get().into(), last: self.last().get().into() }
    }
}

impl From<IspNumber> for IspRange {
    fn from(isp: IspNumber) -> Self {
        Self::single(isp)
    }
}

impl IntoIterator for IspRange {
    type Item = IspNumber;
    type IntoIter = IspRangeIter;

    fn into_iter(self) -> IspRangeIter {
        self.iter()
    }
}

impl IntoIterator for &IspRange {
    type Item = IspNumber;
    type IntoIter = IspRangeIter;

    fn into_iter(self) -> IspRangeIter {
        self.iter()
    }
}

/// The ISPs of an [`IspRange`], in order.
#[derive(Clone, Debug)]
pub struct IspRangeIter {
    next: u32,
    last: u32,
}

impl Iterator for IspRangeIter {
    type Item = IspNumber;

    fn next(&mut self) -> Option<IspNumber> {
        if self.next > self.last {
            return None;
        }
        let isp = u16::try_from(self.next).ok().and_then(|number| IspNumber::new(number).ok());
        self.next += 1;
        isp
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.last + 1 - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for IspRangeIter {}
impl FusedIterator for IspRangeIter {}

impl TryFrom<Parts> for IspRange {
    type Error = IspError;

    fn try_from(parts: Parts) -> Result<Self, IspError> {
        Self::new(parts.start, parts.duration)
    }
}

impl From<IspRange> for Parts {
    fn from(range: IspRange) -> Self {
        Self { start: range.start, duration: range.duration }
    }
}

impl FromStr for IspRange {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let isp = |part: &str| {
            part.parse().map_err(|_| {
                ParseError::new(EXPECTED, text, "it is written 5 or 5-8, with numbers from 1 on")
            })
        };
        match text.split_once('-') {
            None => Ok(Self::single(isp(text)?)),
            Some((first, last)) => Self::between(isp(first)?, isp(last)?)
                .map_err(|_| ParseError::new(EXPECTED, text, "its last ISP is before its first")),
        }
    }
}

impl fmt::Display for IspRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.duration == NonZeroU16::MIN {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}-{}", self.start, self.last())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(start: u16, duration: u16) -> IspRange {
        IspRange::from_numbers(start, duration).unwrap()
    }

    #[test]
    fn counts_every_isp_of_the_run() {
        let numbers: Vec<u16> = range(5, 4).into_iter().map(IspNumber::get).collect();
        assert_eq!(numbers, [5, 6, 7, 8]);
        assert_eq!(range(65_535, 1).iter().map(IspNumber::get).collect::<Vec<_>>(), [65_535]);
        assert_eq!(range(1, 65_535).iter().len(), 65_535);
    }

    #[test]
    fn ends_at_65535() {
        assert!(IspRange::from_numbers(65_535, 2).is_err());
        assert!(IspRange::from_numbers(0, 1).is_err());
        assert!(IspRange::from_numbers(1, 0).is_err());
        assert!(serde_json::from_str::<IspRange>(r#"{"start":65535,"duration":2}"#).is_err());
    }

    #[test]
    fn text_and_json() {
        assert_eq!(range(5, 1).to_string(), "5");
        assert_eq!(range(5, 4).to_string(), "5-8");
        assert_eq!("5-8".parse(), Ok(range(5, 4)));
        assert_eq!("5".parse(), Ok(range(5, 1)));
        for text in ["", "8-5", "0-3", "5-", "-5", "5-8-9"] {
            assert!(text.parse::<IspRange>().is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&range(5, 4)).unwrap(), r#"{"start":5,"duration":4}"#);
    }

    proptest! {
        #[test]
        fn overlap_is_having_an_isp_in_common(a in 1_u16..40, b in 1_u16..20, c in 1_u16..40, d in 1_u16..20) {
            let (left, right) = (range(a, b), range(c, d));
            let common: Vec<_> = left.iter().filter(|isp| right.contains(*isp)).collect();
            prop_assert_eq!(left.overlaps(right), !common.is_empty());
            prop_assert_eq!(right.overlaps(left), !common.is_empty());
            prop_assert_eq!(left.intersection(right).map_or(vec![], |both| both.iter().collect()), common);
            prop_assert_eq!(left.to_string().parse(), Ok(left));
        }
    }
}
