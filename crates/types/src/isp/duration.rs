use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;

use super::IspError;
use crate::ParseError;
use crate::text::{serde_as_text, trim_xml};

const EXPECTED: &str = "an ISP duration";
/// Longest text that is looked at, white space apart.
const MAX_LENGTH: usize = 64;
const MINUTES_PER_DAY: u16 = 1440;

/// The length of an ISP: whole minutes, from 1 to 1440.
///
/// Reads every `xs:duration` of that length (`PT15M`, `PT900S`, `PT0H15M`, `PT15M0.0S`, `P0DT15M`), with white space
/// around it, and writes the canonical one (`PT15M`, `PT1H`, `P1D`). Durations compare by length, so `PT60M` equals `PT1H`.
/// A duration in years or months has no fixed length and is refused, as is one that is not in whole minutes.
///
/// ```
/// use tieline_types::IspDuration;
///
/// assert_eq!("PT900S".parse::<IspDuration>()?, IspDuration::PT15M);
/// assert_eq!(IspDuration::PT15M.to_string(), "PT15M");
/// # Ok::<(), tieline_types::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IspDuration {
    minutes: u16,
}

impl IspDuration {
    /// Five minutes.
    pub const PT5M: Self = Self { minutes: 5 };
    /// Fifteen minutes, the ISP of European markets.
    pub const PT15M: Self = Self { minutes: 15 };
    /// Thirty minutes.
    pub const PT30M: Self = Self { minutes: 30 };
    /// An hour.
    pub const PT1H: Self = Self { minutes: 60 };

    /// A duration of that many minutes, from 1 to 1440.
    pub fn from_minutes(minutes: u16) -> Result<Self, IspError> {
        if (1..=MINUTES_PER_DAY).contains(&minutes) {
            Ok(Self { minutes })
        } else {
            Err(IspError::Duration { minutes: minutes.into() })
        }
    }

    /// The length in minutes.
    pub fn minutes(self) -> u16 {
        self.minutes
    }

    /// The length in seconds.
    pub fn seconds(self) -> u32 {
        u32::from(self.minutes) * 60
    }

    /// The length as a duration to calculate with.
    pub fn signed_duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds().into())
    }
}

impl FromStr for IspDuration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let minutes =
            parse_minutes(trim_xml(text)).map_err(|reason| ParseError::new(EXPECTED, text, reason))?;
        Ok(Self { minutes })
    }
}

fn parse_minutes(text: &str) -> Result<u16, &'static str> {
    const FORM: &str = "it must be an xs:duration such as PT15M";
    const RANGE: &str = "an ISP lasts 1 to 1440 minutes";
    if text.len() > MAX_LENGTH {
        return Err("it is longer than 64 characters");
    }
    if text.starts_with('-') {
        return Err("it is negative");
    }
    let body = text.strip_prefix('P').ok_or(FORM)?;
    let (date, time) = body.split_once('T').map_or((body, None), |(date, time)| (date, Some(time)));
    if time.is_some_and(str::is_empty) || body.is_empty() {
        return Err(FORM);
    }
    let [years, months, days] = components(date, [b'Y', b'M', b'D'])?;
    let [hours, minutes, seconds] = components(time.unwrap_or(""), [b'H', b'M', b'S'])?;
    if years != 0 || months != 0 {
        return Err("years and months have no fixed length");
    }
    let total = [(days, 86_400), (hours, 3600), (minutes, 60), (seconds, 1)]
        .into_iter()
        .try_fold(0_u64, |sum, (count, length)| sum.checked_add(count.checked_mul(length)?))
        .ok_or(RANGE)?;
    if !total.is_multiple_of(60) {
        return Err("it is not a whole number of minutes");
    }
    u16::try_from(total / 60).ok().filter(|minutes| (1..=MINUTES_PER_DAY).contains(minutes)).ok_or(RANGE)
}

/// The numbers before each of the three designators, which must come in this order; 0 for one that is absent.
fn components(mut text: &str, designators: [u8; 3]) -> Result<[u64; 3], &'static str> {
    let mut found = [0; 3];
    let mut next = 0;
    while !text.is_empty() {
        let at =
            text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or("a number in it has no designator")?;
        let designator = text.as_bytes()[at];
        let index = designators[next..]
            .iter()
            .position(|known| *known == designator)
            .ok_or("its designators are unknown, repeated or out of order")?
            + next;
        found[index] = number(&text[..at], designator == b'S')?;
        next = index + 1;
        text = &text[at + 1..];
    }
    Ok(found)
}

