use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

/// A length of time in the file: `30s`, `5m`, `2h 30m` or ISO 8601's `PT5M`; never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(Duration);

impl Interval {
    /// An interval of `milliseconds`.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// An interval of `seconds`.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The interval as a duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// The same, for arithmetic with instants.
    pub fn signed(self) -> SignedDuration {
        SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let signed: SignedDuration = text.parse().map_err(|_| {
            serde::de::Error::custom(format!("`{text}` is no duration; write it as 30s, 5m or PT5M"))
        })?;
        Duration::try_from(signed)
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("`{text}` is negative")))
    }
}
