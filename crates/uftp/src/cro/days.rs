//! Periods from day to day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The days from a first to a last one, both included, or without end: `StartPeriod` and `EndPeriod`.
///
/// ```
/// use jiff::civil::date;
/// use tieline_uftp::cro::Days;
///
/// let days = Days::new(date(2026, 6, 4), Some(date(2026, 6, 5)))?;
/// assert!(days.contains(date(2026, 6, 5)));
/// assert!(Days::new(date(2026, 6, 4), Some(date(2026, 6, 3))).is_err());
/// # Ok::<(), tieline_uftp::cro::EndBeforeStart>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Days {
    start: Date,
    /// `Date::MAX` where there is no end.
    last: Date,
}

impl Days {
    /// The days from `start` to `end`, or without end.
    pub fn new(start: Date, end: Option<Date>) -> Result<Self, EndBeforeStart> {
        let last = end.unwrap_or(Date::MAX);
        if start <= last { Ok(Self { start, last }) } else { Err(EndBeforeStart { start, end: last }) }
    }

    /// The first day.
    pub fn start(self) -> Date {
        self.start
    }

    /// The last day, if there is one.
    pub fn end(self) -> Option<Date> {
        Some(self.last).filter(|last| *last < Date::MAX)
    }

    /// Whether a day is among them.
    pub fn contains(self, day: Date) -> bool {
        self.start <= day && day <= self.last
    }

    /// Whether any day is among both.
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.last && other.start <= self.last
    }

    /// The days of it from `day` on.
    pub(super) fn from(self, day: Date) -> Option<Self> {
        (day <= self.last).then(|| Self { start: self.start.max(day), last: self.last })
    }

    /// The days of it before `day`.
    pub(super) fn before(self, day: Date) -> Option<Self> {
        let last = self.last.min(day.yesterday().ok()?);
        (self.start <= last).then_some(Self { start: self.start, last })
    }

    /// Whether `other` begins on the day after its last one.
    pub(super) fn meets(self, other: Self) -> bool {
        self.last.tomorrow().is_ok_and(|next| next == other.start)
    }

    /// The days from its first to the last one of `other`.
    pub(super) fn until(self, other: Self) -> Self {
        Self { start: self.start, last: other.last.max(self.last) }
    }

    /// The days of it that are in none of `others`.
    pub(super) fn without(self, others: &[Self]) -> Vec<Self> {
        let mut left = vec![self];
        for other in others {
            left = left
                .into_iter()
                .flat_map(|days| {
                    let after = other.last.tomorrow().ok().and_then(|next| days.from(next));
                    [days.before(other.start), after]
                })
                .flatten()
                .collect();
        }
        left
    }
}

/// The end of a period is before its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("EndPeriod {end} is before StartPeriod {start}")]
pub struct EndBeforeStart {
    /// The first day.
    pub start: Date,
    /// The last day.
    pub end: Date,
}

/// How days are kept.
#[derive(Serialize, Deserialize)]
struct Form {
    start: Date,
    end: Option<Date>,
}

impl From<Days> for Form {
    fn from(days: Days) -> Self {
        Self { start: days.start(), end: days.end() }
    }
}

impl TryFrom<Form> for Days {
    type Error = EndBeforeStart;

    fn try_from(form: Form) -> Result<Self, EndBeforeStart> {
        Self::new(form.start, form.end)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn june(start: i8, end: i8) -> Days {
        Days::new(date(2026, 6, start), Some(date(2026, 6, end))).unwrap()
    }

    #[test]
    fn what_is_taken_out_may_leave_two_pieces() {
        assert_eq!(june(1, 30).without(&[june(10, 12), june(20, 30)]), [june(1, 9), june(13, 19)]);
        assert_eq!(june(1, 3).without(&[june(1, 3)]), []);
        let open = Days::new(date(2026, 6, 1), None).unwrap();
        assert_eq!(open.without(&[june(1, 2)]), [Days::new(date(2026, 6, 3), None).unwrap()]);
        assert_eq!(june(5, 6).without(&[open]), []);
    }

    #[test]
    fn days_without_end_stay_so() {
        let open = Days::new(date(2026, 6, 1), None).unwrap();
        assert_eq!(open.end(), None);
        assert_eq!(open.from(date(2026, 7, 1)).unwrap().end(), None);
        assert_eq!(open.before(date(2026, 6, 3)), Some(june(1, 2)));
        assert_eq!(open.before(date(2026, 6, 1)), None);
        let text = serde_json::to_string(&open).unwrap();
        assert_eq!(text, r#"{"start":"2026-06-01","end":null}"#);
        assert_eq!(serde_json::from_str::<Days>(&text).unwrap(), open);
        assert!(serde_json::from_str::<Days>(r#"{"start":"2026-06-02","end":"2026-06-01"}"#).is_err());
    }
}
