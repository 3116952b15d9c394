//! Instants on the wire.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime as Civil, Time};
use jiff::tz::Offset;

use crate::Tolerance;
use crate::xml::Lexical;
use crate::xml::lexical::Why;

/// An instant with the offset it was written in (`xs:dateTime`).
///
/// Two are equal when they are the same instant. One that was received in another form than ours (`Z`, trailing
/// zeros, more than nine decimals, no offset) keeps its text and is written back as it came.
///
/// ```
/// use tieline_uftp::value::DateTime;
///
/// let local: DateTime = "2026-06-03T20:00:00+02:00".parse()?;
/// let utc: DateTime = "2026-06-03T18:00:00Z".parse()?;
/// assert_eq!(local, utc);
/// assert_eq!(utc.to_string(), "2026-06-03T18:00:00Z");
/// assert_eq!(DateTime::utc(utc.instant()).to_string(), "2026-06-03T18:00:00+00:00");
/// # Ok::<(), tieline_uftp::value::InvalidDateTime>(())
/// ```
#[derive(Clone)]
pub struct DateTime {
    instant: Timestamp,
    offset: Offset,
    /// The text as received, if ours would differ.
    text: Option<Box<str>>,
}

impl DateTime {
    /// An instant, to be written in UTC.
    pub fn utc(instant: Timestamp) -> Self {
        Self { instant, offset: Offset::UTC, text: None }
    }

    /// An instant, to be written with `offset`, of which seconds are dropped and which is at most 14 hours.
    pub fn with_offset(instant: Timestamp, offset: Offset) -> Self {
        let seconds = offset.seconds().clamp(-14 * 3600, 14 * 3600);
        let offset = Offset::from_seconds(seconds - seconds % 60).unwrap_or(Offset::UTC);
        Self { instant, offset, text: None }
    }

    /// The instant.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// The offset from UTC that it is written in.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// Whether it was received without an offset and taken as UTC.
    pub fn lacks_offset(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.len() > 11 && !text[11..].contains(['Z', '+', '-']))
    }

    fn parse(text: &str) -> Result<Self, Why> {
        let (date, time) = text.split_once('T').ok_or("expected yyyy-mm-ddThh:mm:ss")?;
        let date = read_date(date.as_bytes())?;
        let (time, zone) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
        let offset = if zone.is_empty() {
            Offset::UTC
        } else {
            read_offset(zone).ok_or("the offset is not Z or ±hh:mm up to 14:00")?
        };
        let civil = read_time(date, time)?;
        let instant = offset.to_timestamp(civil).map_err(|_| "the year is out of range")?;
        let mut read = Self { instant, offset, text: None };
        let mut ours = Vec::with_capacity(text.len());
        read.write(&mut ours);
        if ours != text.as_bytes() {
            read.text = Some(text.into());
        }
        Ok(read)
    }
}

impl From<Timestamp> for DateTime {
    fn from(instant: Timestamp) -> Self {
        Self::utc(instant)
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.instant == other.instant
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.instant.cmp(&other.instant)
    }
}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.instant.hash(state);
    }
}

impl FromStr for DateTime {
    type Err = InvalidDateTime;

    fn from_str(text: &str) -> Result<Self, InvalidDateTime> {
        Self::parse(text).map_err(|why| InvalidDateTime { why })
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.pad(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Lexical for DateTime {
    const TYPE: &'static str = "xs:dateTime";
    const COLLAPSED: bool = true;

    fn read(text: &str, tolerance: Tolerance) -> Result<Self, Why> {
        let read = Self::parse(text)?;
        if read.lacks_offset() && !tolerance.date_time_without_offset {
            return Err("the offset from UTC is missing".into());
        }
        Ok(read)
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(text) = &self.text {
            return out.extend_from_slice(text.as_bytes());
        }
        let civil = self.offset.to_datetime(self.instant);
        write_date(out, civil.date());
        out.push(b'T');
        write_pair(out, civil.hour(), b':');
        write_pair(out, civil.minute(), b':');
        write_pair(out, civil.second(), b'.');
        let nanoseconds = civil.subsec_nanosecond();
        if nanoseconds == 0 {
            out.pop();
        } else {
            out.extend_from_slice(format!("{nanoseconds:09}").trim_end_matches('0').as_bytes());
        }
        let minutes = self.offset.seconds() / 60;
        out.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = minutes.unsigned_abs();
        write_pair(out, i8::try_from(minutes / 60).unwrap_or(0), b':');
        write_pair(out, i8::try_from(minutes % 60).unwrap_or(0), b':');
        out.pop();
    }
}

/// A calendar day of four-digit year, as the schema's `xs:date` without its zone.
pub(crate) fn read_date(text: &[u8]) -> Result<Date, Why> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else {
        return Err("expected yyyy-mm-dd".into());
    };
    let (high, low) = (pair(y1, y2), pair(y3, y4));
    let (Some(high), Some(low), Some(month), Some(day)) = (high, low, pair(m1, m2), pair(d1, d2)) else {
        return Err("expected yyyy-mm-dd".into());
    };
    let year = i16::from(high) * 100 + i16::from(low);
    Date::new(year, month, day).map_err(|_| "there is no such day".into())
}

/// `hh:mm:ss` with any number of decimals; those beyond nine are dropped. 24:00:00 is the next day's midnight.
fn read_time(date: Date, text: &str) -> Result<Civil, Why> {
    const EXPECTED: &str = "expected hh:mm:ss after the T";
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(EXPECTED.into()),
        None => (text, ""),
    };
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *whole.as_bytes() else { return Err(EXPECTED.into()) };
    let (Some(hour), Some(minute), Some(second)) = (pair(h1, h2), pair(m1, m2), pair(s1, s2)) else {
        return Err(EXPECTED.into());
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EXPECTED.into());
    }
    let nanoseconds = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    if (hour, minute, second) == (24, 0, 0) && fraction.bytes().all(|digit| digit == b'0') {
        return date
            .tomorrow()
            .map(|day| day.to_datetime(Time::midnight()))
            .map_err(|_| "there is no such day".into());
    }
    Time::new(hour, minute, second, nanoseconds)
        .map(|time| date.to_datetime(time))
        .map_err(|_| "there is no such time of day".into())
}

