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
    assert_eq!(apia.day(date(2011, 12, 29)).unwrap().end(), apia.day(date(2011, 12, 31)).unwrap().start());
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
    assert_eq!(IspCalendar::new(TimeZone::fixed(jiff::tz::offset(1)), IspDuration::PT15M).zone_name(), None);
}
