//! Names of time zones.

use std::fmt;
use std::str::FromStr;

use crate::Tolerance;
use crate::xml::Lexical;
use crate::xml::lexical::Why;

const REGIONS: [&str; 5] = ["Africa", "America", "Australia", "Europe", "Pacific"];

/// The IANA name of a time zone, as far as UFTP allows it (`TimeZoneNameType`): `Europe/Amsterdam`.
///
/// The region is Africa, America, Australia, Europe or Pacific; the rest is three or more letters, digits,
/// underscores and slashes. Whether the zone exists is for the zone database to say.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeZoneName(Box<str>);

impl TimeZoneName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TimeZoneName {
    type Err = InvalidTimeZoneName;

    fn from_str(text: &str) -> Result<Self, InvalidTimeZoneName> {
        let (region, place) = text.split_once('/').ok_or(InvalidTimeZoneName)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/');
        if REGIONS.contains(&region) && place.len() >= 3 && place.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidTimeZoneName)
        }
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeZoneName({})", self.0)
    }
}

impl Lexical for TimeZoneName {
    const TYPE: &'static str = "TimeZoneNameType";

    fn read(text: &str, _: Tolerance) -> Result<Self, Why> {
        text.parse().map_err(|error: InvalidTimeZoneName| error.to_string().into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

/// The text is no time zone name that UFTP allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected Africa, America, Australia, Europe or Pacific, a slash and a place, such as Europe/Amsterdam"
)]
pub struct InvalidTimeZoneName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_schema_takes() {
        for text in
            ["Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Pacific/Apia", "Africa/Casablanca"]
        {
            assert_eq!(text.parse::<TimeZoneName>().unwrap().as_str(), text);
        }
        for bad in [
            "",
            "UTC",
            "Etc/UTC",
            "Asia/Tokyo",
            "Mars/Olympus",
            "Europe/",
            "Europe/ab",
            "America/Port-au-Prince",
        ] {
            assert!(bad.parse::<TimeZoneName>().is_err(), "{bad}");
        }
    }
}
