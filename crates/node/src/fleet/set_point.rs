use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tieline_types::{EntityAddress, Power, TimeSpan};

use super::SessionKey;
use crate::config::ProfileUnit;

/// What a session was told, or has yet to be told: limits that end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetPoint {
    pub(crate) session: SessionKey,
    pub(crate) evse: u16,
    pub(crate) congestion_point: EntityAddress,
    pub(crate) unit: ProfileUnit,
    /// In order of time, without gaps; never empty.
    pub(crate) periods: Vec<SetPointPeriod>,
    /// The limit that held when it was made, by the set-point that it replaces.
    pub(crate) before: Option<Decimal>,
    /// What was learned of the session by then.
    pub(crate) learned: Learned,
    pub(crate) state: SetPointState,
}

/// What a session's meter said of how it follows its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Learned {
    /// The most that the EV takes, if it was seen to take less than it might.
    pub(crate) draws_at_most: Option<Power>,
    /// It drew more than it was told and had accepted.
    pub(crate) ignores: bool,
}

/// One limit, while it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetPointPeriod {
    pub(crate) span: TimeSpan,
    /// In the set-point's unit: watts, or amperes per phase. 0 pauses.
    pub(crate) limit: Decimal,
    /// What made it this and no other.
    pub(crate) because: String,
}

/// How far a set-point has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SetPointState {
    /// The charger has not answered it yet.
    Pending {
        /// How often it was sent in vain.
        attempts: u32,
        /// Not to be sent before.
        not_before: Timestamp,
    },
    /// The charger accepted it.
    Accepted {
        /// When.
        at: Timestamp,
    },
    /// The charger refused it; it is not asked again.
    Refused {
        /// What the charger said.
        cause: String,
    },
    /// It was over before the charger could be told.
    Missed,
}

impl SetPoint {
    /// The limit at an instant, whether the charger has accepted it by then or not.
    pub(crate) fn limit_at(&self, at: Timestamp) -> Option<Decimal> {
        self.periods.iter().find(|period| period.span.contains(at)).map(|period| period.limit)
    }

    /// Leaves no more than so many periods, for a charger that takes no more: those that say the same become one, and what is still
    /// too much is left off at the end. What is left off is told by the plans to come.
    pub(crate) fn shorten(&mut self, periods: usize) {
        if self.periods.len() <= periods {
            return;
        }
        self.periods.dedup_by(|next, last| {
            let joined = TimeSpan::new(last.span.start(), next.span.end());
            let is_same = next.limit == last.limit;
            if let Some(joined) = joined.filter(|_| is_same) {
                last.span = joined;
            }
            joined.is_some() && is_same
        });
        self.periods.truncate(periods.max(1));
    }

    /// From the first period's start to the last one's end.
    pub(crate) fn span(&self) -> Option<TimeSpan> {
        TimeSpan::new(self.periods.first()?.span.start(), self.periods.last()?.span.end())
    }
}

record!(SetPoint, "set-point", |this| {
    key: this.session.to_string(),
    subject: this.congestion_point.to_string(),
    span: this.span(),
    open: matches!(this.state, SetPointState::Pending { .. }),
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_that_say_the_same_become_one_before_any_is_left_off() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let period = |hour: i64, limit: i64| SetPointPeriod {
            span: TimeSpan::new(at(hour), at(hour + 1)).unwrap(),
            limit: limit.into(),
            because: String::new(),
        };
        let mut set_point = SetPoint {
            session: SessionKey { charger: "CP-1".to_owned(), transaction: "1".to_owned() },
            evse: 1,
            congestion_point: "ean.871685900012345678".parse().unwrap(),
            unit: ProfileUnit::A,
            periods: vec![period(0, 6), period(1, 6), period(2, 8), period(3, 6)],
            before: None,
            learned: Learned::default(),
            state: SetPointState::Missed,
        };
        set_point.shorten(4);
        assert_eq!(set_point.periods.len(), 4);
        set_point.shorten(3);
        assert_eq!(set_point.periods.len(), 3);
        assert_eq!(set_point.span(), TimeSpan::new(at(0), at(4)));
        set_point.shorten(2);
        assert_eq!(set_point.span(), TimeSpan::new(at(0), at(3)));
        assert_eq!(set_point.limit_at(at(1)), Some(6.into()));
    }
}
