//! What a profile says at a moment, and until when it says so.

use super::profile::{Kind, Period, Profile, second};

/// What else than the clock a profile depends on, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// When relative schedules begin: the start of the transaction, if there is one.
    pub(super) transaction_start: Option<i64>,
    /// Since when the station is offline, if it is.
    pub(super) offline_since: Option<i64>,
}

/// A stretch of time in which a profile says one thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    /// What it says, or nothing.
    pub(super) period: Option<&'a Period>,
    /// The second in which it says something else at the earliest. `i64::MAX`: never.
    pub(super) until: i64,
}

impl Segment<'_> {
    const fn silent(until: i64) -> Self {
        Self { period: None, until }
    }
}

impl Profile {
    /// What it says in a second.
    pub(super) fn segment(&self, at: i64, circumstances: Circumstances) -> Segment<'_> {
        if let Some(from) = self.valid_from.map(second)
            && at < from
        {
            return Segment::silent(from);
        }
        let mut end = self.valid_to.map_or(i64::MAX, second);
        if let (Some(since), Some(most)) = (circumstances.offline_since, self.max_offline_duration) {
            end = end.min(since.saturating_add(most));
        }
        if at >= end {
            return Segment::silent(i64::MAX);
        }
        let mut segment = self.scheduled(at, circumstances);
        segment.until = segment.until.min(end);
        segment
    }

    /// What its schedule says in a second in which the profile is valid.
    fn scheduled(&self, at: i64, circumstances: Circumstances) -> Segment<'_> {
        let given = self.schedule().start.map(second);
        match self.kind {
            Kind::Absolute => self.once(at, given),
            Kind::Relative => self.once(at, circumstances.transaction_start),
            Kind::Dynamic => match given {
                Some(start) if at < start => Segment::silent(start),
                _ => self.once(at, self.updated.map(second).max(given)),
            },
            Kind::Recurring(recurrency) => match given {
                Some(first) if at < first => Segment::silent(first),
                Some(first) => {
                    let times = (at - first) / recurrency.seconds();
                    let start = first + times * recurrency.seconds();
                    let next = start.saturating_add(recurrency.seconds());
                    let mut segment = self.once(at, Some(start));
                    segment.until = segment.until.min(next);
                    segment
                }
                None => Segment::silent(i64::MAX),
            },
        }
    }

    /// What the schedule says if it begins then.
    fn once(&self, at: i64, start: Option<i64>) -> Segment<'_> {
        let Some(start) = start else { return Segment::silent(i64::MAX) };
        if at < start {
            return Segment::silent(start);
        }
        let schedule = self.schedule();
        let end = schedule.duration.map_or(i64::MAX, |seconds| start.saturating_add(seconds));
        if at >= end {
            return Segment::silent(i64::MAX);
        }
        let begun = schedule.periods.partition_point(|period| period.start <= at - start);
        let next = schedule.periods.get(begun).map_or(i64::MAX, |period| start.saturating_add(period.start));
        Segment { period: begun.checked_sub(1).map(|index| &schedule.periods[index]), until: next.min(end) }
    }
}
