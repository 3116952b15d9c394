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
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::IspRange;

    fn calendar(zone: &str, minutes: u16) -> IspCalendar {
        IspCalendar::new(TimeZone::get(zone).unwrap(), IspDuration::from_minutes(minutes).unwrap())
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn isp_9_of_a_switch_day_comes_after_the_switch() {
        let calendar = calendar("Europe/Amsterdam", 15);
        let isp = IspNumber::new(9).unwrap();
        // 2 h after midnight: 03:00 on the local clock in spring, 02:00 for the second time in autumn is ISP 13.
        let spring = calendar.day(date(2026, 3, 29)).unwrap();
        assert_eq!(spring.isp(isp).unwrap().start(), instant("2026-03-29T03:00:00+02:00"));
        let autumn = calendar.day(date(2026, 10, 25)).unwrap();
        assert_eq!(autumn.isp(isp).unwrap().start(), instant("2026-10-25T02:00:00+02:00"));
        let again = IspNumber::new(13).unwrap();
        assert_eq!(autumn.isp(again).unwrap().start(), instant("2026-10-25T02:00:00+01:00"));
    }

    #[test]
    fn an_isp_beyond_the_day_is_refused() {
        let spring = calendar("Europe/Amsterdam", 15).day(date(2026, 3, 29)).unwrap();
        let isp = IspNumber::new(93).unwrap();
        assert_eq!(spring.isp(isp), Err(IspError::OutOfDay { isp, date: date(2026, 3, 29), count: 92 }));
        assert!(spring.range(IspRange::from_numbers(92, 1).unwrap()).is_ok());
        assert!(spring.range(IspRange::from_numbers(92, 2).unwrap()).is_err());
    }

    #[test]
    fn a_day_that_is_no_whole_number_of_isps_is_refused() {
        let hourly = calendar("Australia/Lord_Howe", 60);
        assert!(hourly.day(date(2026, 10, 3)).is_ok());
        let error = hourly.day(date(2026, 10, 4)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2026-10-04 in Australia/Lord_Howe lasts 84600 s, which is no whole number of PT1H ISPs"
        );
        assert_eq!(calendar("Australia/Lord_Howe", 15).day(date(2026, 10, 4)).unwrap().count(), 94);
        assert!(calendar("Europe/Amsterdam", 7).day(date(2026, 6, 4)).is_err());
    }

    #[test]
    fn a_day_without_midnight_starts_at_its_first_instant() {
        for (zone, day, start) in [
            ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T01:00:00-02:00"),
            ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T01:00:00+03:00"),
            ("Asia/Beirut", date(2026, 3, 29), "2026-03-29T01:00:00+03:00"),
            // The clock went from 23:30 to 00:30: the day starts half an hour late, not an hour.
            ("America/Toronto", date(1919, 3, 31), "1919-03-31T00:30:00-04:00"),
        ] {
            let day = calendar(zone, 5).day(day).unwrap();
            assert_eq!(day.start(), instant(start), "{zone}");
        }
    }

    #[test]
    fn a_day_with_two_midnights_starts_at_the_first() {
        let day = calendar("America/Havana", 15).day(date(2026, 11, 1)).unwrap();
        assert_eq!(day.start(), instant("2026-11-01T00:00:00-04:00"));
        assert_eq!(day.count(), 100);
    }

    #[test]
    fn a_skipped_date_is_no_day() {
        let apia = calendar("Pacific/Apia", 15);
        let error = apia.day(date(2011, 12, 30)).unwrap_err();
        assert_eq!(error.to_string(), "2011-12-30 does not exist in Pacific/Apia");
        assert_eq!(
            apia.day(date(2011, 12, 29)).unwrap().end(),
            apia.day(date(2011, 12, 31)).unwrap().start()
        );
    }

    #[test]
    fn the_end_of_the_calendar_is_an_error() {
        let calendar = calendar("Europe/Amsterdam", 15);
        for day in [Date::MAX, Date::MIN] {
            assert!(calendar.day(day).is_err(), "{day}");
        }
    }

    #[test]
    fn an_instant_is_found_even_where_the_date_comes_twice() {
        // At 00:01 the clock went back to 23:01 of the day before.
        let calendar = calendar("America/St_Johns", 1);
        let at = instant("2006-10-29T03:00:00Z");
        assert_eq!(calendar.time_zone().to_datetime(at).date(), date(2006, 10, 28));
        let (day, isp) = calendar.locate(at).unwrap();
        assert_eq!(day.date(), date(2006, 10, 29));
        assert!(day.isp(isp).unwrap().contains(at));
    }

    #[test]
    fn remembers_the_name_of_its_zone() {
        assert_eq!(calendar("Europe/Amsterdam", 15).zone_name(), Some("Europe/Amsterdam"));
        assert_eq!(calendar("Europe/Amsterdam", 15).to_string(), "PT15M Europe/Amsterdam");
        assert_eq!(
            IspCalendar::new(TimeZone::fixed(jiff::tz::offset(1)), IspDuration::PT15M).zone_name(),
            None
        );
    }
}
