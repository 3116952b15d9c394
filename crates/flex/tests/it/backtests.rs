use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_flex::backtest::{
    Day, KnownDeparture, KnownEnergy, Outcome, RecordedSession, Rule, Setting, SettingError, Sharing, days,
    rules, run,
};
use tieline_flex::{Stay, StayDistribution, Supply};
use tieline_types::Energy;

/// Chargers of 10 kW, 1.5 kW at least, and an order from 9 to 10.
fn setting() -> Setting {
    Setting {
        zone: TimeZone::UTC,
        from: time(9, 0, 0, 0),
        until: time(10, 0, 0, 0),
        step: SignedDuration::from_mins(15),
        supply: Supply::in_watts(1, 250, 40).unwrap(),
        fewest_sessions: 1,
        workdays_only: true,
    }
}

/// An instant on a Monday in March, or so many days later.
fn at(day: i64, hours: i64, minutes: i64) -> Timestamp {
    let midnight: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    midnight + SignedDuration::from_hours(24 * day + hours) + SignedDuration::from_mins(minutes)
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn kwh(kwh: i64) -> Energy {
    Energy::from_watt_hours(kwh * 1_000).unwrap()
}

/// Someone who comes and leaves at these hours of Monday, asks for what is taken, and says when.
fn session(from: i64, until: i64, taken: i64, stated: i64) -> RecordedSession {
    RecordedSession {
        arrival: at(0, from, 0),
        departure: at(0, until, 0),
        stated: Some(at(0, stated, 0)),
        asked: Some(kwh(taken)),
        taken: kwh(taken),
    }
}

fn outcome(sessions: &[RecordedSession], rule: Rule, percent: u8) -> Outcome {
    run(&days(sessions, &setting()).unwrap(), &setting(), rule, percent)
}

fn rule(sharing: Sharing, departure: KnownDeparture) -> Rule {
    Rule { sharing, departure, energy: KnownEnergy::Taken, release: false }
}

#[test]
fn what_the_order_takes_is_short_unless_there_is_time_to_make_up_for_it() {
    // 10 kWh until 9, then 5 or 2 in the hour of the order, then 5 in the half hour that is left.
    let sessions = [RecordedSession { departure: at(0, 10, 30), ..session(8, 11, 20, 11) }];
    for rule in rules(20) {
        let half = outcome(&sessions, rule, 50);
        assert_eq!((half.short_per_day(), half.short_sessions_per_day()), (dec("0"), dec("0")), "{rule:?}");
        let fifth = outcome(&sessions, rule, 20);
        assert_eq!((fifth.short_per_day(), fifth.short_sessions_per_day()), (dec("3"), dec("1")), "{rule:?}");
        assert_eq!((fifth.kept(), fifth.peak_after_p95()), (dec("1"), dec("1")), "{rule:?}");
    }
}

#[test]
fn an_order_of_nothing_changes_nothing() {
    let sessions = [session(8, 11, 20, 11), session(9, 12, 25, 15), session(7, 16, 60, 16)];
    for rule in rules(20) {
        let free = outcome(&sessions, rule, 100);
        assert_eq!((free.short_per_day(), free.kept()), (dec("0"), dec("1")), "{rule:?}");
    }
}

#[test]
fn each_rule_serves_first_whom_it_says() {
    // The first has no time to lose, though it says otherwise; the second has two hours more than it needs.
    let sessions =
        [session(7, 12, 50, 18), RecordedSession { arrival: at(0, 8, 30), ..session(8, 12, 15, 12) }];
    let short = |sharing, departure| outcome(&sessions, rule(sharing, departure), 50).short_per_day();
    assert_eq!(short(Sharing::FirstCome, KnownDeparture::Nothing), dec("0"));
    assert_eq!(short(Sharing::Equal, KnownDeparture::Nothing), dec("5"));
    assert_eq!(short(Sharing::EarliestDeparture, KnownDeparture::Stated), dec("10"));
    assert_eq!(short(Sharing::LeastLaxity, KnownDeparture::Real), dec("0"));
    assert_eq!(short(Sharing::Floors, KnownDeparture::Real), dec("0"));
    assert_eq!(short(Sharing::Floors, KnownDeparture::Stated), dec("5"));
}

#[test]
fn an_early_departure_is_reckoned_with_once_it_was_seen() {
    // On Monday, all leave after three of ten stated hours; on Tuesday, two of them do, and the others stay.
    let mut sessions: Vec<RecordedSession> = (0..60).map(|_| session(8, 11, 5, 18)).collect();
    let tuesday = |until, taken| RecordedSession {
        arrival: at(1, 8, 0),
        departure: at(1, until, 0),
        stated: Some(at(1, 18, 0)),
        asked: Some(kwh(taken)),
        taken: kwh(taken),
    };
    sessions.extend([tuesday(11, 30), tuesday(11, 30), tuesday(18, 20), tuesday(18, 20)]);
    let tried = |rule: Rule| {
        let days = days(&sessions, &setting()).unwrap();
        run(&days[1..], &setting(), rule, 50).short_per_day()
    };
    assert_eq!(tried(rule(Sharing::Floors, KnownDeparture::Stated)), dec("10"));
    let node = tried(Rule::node(20));
    assert!(node <= dec("2"), "{node} kWh");
}

#[test]
fn a_release_keeps_the_rebound_under_the_peak_of_before() {
    // Two are done at 10 without the order, when the third comes.
    let sessions = [session(7, 15, 30, 15), session(7, 15, 30, 15), session(10, 15, 20, 15)];
    let node = Rule::node(20);
    let free = outcome(&sessions, Rule { release: false, ..node }, 20);
    assert_eq!(free.peak_after_p95(), dec("1.5"));
    let capped = outcome(&sessions, node, 20);
    assert_eq!((capped.peak_after_greatest(), capped.short_per_day()), (dec("1"), dec("0")));
}

fn dates(days: &[Day]) -> Vec<String> {
    days.iter().map(|day| format!("{} {}", day.date, day.sessions.len())).collect()
}

#[test]
fn days_are_workdays_with_enough_sessions_that_end_on_them() {
    let on = |day, count| {
        (0..count).map(move |_| RecordedSession {
            arrival: at(day, 8, 0),
            departure: at(day, 12, 0),
            ..session(8, 12, 10, 12)
        })
    };
    let over_night = RecordedSession { departure: at(1, 1, 0), ..session(8, 12, 10, 12) };
    let backwards = RecordedSession { departure: at(0, 7, 0), ..session(8, 12, 10, 12) };
    let sessions: Vec<_> =
        on(0, 2).chain(on(1, 1)).chain(on(2, 3)).chain(on(5, 4)).chain([over_night, backwards]).collect();
    let two = Setting { fewest_sessions: 2, ..setting() };
    assert_eq!(dates(&days(&sessions, &two).unwrap()), ["2026-03-02 2", "2026-03-04 3"]);
    let weekends = Setting { workdays_only: false, ..two };
    assert_eq!(dates(&days(&sessions, &weekends).unwrap()), ["2026-03-02 2", "2026-03-04 3", "2026-03-07 4"]);
}

#[test]
fn a_day_knows_nothing_of_what_comes_after_its_midnight() {
    let (monday, tuesday) = (
        session(8, 12, 10, 12),
        RecordedSession { arrival: at(1, 8, 0), departure: at(1, 12, 0), ..session(8, 12, 10, 12) },
    );
    let over_night = RecordedSession { departure: at(1, 1, 0), ..monday.clone() };
    let days = days(&[over_night, tuesday, monday.clone()], &setting()).unwrap();
    let mut learned = StayDistribution::new(TimeZone::UTC);
    assert_eq!(days[0].stays, learned);
    let RecordedSession { arrival, departure, stated, .. } = monday;
    learned.learn(&Stay { arrival, departure, stated });
    assert_eq!(days[1].stays, learned);
    // What is known of a peak comes from before the order's end.
    assert_eq!((days[0].known_peak().watts(), days[0].normal_peak().watts()), (10_000, 10_000));
}

#[test]
fn a_setting_that_makes_no_sense_is_refused() {
    let refused = |setting: Setting| days(&[session(8, 12, 10, 12)], &setting).unwrap_err();
    assert_eq!(refused(Setting { until: time(9, 0, 0, 0), ..setting() }), SettingError::Order);
    assert_eq!(refused(Setting { step: SignedDuration::from_secs(59), ..setting() }), SettingError::Step);
    assert_eq!(refused(Setting { step: SignedDuration::from_hours(2), ..setting() }), SettingError::Step);
    // The clocks go forward at 2 on that Sunday, so that an order from 2 to 3 would have no length.
    let sunday = RecordedSession {
        arrival: "2026-03-08T09:00:00Z".parse().unwrap(),
        departure: "2026-03-08T15:00:00Z".parse().unwrap(),
        ..session(8, 12, 10, 12)
    };
    let skipped = Setting {
        zone: TimeZone::get("America/Los_Angeles").unwrap(),
        from: time(2, 0, 0, 0),
        until: time(3, 0, 0, 0),
        workdays_only: false,
        ..setting()
    };
    assert!(matches!(days(&[sunday], &skipped), Err(SettingError::Day(_))));
    assert_eq!(days(&[], &setting()).unwrap().len(), 0);
}

#[test]
fn no_days_are_no_harm() {
    let nothing = run(&[], &setting(), Rule::node(20), 50);
    assert_eq!(
        [nothing.short_per_day(), nothing.peak_after_p95(), nothing.kept()],
        [dec("0"), dec("0"), Decimal::ONE]
    );
}
