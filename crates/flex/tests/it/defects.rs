//! What others got wrong, one test each.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use tieline_flex::{
    Departure, OfferedChange, Pricing, RequestedChange, ShortfallReason, Target, baseline, offer, split,
};
use tieline_types::{Energy, IspCalendar, IspDay, Power, TimeSpan};

use crate::fleets::{isp, three_phase};
use crate::offers::requested;
use crate::splits::total;

/// A schedule placed on today's date whatever its own: here a span is two instants, and a plan covers those and no others.
#[test]
fn a_day_ahead_order_plans_nothing_for_today() {
    let tomorrow = isp(96);
    let plan = split(&three_phase(2), &[Target::at_most(tomorrow, Power::from_watts(10_000))]);
    for session in &plan.sessions {
        assert!(session.periods.iter().map(|period| period.span).eq([tomorrow]));
    }
}

/// The upper bound written into both bounds: here the lower one decides a reduction and the upper one an increase.
#[test]
fn both_bounds_of_a_request_count() {
    let reduction = offer(&three_phase(2), &[requested(0, -15_000, -5_000)]).unwrap();
    assert_eq!(reduction[0].change.watts(), -15_000);
    let mut fleet = three_phase(2);
    fleet.sessions[1].energy_wanted = Some(Energy::from_watt_seconds(0));
    assert!(offer(&fleet, &[requested(0, 5_000, 15_000)]).is_err());
}

/// A run of four ISPs that became one.
#[test]
fn four_isps_are_four() {
    let run: Vec<_> = (0..4).map(|number| requested(number, -10_000, 0)).collect();
    let offered = offer(&three_phase(1), &run).unwrap();
    assert!(offered.iter().map(|change| change.span).eq((0..4).map(isp)));
    assert!(offered.iter().all(|change| change.change.watts() == -10_000));

    let targets: Vec<_> =
        offered.iter().map(|change| Target::at_most(change.span, Power::from_watts(12_080))).collect();
    let plan = split(&three_phase(1), &targets);
    let hour = TimeSpan::new(isp(0).start(), isp(3).end()).unwrap();
    assert!(plan.sessions[0].periods.iter().map(|period| period.span).eq([hour]));
}

/// An offer cut by the sign of its ISPs into options, which are alternatives: here a reduction and an increase are one.
#[test]
fn both_directions_are_one_offer() {
    let taken_back = RequestedChange { promised: Power::from_watts(-10_000), ..requested(1, 0, 6_000) };
    let offered = offer(&three_phase(1), &[requested(0, -5_000, 0), taken_back]).unwrap();
    assert!(offered.iter().map(|offered| offered.change.watts()).eq([-5_000, 6_000]));
}

/// An order with consumption in one ISP and none in the next kept only one side, and took 0 for production.
#[test]
fn both_directions_and_zero_are_kept() {
    let targets = [
        Target::at_most(isp(0), Power::from_watts(20_000)),
        Target::at_most(isp(1), Power::from_watts(0)),
        Target::at_most(isp(2), Power::from_watts(44_160)),
    ];
    let plan = split(&three_phase(2), &targets);
    assert!(plan.shortfalls.is_empty());
    for target in targets {
        assert_eq!(total(&plan, target.span), target.power.watts());
    }
}

/// An offer that mirrored the request whatever the fleet could do.
#[test]
fn an_offer_is_made_of_what_is_there() {
    assert!(offer(&three_phase(0), &[requested(0, -10_000, 0)]).is_err());
}

/// Switches of daylight saving time from a table, and for ISPs of 15 minutes only.
#[test]
fn a_day_has_the_isps_that_it_has() {
    for (day, minutes, count) in [
        ("2026-03-29", "PT15M", 92),
        ("2026-10-25", "PT15M", 100),
        ("2026-10-26", "PT15M", 96),
        ("2026-03-29", "PT60M", 23),
        ("2026-10-25", "PT30M", 50),
    ] {
        let day = amsterdam(day, minutes);
        let spans: Vec<TimeSpan> = day.isps().map(|(_, span)| span).collect();
        assert_eq!(spans.len(), count);
        let targets: Vec<_> =
            spans.iter().map(|span| Target::at_most(*span, Power::from_watts(10_000))).collect();
        let plan = split(&three_phase(1), &targets);
        assert!(plan.shortfalls.is_empty());
        let whole = TimeSpan::new(day.start(), day.end()).unwrap();
        assert!(plan.sessions[0].periods.iter().map(|period| period.span).eq([whole]));

        // Wanted for the end of the night: as many hours of charging as the night has.
        let mut fleet = three_phase(1);
        fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 * 24);
        let hours = baseline(&fleet, &spans).iter().filter(|power| power.watts() == 22_080).count();
        let in_a_day = count.min(usize::try_from(24 * 60 / (whole_minutes(spans[0]))).unwrap());
        assert_eq!(hours, in_a_day);
    }
}

fn amsterdam(day: &str, isp: &str) -> IspDay {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    IspCalendar::new(zone, isp.parse().unwrap()).day(day.parse().unwrap()).unwrap()
}

fn whole_minutes(span: TimeSpan) -> i64 {
    span.duration().as_mins()
}

/// A second event that cancelled the first: here it comes on top of what was promised.
#[test]
fn a_second_promise_leaves_the_first() {
    let second = RequestedChange { promised: Power::from_watts(-10_000), ..requested(0, -5_000, 0) };
    let offered = offer(&three_phase(1), &[second]).unwrap();
    assert_eq!(offered[0].change.watts(), -5_000);
    assert_eq!(offered[0].baseline.watts(), 22_080);
}

