use std::iter::FusedIterator;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{IspDuration, IspError, IspNumber, IspRange, IspRangeIter};
use crate::TimeSpan;

/// One local day and its ISPs. Made by [`IspCalendar::day`](super::IspCalendar::day).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IspDay {
    date: Date,
    start: Timestamp,
    end: Timestamp,
    isp_duration: IspDuration,
    last: IspNumber,
}

impl IspDay {
    /// `None` unless the time between is a whole, positive number of ISPs.
    pub(super) fn divide(
        date: Date,
        start: Timestamp,
        end: Timestamp,
        isp_duration: IspDuration,
    ) -> Option<Self> {
        let seconds = end.as_second() - start.as_second();
        let length = i64::from(isp_duration.seconds());
        if start.subsec_nanosecond() != 0 || end.subsec_nanosecond() != 0 || seconds % length != 0 {
            return None;
        }
        let last = IspNumber::try_from(u64::try_from(seconds / length).ok()?).ok()?;
        Some(Self { date, start, end, isp_duration, last })
    }

    /// The local date: the `Period` of a UFTP message.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The first instant of the day.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The first instant after the day.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The whole day.
    pub fn span(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end).expect("a day has at least one ISP")
    }

    /// The length of an ISP.
    pub fn isp_duration(&self) -> IspDuration {
        self.isp_duration
    }

    /// How many ISPs the day has: of 15 minutes 96, and 92 or 100 when clocks change by an hour.
    pub fn count(&self) -> u16 {
        self.last.get()
    }

    /// The last ISP of the day.
    pub fn last(&self) -> IspNumber {
        self.last
    }

    /// All ISPs of the day.
    pub fn all(&self) -> IspRange {
        IspRange::between(IspNumber::FIRST, self.last).expect("no ISP is before the first")
    }

    /// When this ISP is.
    pub fn isp(&self, isp: IspNumber) -> Result<TimeSpan, IspError> {
        self.range(IspRange::single(isp))
    }

    /// When these ISPs are.
    pub fn range(&self, range: IspRange) -> Result<TimeSpan, IspError> {
        let last = range.last();
        if last > self.last {
            return Err(IspError::OutOfDay { isp: last, date: self.date, count: self.count() });
        }
        let start = self.instant(range.start().get() - 1);
        let end = self.instant(last.get());
        Ok(TimeSpan::new(start, end).expect("a range has at least one ISP"))
    }

    /// The ISP that an instant lies in; `None` if it is not in this day.
    pub fn isp_at(&self, at: Timestamp) -> Option<IspNumber> {
        if at < self.start || self.end <= at {
            return None;
        }
        let seconds = self.start.duration_until(at).as_secs();
        let before = u64::try_from(seconds / i64::from(self.isp_duration.seconds())).ok()?;
        IspNumber::try_from(before + 1).ok()
    }

    /// The ISPs in order, each with its time.
    pub fn isps(&self) -> Isps {
        Isps { day: *self, numbers: self.all().iter() }
    }

    /// The instant after that many ISPs of the day.
    fn instant(&self, isps: u16) -> Timestamp {
        let second = self.start.as_second() + i64::from(isps) * i64::from(self.isp_duration.seconds());
        Timestamp::from_second(second).expect("an instant between the start and the end of a day exists")
    }
}

/// The ISPs of an [`IspDay`], in order, each with its time.
#[derive(Clone, Debug)]
pub struct Isps {
    day: IspDay,
    numbers: IspRangeIter,
}

impl Iterator for Isps {
    type Item = (IspNumber, TimeSpan);

    fn next(&mut self) -> Option<Self::Item> {
        let isp = self.numbers.next()?;
        Some((isp, self.day.isp(isp).ok()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl ExactSizeIterator for Isps {}
impl FusedIterator for Isps {}