/// `Z`, `+hh:mm` or `-hh:mm`, at most 14 hours.
pub(crate) fn read_offset(text: &str) -> Option<Offset> {
    let (sign, h1, h2, m1, m2) = match *text.as_bytes() {
        [b'Z'] => return Some(Offset::UTC),
        [b'+', h1, h2, b':', m1, m2] => (1, h1, h2, m1, m2),
        [b'-', h1, h2, b':', m1, m2] => (-1, h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (i32::from(pair(h1, h2)?), i32::from(pair(m1, m2)?));
    let total = hours * 60 + minutes;
    if minutes > 59 || total > 14 * 60 {
        return None;
    }
    Offset::from_seconds(sign * total * 60).ok()
}

pub(crate) fn write_date(out: &mut Vec<u8>, date: Date) {
    // The years that jiff has and four digits have not cannot come from the wire.
    let year = date.year().clamp(0, 9999);
    write_pair(out, i8::try_from(year / 100).unwrap_or(0), b'-');
    out.pop();
    write_pair(out, i8::try_from(year % 100).unwrap_or(0), b'-');
    write_pair(out, date.month(), b'-');
    write_pair(out, date.day(), b'-');
    out.pop();
}

fn pair(tens: u8, units: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
    i8::try_from(digit(tens)? * 10 + digit(units)?).ok()
}

fn write_pair(out: &mut Vec<u8>, number: i8, then: u8) {
    let number = number.unsigned_abs();
    out.extend_from_slice(&[b'0' + number / 10 % 10, b'0' + number % 10, then]);
}

/// The text is no `xs:dateTime`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct InvalidDateTime {
    why: Why,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        text.parse::<DateTime>().unwrap().to_string()
    }

    #[test]
    fn keeps_the_form_it_came_in() {
        for text in [
            "2026-06-03T14:30:00+00:00",
            "2026-06-03T20:00:00+02:00",
            "2026-06-03T20:00:00.25-03:30",
            "2026-06-03T14:30:00.123456789Z",
            "2026-06-03T14:30:00.1234567891234+00:00",
            "2026-06-03T14:30:00",
            "2026-06-03T14:30:00.500Z",
            "2026-12-31T24:00:00-14:00",
            "0001-01-01T00:00:00+00:00",
        ] {
            assert_eq!(written(text), text);
        }
    }

    #[test]
    fn equal_instants_are_equal() {
        let same = ["2026-12-31T24:00:00Z", "2027-01-01T00:00:00+00:00", "2027-01-01T01:00:00.000+01:00"];
        let read: Vec<DateTime> = same.iter().map(|text| text.parse().unwrap()).collect();
        assert!(read.windows(2).all(|two| two[0] == two[1]));
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for bad in [
            "",
            "2026-06-03",
            "2026-06-03 14:30:00Z",
            "2026-02-30T14:30:00Z",
            "2026-06-03T24:00:01Z",
            "2026-06-03T14:30Z",
            "2026-06-03T14:30:60Z",
            "2026-06-03T14:30:00.Z",
            "2026-06-03T14:30:00.1e5Z",
            "2026-06-03T14:30:00+1:00",
            "2026-06-03T14:30:00+14:01",
            "2026-06-03T14:30:00+02:60",
            "2026-06-03T14:30:00z",
            "26-06-03T14:30:00Z",
            "+2026-06-03T14:30:00Z",
            "9999-12-31T23:59:59-14:00",
        ] {
            assert!(bad.parse::<DateTime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_offset_needs_tolerance() {
        let text = "2026-06-03T14:30:00";
        assert!(DateTime::read(text, Tolerance::STRICT).is_err());
        let read = DateTime::read(text, Tolerance::LENIENT).unwrap();
        assert!(read.lacks_offset());
        assert_eq!(read, "2026-06-03T14:30:00Z".parse().unwrap());
    }
}
