use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ParseError;

const EXPECTED: &str = "a time span";

/// The time from `start` up to, and not including, `end`. Never empty.
///
/// Its text is the interval form of ISO 8601, `2026-06-04T22:00:00Z/2026-06-04T22:15:00Z`;
/// its serde form is a map of `start` and `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct TimeSpan {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Ends {
    start: Timestamp,
    end: Timestamp,
}

impl TimeSpan {
    /// The span between two instants; `None` unless `start` is before `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first instant.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after the span.
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// How long the span lasts; always positive.
    pub fn duration(self) -> SignedDuration {
        self.start.duration_until(self.end)
    }

    /// Whether the instant lies in the span. The end does not.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether the whole of `other` lies in this span.
    pub fn encloses(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the spans have an instant in common. Spans that only touch have none.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// What the spans have in common.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

impl TryFrom<Ends> for TimeSpan {
    type Error = &'static str;

    fn try_from(ends: Ends) -> Result<Self, Self::Error> {
        Self::new(ends.start, ends.end).ok_or("a time span must start before it ends")
    }
}

impl From<TimeSpan> for Ends {
    fn from(span: TimeSpan) -> Self {
        Self { start: span.start, end: span.end }
    }
}

impl FromStr for TimeSpan {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: String| ParseError::new(EXPECTED, text, reason);
        let (start, end) =
            text.split_once('/').ok_or_else(|| refuse("it is written start/end, two instants".to_owned()))?;
        let start = start.parse().map_err(|error| refuse(format!("its start is no instant: {error}")))?;
        let end = end.parse().map_err(|error| refuse(format!("its end is no instant: {error}")))?;
        Self::new(start, end).ok_or_else(|| refuse("it must start before it ends".to_owned()))
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> TimeSpan {
        TimeSpan::new(Timestamp::from_second(start).unwrap(), Timestamp::from_second(end).unwrap()).unwrap()
    }

    #[test]
    fn is_never_empty() {
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(TimeSpan::new(at, at), None);
        assert!("2026-01-01T00:00:00Z/2026-01-01T00:00:00Z".parse::<TimeSpan>().is_err());
        let json = r#"{"start":"2026-01-01T00:00:01Z","end":"2026-01-01T00:00:00Z"}"#;
        assert!(serde_json::from_str::<TimeSpan>(json).unwrap_err().to_string().contains("start before"));
    }

    #[test]
    fn is_half_open() {
        let quarter = span(0, 900);
        assert!(quarter.contains(quarter.start()));
        assert!(!quarter.contains(quarter.end()));
        assert!(!quarter.overlaps(span(900, 1800)));
        assert!(quarter.overlaps(span(899, 1800)));
        assert_eq!(quarter.intersection(span(600, 1800)), Some(span(600, 900)));
        assert_eq!(quarter.intersection(span(900, 1800)), None);
        assert!(quarter.encloses(span(0, 900)) && !quarter.encloses(span(0, 901)));
        assert_eq!(quarter.duration(), SignedDuration::from_mins(15));
    }

    #[test]
    fn text_and_json_come_back() {
        let quarter = span(1_750_000_000, 1_750_000_900);
        assert_eq!(quarter.to_string().parse::<TimeSpan>().unwrap(), quarter);
        let json = serde_json::to_string(&quarter).unwrap();
        assert_eq!(serde_json::from_str::<TimeSpan>(&json).unwrap(), quarter);
    }
}