fn number(text: &str, may_have_fraction: bool) -> Result<u64, &'static str> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let all_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || fraction.is_some_and(|digits| !may_have_fraction || !all_digits(digits)) {
        return Err("a designator in it has no proper number");
    }
    if fraction.is_some_and(|digits| digits.bytes().any(|byte| byte != b'0')) {
        return Err("it is not a whole number of minutes");
    }
    whole.parse().map_err(|_| "a number in it is too large")
}

impl fmt::Display for IspDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minutes / 60, self.minutes % 60) {
            (24, _) => f.write_str("P1D"),
            (0, minutes) => write!(f, "PT{minutes}M"),
            (hours, 0) => write!(f, "PT{hours}H"),
            (hours, minutes) => write!(f, "PT{hours}H{minutes}M"),
        }
    }
}

impl fmt::Debug for IspDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IspDuration({self})")
    }
}

serde_as_text!(IspDuration, "an ISP duration such as PT15M");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_lexical_form() {
        for text in [
            "PT15M",
            "PT900S",
            "PT0H15M",
            "PT15M0S",
            "PT14M60S",
            "P0DT15M",
            "P0Y0M0DT0H15M0S",
            "PT15M0.000S",
            "PT00015M",
            " \t\r\nPT15M\n",
        ] {
            assert_eq!(text.parse(), Ok(IspDuration::PT15M), "{text:?}");
        }
        assert_eq!("PT60M".parse(), Ok(IspDuration::PT1H));
        assert_eq!("P1D".parse::<IspDuration>().unwrap().minutes(), 1440);
        assert_eq!("PT86400S".parse::<IspDuration>().unwrap().to_string(), "P1D");
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (text, reason) in [
            ("", "xs:duration"),
            ("15", "xs:duration"),
            ("banana", "xs:duration"),
            ("P", "xs:duration"),
            ("PT", "xs:duration"),
            ("P0DT", "xs:duration"),
            ("pt15m", "xs:duration"),
            ("-PT15M", "negative"),
            ("PT0M", "1 to 1440"),
            ("PT1441M", "1 to 1440"),
            ("P2D", "1 to 1440"),
            ("PT90S", "whole number of minutes"),
            ("PT900.5S", "whole number of minutes"),
            ("PT15.0M", "proper number"),
            ("PT.0S", "proper number"),
            ("PT900.S", "proper number"),
            ("PTM", "proper number"),
            ("PT1 5M", "designators"),
            ("PT15M1H", "designators"),
            ("PT15M15M", "designators"),
            ("P15M", "no fixed length"),
            ("P1Y", "no fixed length"),
            ("PT15", "no designator"),
            ("PT99999999999999999999M", "too large"),
            ("PT9999999999999999999M", "1 to 1440"),
            ("PT１５M", "designators"),
        ] {
            let error = text.parse::<IspDuration>().unwrap_err();
            assert!(error.reason().contains(reason), "{text}: {error}");
        }
        assert!(format!("PT{}15M", "0".repeat(100)).parse::<IspDuration>().is_err());
    }

    #[test]
    fn holds_1_to_1440_minutes() {
        assert_eq!(IspDuration::from_minutes(0), Err(IspError::Duration { minutes: 0 }));
        assert!(IspDuration::from_minutes(1).is_ok() && IspDuration::from_minutes(1440).is_ok());
        assert!(IspDuration::from_minutes(1441).is_err());
    }

    proptest! {
        #[test]
        fn text_and_json_come_back(minutes in 1_u16..=1440) {
            let duration = IspDuration::from_minutes(minutes).unwrap();
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            prop_assert_eq!(format!("PT{minutes}M").parse(), Ok(duration));
            let json = serde_json::to_string(&duration).unwrap();
            prop_assert_eq!(serde_json::from_str::<IspDuration>(&json).unwrap(), duration);
        }

        #[test]
        fn no_text_panics(text in "P?[-0-9YMDTHS. ]{0,20}") {
            let _ = text.parse::<IspDuration>();
        }
    }
}
