//! From readings of a register to the energy of each ISP.

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tieline_flex::{MeasuringRules, Quality, RegisterReading, measured};
use tieline_types::{Energy, IspCalendar, IspDuration, Power, TimeSpan};

use crate::fleets::{isp, noon};

const RULES: MeasuringRules =
    MeasuringRules { longest_gap: SignedDuration::from_mins(15), maximum: Power::from_watts(22_080) };

fn after(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

fn reading(minutes: i64, watt_hours: i64) -> RegisterReading {
    RegisterReading { at: after(minutes), register: Energy::from_watt_hours(watt_hours).unwrap() }
}

/// Watt hours and qualities of so many ISPs from noon.
fn isps(readings: &[RegisterReading], count: i32) -> Vec<(i64, Quality)> {
    let spans: Vec<TimeSpan> = (0..count).map(isp).collect();
    let measured = measured(readings, &spans, RULES);
    measured.iter().map(|isp| (isp.energy.watt_seconds() / 3600, isp.quality)).collect()
}

#[test]
fn readings_at_the_edges_of_isps_are_the_energy() {
    let readings = [reading(0, 1000), reading(15, 3000), reading(30, 3500)];
    assert_eq!(
        isps(&readings, 3),
        [(2000, Quality::Measured), (500, Quality::Measured), (0, Quality::Unread)]
    );
}

#[test]
fn readings_between_the_edges_are_drawn_as_lines() {
    let readings = [reading(10, 0), reading(20, 1000)];
    assert_eq!(isps(&readings, 2), [(500, Quality::Measured), (500, Quality::Measured)]);
}

#[test]
fn order_and_repetition_make_no_difference() {
    let sorted = [reading(0, 0), reading(5, 900), reading(12, 1100), reading(31, 4000)];
    let mut jumbled = vec![sorted[2], sorted[0], sorted[3], sorted[1], sorted[2], sorted[0]];
    assert_eq!(isps(&jumbled, 3), isps(&sorted, 3));
    jumbled.reverse();
    assert_eq!(isps(&jumbled, 3), isps(&sorted, 3));
}

#[test]
fn of_two_readings_at_one_instant_the_higher_counts() {
    let readings = [reading(0, 0), reading(15, 990), reading(15, 1000), reading(30, 1000)];
    assert_eq!(isps(&readings, 2), [(1000, Quality::Measured), (0, Quality::Measured)]);
}

#[test]
fn a_gap_is_interpolated_and_marked() {
    let readings = [reading(0, 0), reading(15, 1000), reading(60, 4000), reading(75, 4500)];
    assert_eq!(
        isps(&readings, 5),
        [
            (1000, Quality::Measured),
            (1000, Quality::Interpolated),
            (1000, Quality::Interpolated),
            (1000, Quality::Interpolated),
            (500, Quality::Measured),
        ]
    );
}

#[test]
fn a_register_that_was_set_back_counts_from_zero() {
    let readings = [reading(0, 90_000), reading(15, 91_000), reading(30, 700), reading(45, 1700)];
    assert_eq!(
        isps(&readings, 3),
        [(1000, Quality::Measured), (700, Quality::Interpolated), (1000, Quality::Measured)]
    );
}

#[test]
fn a_register_that_dips_was_misread() {
    // From 0 to 90,998 Wh in a quarter of an hour is more than the charger can do.
    let readings = [reading(0, 90_000), reading(10, 91_000), reading(15, 90_998), reading(20, 92_000)];
    let energies = isps(&readings, 2);
    assert_eq!(energies[0].0 + energies[1].0, 2000);
    assert_eq!(energies[0], (1500, Quality::Measured));
}

#[test]
fn a_negative_register_after_a_positive_one_was_misread() {
    let readings = [reading(0, 100), reading(10, -50), reading(15, 200)];
    assert_eq!(isps(&readings, 1), [(100, Quality::Measured)]);
}

#[test]
fn nothing_is_known_without_two_readings() {
    assert_eq!(isps(&[], 2), [(0, Quality::Unread), (0, Quality::Unread)]);
    assert_eq!(isps(&[reading(5, 1000)], 1), [(0, Quality::Unread)]);
}

#[test]
fn days_of_92_96_and_100_isps_are_complete() {
    let calendar = IspCalendar::new(TimeZone::get("Europe/Amsterdam").unwrap(), IspDuration::PT15M);
    for (day, count) in [(date(2026, 3, 29), 92), (date(2026, 6, 10), 96), (date(2026, 10, 25), 100)] {
        let day = calendar.day(day).unwrap();
        let spans: Vec<TimeSpan> = day.isps().map(|(_, span)| span).collect();
        let minutes = day.span().duration().as_secs() / 60;
        // 60 Wh a minute, read every five minutes, from before the day until after it.
        let readings: Vec<RegisterReading> = (-1..=minutes / 5 + 1)
            .map(|number| RegisterReading {
                at: day.start() + SignedDuration::from_mins(5 * number),
                register: Energy::from_watt_hours(300 * (number + 1)).unwrap(),
            })
            .collect();
        let measured = measured(&readings, &spans, RULES);
        assert_eq!(measured.len(), count);
        let quarter = Energy::from_watt_hours(900).unwrap();
        assert!(measured.iter().all(|isp| isp.energy == quarter && isp.quality == Quality::Measured));
    }
}

proptest! {
    #[test]
    fn the_isps_add_up_to_what_the_register_counted(
        steps in prop::collection::vec((1_i64..4000, 0_i64..10_000_000, prop::bool::weighted(0.1)), 1..40),
        order in any::<u64>(),
        start in -100_000_i64..100_000,
    ) {
        let mut at = noon() + SignedDuration::from_secs(start);
        let mut register = 1_000_000;
        let mut counted = 0;
        let mut readings = vec![RegisterReading { at, register: Energy::from_watt_seconds(register) }];
        for (seconds, watt_seconds, set_back) in &steps {
            at += SignedDuration::from_secs(*seconds);
            let before = register;
            // After it was set back the register shows what the charger can have delivered since.
            register = if *set_back { *watt_seconds.min(&(22_080 * seconds)) } else { register + watt_seconds };
            counted += if register < before { register } else { register - before };
            readings.push(RegisterReading { at, register: Energy::from_watt_seconds(register) });
        }
        let spans: Vec<TimeSpan> = (-200..400).map(isp).collect();
        prop_assert!(spans[0].start() <= readings[0].at && at <= spans[spans.len() - 1].end());
        let known = measured(&readings, &spans, RULES);
        let sum: i64 = known.iter().map(|isp| isp.energy.watt_seconds()).sum();
        prop_assert_eq!(sum, counted);

        // Out of order and some of them twice: the same.
        let mut jumbled = readings.clone();
        jumbled.extend(readings.iter().step_by(3).copied());
        let length = jumbled.len();
        for index in 0..length {
            let other = usize::try_from(order.rotate_left(u32::try_from(index).unwrap()) % length as u64).unwrap();
            jumbled.swap(index, other);
        }
        prop_assert_eq!(measured(&jumbled, &spans, RULES), known);
    }
}
