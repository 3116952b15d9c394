use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::{IspDay, IspDuration, IspError, IspNumber};

/// How the local days of a time zone are cut into ISPs.
///
/// A day starts at the first instant that has its date on the local clock. That is midnight, or the end of the gap
/// where clocks go forward over midnight (Beirut, Cairo, São Paulo before 2019). Where clocks go back over midnight
/// it is the first of the two midnights. A day ends where the next one starts, so days follow each other without gap
/// or overlap, whatever the zone does.
///
/// ```
/// use jiff::{civil::date, tz::TimeZone};
/// use tieline_types::{IspCalendar, IspDuration};
///
/// let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam")?, IspDuration::PT15M);
/// assert_eq!(calendar.day(date(2026, 3, 28))?.count(), 96);
/// assert_eq!(calendar.day(date(2026, 3, 29))?.count(), 92);
/// assert_eq!(calendar.day(date(2026, 10, 25))?.count(), 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct IspCalendar {
    time_zone: TimeZone,
    isp_duration: IspDuration,
}

impl IspCalendar {
    /// The calendar of a time zone with ISPs of this length.
    pub fn new(time_zone: TimeZone, isp_duration: IspDuration) -> Self {
        Self { time_zone, isp_duration }
    }

    /// The time zone whose days these are.
    pub fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

    /// The IANA name of the time zone (`Europe/Amsterdam`), unless it has none, as a fixed offset.
    pub fn zone_name(&self) -> Option<&str> {
        self.time_zone.iana_name()
    }

    /// The length of an ISP.
    pub fn isp_duration(&self) -> IspDuration {
        self.isp_duration
    }

    /// The ISPs of a local day.
    ///
    /// Fails if the day is not a whole number of ISPs (Australia/Lord_Howe moves by half an hour: with 60-minute ISPs two
    /// days of the year are refused), if the zone skipped the date, or at the end of the calendar (year 9999).
    pub fn day(&self, date: Date) -> Result<IspDay, IspError> {
        let start = self.start_of(date)?;
        let end = self.start_of(date.tomorrow().map_err(|_| IspError::DateOutOfRange { date })?)?;
        let seconds = end.as_second() - start.as_second();
        if seconds <= 0 || self.time_zone.to_datetime(start).date() != date {
            return Err(IspError::NoSuchDay { date, zone: self.zone_label() });
        }
        IspDay::divide(date, start, end, self.isp_duration).ok_or_else(|| IspError::DayNotDivisible {
            date,
            zone: self.zone_label(),
            seconds,
            duration: self.isp_duration,
        })
    }

    /// The local day that an instant belongs to, and its ISP there.
    pub fn locate(&self, at: Timestamp) -> Result<(IspDay, IspNumber), IspError> {
        let date = self.time_zone.to_datetime(at).date();
        let mut day = self.day(date)?;
        // After clocks went back over midnight, the local clock shows yesterday's date a second time.
        while at >= day.end() {
            let next = day.date().tomorrow().map_err(|_| IspError::DateOutOfRange { date })?;
            day = self.day(next)?;
        }
        day.isp_at(at).map(|isp| (day, isp)).ok_or(IspError::DateOutOfRange { date })
    }

    /// The first instant at which the local clock shows `date` or a later date.
    fn start_of(&self, date: Date) -> Result<Timestamp, IspError> {
        let out_of_range = |_| IspError::DateOutOfRange { date };
        let ambiguous = self.time_zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                // Read with the offset before the gap, the skipped midnight is at or after the instant of the jump.
                let after = ambiguous.later().map_err(out_of_range)?;
                let just_after =
                    after.checked_add(jiff::SignedDuration::from_secs(1)).map_err(out_of_range)?;
                let jump = self.time_zone.preceding(just_after).next();
                Ok(jump.map_or(after, |transition| transition.timestamp()))
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
                ambiguous.earlier().map_err(out_of_range)
            }
        }
    }

    fn zone_label(&self) -> String {
        self.zone_name().map_or_else(|| format!("{:?}", self.time_zone), str::to_owned)
    }
}

impl fmt::Debug for IspCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IspCalendar({self})")
    }
}

impl fmt::Display for IspCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.isp_duration, self.zone_label())
    }
}

#[cfg(test)]
mod tests;
