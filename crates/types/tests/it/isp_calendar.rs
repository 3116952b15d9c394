//! Every day from 2020 to 2040 against an oracle that never converts local time to an instant: it walks along the
//! instants and reads the date off the local clock, which is the direction in which a time zone has one answer.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tieline_types::{IspCalendar, IspDay, IspDuration, IspNumber, IspRange};

const FIRST: Date = date(2020, 1, 1);
const LAST: Date = date(2040, 12, 31);
const MINUTES: [u16; 4] = [5, 15, 30, 60];
/// Every offset and every switch in the zones below is at a multiple of this, which `walk` checks.
const STEP: SignedDuration = SignedDuration::from_mins(30);

/// The first and the last step of each local date.
fn walk(zone: &TimeZone) -> BTreeMap<Date, (Timestamp, Timestamp)> {
    let mut days = BTreeMap::new();
    let end = Timestamp::from_second(2_240_697_600).unwrap();
    let mut at: Timestamp = "2019-12-30T00:00:00Z".parse().unwrap();
    for transition in zone.following(at).take_while(|transition| transition.timestamp() < end) {
        // Time zone files may hold an entry at the end of 32-bit time that changes nothing.
        let before = transition.timestamp() - SignedDuration::from_secs(1);
        if zone.to_offset(before) != transition.offset() {
            assert_eq!(transition.timestamp().as_second() % STEP.as_secs(), 0);
        }
    }
    while at < end {
        let local = zone.to_datetime(at);
        assert_eq!((local.minute() % 30, local.second()), (0, 0));
        days.entry(local.date()).or_insert((at, at)).1 = at;
        at += STEP;
    }
    days
}

/// Checks every day of the zone; returns the counts that 15-minute days have.
fn check_zone(name: &str) -> BTreeMap<u16, usize> {
    let zone = TimeZone::get(name).unwrap();
    let calendars = MINUTES.map(|minutes| {
        let duration = IspDuration::from_minutes(minutes).unwrap();
        (i64::from(minutes), IspCalendar::new(zone.clone(), duration))
    });
    let mut counts = BTreeMap::new();
    for (date, (first, last)) in walk(&zone).range(FIRST..=LAST) {
        let (start, end) = (*first, *last + STEP);
        let minutes_of_day = start.duration_until(end).as_mins();
        for (minutes, calendar) in &calendars {
            if minutes_of_day % minutes != 0 {
                assert!(calendar.day(*date).is_err(), "{name} {date} in {minutes}");
                continue;
            }
            let day = calendar.day(*date).unwrap();
            assert_eq!((day.start(), day.end()), (start, end), "{name} {date}");
            assert_eq!(i64::from(day.count()), minutes_of_day / minutes, "{name} {date}");
            check_isps(&day, *minutes);
            if *minutes == 15 {
                *counts.entry(day.count()).or_default() += 1;
            }
        }
    }
    counts
}

/// The ISPs tile the day in order, and `isp_at` finds each from its first and its last instant.
fn check_isps(day: &IspDay, minutes: i64) {
    let mut expected = day.start();
    let mut count = 0;
    for (isp, span) in day.isps() {
        count += 1;
        assert_eq!(isp.get(), count);
        assert_eq!(span.start(), expected);
        expected = Timestamp::from_second(expected.as_second() + minutes * 60).unwrap();
        assert_eq!(span.end(), expected);
        assert_eq!(day.isp_at(span.start()), Some(isp));
        assert_eq!(day.isp_at(Timestamp::new(expected.as_second() - 1, 999_999_999).unwrap()), Some(isp));
    }
    assert_eq!((expected, count), (day.end(), day.count()));
    assert_eq!(day.isp_at(day.end()), None);
    assert_eq!(day.isp_at(day.start() - SignedDuration::from_nanos(1)), None);
    assert!(day.isp(IspNumber::new(count + 1).unwrap()).is_err());
    assert_eq!(day.range(day.all()).unwrap(), day.span());
}

const DAYS: usize = 7671;

fn years_with_two_switches() -> BTreeMap<u16, usize> {
    BTreeMap::from([(92, 21), (96, DAYS - 42), (100, 21)])
}