/// Durations in milliseconds where seconds were due: an ISP is 900 s, in energy, in price, and in the plan.
#[test]
fn a_quarter_of_an_hour_is_900_seconds() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Some(Energy::from_watt_seconds(22_080 * 900));
    let watts: Vec<_> = baseline(&fleet, &[isp(0), isp(1)]).into_iter().map(Power::watts).collect();
    assert_eq!(watts, [22_080, 0]);
    let megawatt = OfferedChange {
        span: isp(0),
        change: Power::from_watts(-1_000_000),
        baseline: Power::from_watts(2_000_000),
    };
    assert_eq!(Pricing { per_megawatt_hour: dec("100") }.price(&[megawatt]).value(), dec("25"));
    let plan = split(&fleet, &[Target::at_most(isp(0), Power::from_watts(10_000))]);
    assert_eq!(plan.sessions[0].periods[0].span.duration(), SignedDuration::from_secs(900));
}

/// Each EV told its own maximum, as if it were alone.
#[test]
fn the_fleet_is_planned_together() {
    let plan = split(&three_phase(10), &[Target::at_most(isp(0), Power::from_watts(100_000))]);
    assert_eq!(total(&plan, isp(0)), 100_000);
    assert!(plan.sessions.iter().all(|session| session.periods[0].power.watts() == 10_000));
}

/// A last set-point, 0 A or a very high one, that held for ever: here each limit ends, with the last target at the latest.
#[test]
fn every_limit_ends() {
    let mut fleet = three_phase(3);
    fleet.sessions[0].departure = Departure::Known(isp(1).start());
    fleet.sessions[1].energy_wanted = Some(Energy::from_watt_seconds(0));
    let targets = [0, 30_000].map(Power::from_watts);
    let targets: Vec<_> =
        (0..).zip(targets).map(|(number, power)| Target::at_most(isp(number), power)).collect();
    let plan = split(&fleet, &targets);
    assert_eq!(plan.sessions.len(), 3);
    for session in &plan.sessions {
        assert_eq!(session.periods[0].span.start(), isp(0).start());
        assert_eq!(session.periods.last().unwrap().span.end(), isp(1).end());
    }
    assert!(split(&fleet, &[]).sessions.is_empty());
}

/// A planner that hung on contradictions: here each has an answer within its physics.
#[test]
fn contradictions_are_answered() {
    let mut fleet = three_phase(4);
    fleet.sessions[0].energy_wanted = Some(Energy::from_watt_seconds(i64::MAX));
    fleet.sessions[0].departure = Departure::Known(Timestamp::MAX);
    fleet.sessions[1].energy_wanted = Some(Energy::from_watt_seconds(i64::MAX));
    fleet.sessions[1].departure = Departure::Stated(Timestamp::MIN);
    fleet.sessions[2].energy_wanted = Some(Energy::from_watt_seconds(i64::MIN));
    fleet.sessions[2].energy_delivered = Energy::from_watt_seconds(i64::MAX);
    fleet.sessions[3].energy_wanted = Some(Energy::from_watt_seconds(i64::MAX));
    fleet.sessions[3].departure = Departure::Known(isp(0).end());
    for (limit, most) in [(None, 66_240), (Some(0), 0), (Some(-5_000), 0), (Some(30_000), 30_000)] {
        fleet.connections[0].limit = limit.map(Power::from_watts);
        for target in [i64::MIN / 8, -1, 0, 1, 50_000, i64::MAX / 8] {
            let planned =
                total(&split(&fleet, &[Target::at_most(isp(0), Power::from_watts(target))]), isp(0));
            assert!((0..=most).contains(&planned), "{planned} W of {target} W within {limit:?}");
        }
        assert!((0..=most).contains(&baseline(&fleet, &[isp(0)])[0].watts()));
    }
}

/// An unreachable target answered with a schedule of zeros: here it is the best that can be done, with the reason.
#[test]
fn an_unreachable_energy_target_is_best_effort_and_not_zero() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(1_000_000);
    fleet.sessions[0].departure = Departure::Known(isp(1).end());
    let plan = split(&fleet, &[Target::at_most(isp(0), Power::from_watts(5_000))]);
    assert_eq!(total(&plan, isp(0)), 22_080);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MustRun);
    // Where the target allows full power, that is no miss.
    assert!(split(&fleet, &[Target::at_most(isp(0), Power::from_watts(22_080))]).shortfalls.is_empty());
}

/// A charger that was planned to export: here nothing is ever below 0.
#[test]
fn a_charger_never_exports() {
    let plan = split(&three_phase(2), &[Target::at_most(isp(0), Power::from_watts(-50_000))]);
    assert_eq!(total(&plan, isp(0)), 0);
    assert!(plan.sessions.iter().flat_map(|session| &session.periods).all(|period| period.limit >= dec("0")));
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::FeedIn);
}

/// The sum of nothing is nothing: no session, no limit, and the miss is reported.
#[test]
fn an_order_without_sessions_is_reported() {
    let plan = split(&three_phase(0), &[Target::at_most(isp(0), Power::from_watts(5_000))]);
    assert!(plan.sessions.is_empty());
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::Exhausted);
    assert_eq!(baseline(&three_phase(0), &[isp(0)]), [Power::from_watts(0)]);
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}
