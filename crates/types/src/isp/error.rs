use jiff::civil::Date;

use super::{IspDuration, IspNumber};

/// Why an ISP, or a day of ISPs, does not exist. None of these is worth a retry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IspError {
    /// An ISP number is 0 or above 65535.
    #[error("ISP number {number} is not in 1..=65535")]
    Number {
        /// The refused number.
        number: u64,
    },
    /// An ISP duration is not a whole number of minutes from 1 to 1440.
    #[error("an ISP lasts 1 to 1440 minutes, not {minutes}")]
    Duration {
        /// The refused duration, in minutes.
        minutes: u64,
    },
    /// A range of ISPs is empty or would end beyond ISP 65535.
    #[error("{duration} ISPs from ISP {start} on are no range of ISPs")]
    Range {
        /// The first ISP.
        start: IspNumber,
        /// The refused number of ISPs.
        duration: u64,
    },
    /// The day has fewer ISPs than that.
    #[error("ISP {isp} is out of bounds: {date} has {count} ISPs")]
    OutOfDay {
        /// The ISP, or the last ISP of the range.
        isp: IspNumber,
        /// The local day.
        date: Date,
        /// How many ISPs the day has.
        count: u16,
    },
    /// The local day is not a whole number of ISPs.
    #[error("{date} in {zone} lasts {seconds} s, which is no whole number of {duration} ISPs")]
    DayNotDivisible {
        /// The local day.
        date: Date,
        /// The time zone.
        zone: String,
        /// The length of the day, in seconds.
        seconds: i64,
        /// The length of an ISP.
        duration: IspDuration,
    },
    /// The time zone skipped this date, as Pacific/Apia did on 2011-12-30.
    #[error("{date} does not exist in {zone}")]
    NoSuchDay {
        /// The date.
        date: Date,
        /// The time zone.
        zone: String,
    },
    /// The date is at the very end of what the calendar can represent.
    #[error("{date} is out of the calendar's range")]
    DateOutOfRange {
        /// The date.
        date: Date,
    },
}