#[test]
fn europe_amsterdam() {
    assert_eq!(check_zone("Europe/Amsterdam"), years_with_two_switches());
}

#[test]
fn europe_london() {
    assert_eq!(check_zone("Europe/London"), years_with_two_switches());
}

#[test]
fn europe_athens() {
    assert_eq!(check_zone("Europe/Athens"), years_with_two_switches());
}

#[test]
fn america_new_york() {
    assert_eq!(check_zone("America/New_York"), years_with_two_switches());
}

#[test]
fn australia_lord_howe_moves_by_half_an_hour() {
    assert_eq!(check_zone("Australia/Lord_Howe"), BTreeMap::from([(94, 21), (96, DAYS - 42), (98, 21)]));
}

#[test]
fn africa_casablanca_moves_around_ramadan() {
    let counts = check_zone("Africa/Casablanca");
    // Ramadan comes twice in 2030, so there are more pairs of switches than years; each goes there and back.
    assert!(counts[&92] >= 21, "{counts:?}");
    assert!(counts[&92].abs_diff(counts[&100]) <= 1, "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), DAYS);
}

#[test]
fn asia_kolkata_never_moves() {
    assert_eq!(check_zone("Asia/Kolkata"), BTreeMap::from([(96, DAYS)]));
}

/// The rule of Directive 2000/84/EC, written without any time zone: the last Sundays of March and October.
#[test]
fn the_european_rule() {
    for name in ["Europe/Amsterdam", "Europe/Athens", "Europe/London"] {
        let calendar = IspCalendar::new(TimeZone::get(name).unwrap(), IspDuration::PT15M);
        let mut day = FIRST;
        while day <= LAST {
            let last_sunday = day.weekday() == Weekday::Sunday && day.day() > 24;
            let count = match day.month() {
                3 if last_sunday => 92,
                10 if last_sunday => 100,
                _ => 96,
            };
            assert_eq!(calendar.day(day).unwrap().count(), count, "{name} {day}");
            day = day.checked_add(1.day()).unwrap();
        }
    }
}

/// Days follow each other without gap or overlap in zones that switch at midnight, skip a date or have odd offsets.
#[test]
fn days_tile_time_in_the_strangest_zones() {
    for (name, from, to) in [
        ("America/Sao_Paulo", date(2000, 1, 1), date(2020, 1, 1)),
        ("Africa/Cairo", date(2005, 1, 1), date(2030, 1, 1)),
        ("Asia/Beirut", date(2000, 1, 1), date(2030, 1, 1)),
        ("America/St_Johns", date(2000, 1, 1), date(2014, 1, 1)),
        ("America/Havana", date(2000, 1, 1), date(2030, 1, 1)),
        ("Asia/Gaza", date(2005, 1, 1), date(2045, 1, 1)),
        ("Antarctica/Troll", date(2005, 1, 1), date(2030, 1, 1)),
    ] {
        let zone = TimeZone::get(name).unwrap();
        let calendar = IspCalendar::new(zone.clone(), IspDuration::from_minutes(1).unwrap());
        let mut day = calendar.day(from).unwrap();
        while day.date() < to {
            assert_eq!(zone.to_datetime(day.start()).date(), day.date(), "{name}");
            let before = day.start() - SignedDuration::from_nanos(1);
            assert_eq!(
                zone.to_datetime(before).date(),
                day.date().yesterday().unwrap(),
                "{name} {}",
                day.date()
            );
            let next = calendar.day(day.date().tomorrow().unwrap()).unwrap();
            assert_eq!(day.end(), next.start(), "{name} {}", day.date());
            day = next;
        }
    }
}

/// A day-ahead order is for the day it names, and a run of four ISPs is an hour, whenever it is read.
#[test]
fn a_range_is_placed_on_its_own_day_with_its_whole_duration() {
    let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
    let tomorrow = calendar.day(date(2026, 11, 22)).unwrap();
    let span = tomorrow.range(IspRange::from_numbers(69, 4).unwrap()).unwrap();
    assert_eq!(span.to_string(), "2026-11-22T16:00:00Z/2026-11-22T17:00:00Z");
}
