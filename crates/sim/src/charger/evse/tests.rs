use tieline_types::TimeSpan;

use super::*;
use crate::Vehicle;
use crate::charger::profile::{Kind, Period};

const HOUR: i64 = 3600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn watt_hours(energy: i64) -> Energy {
    Energy::from_watt_hours(energy).unwrap()
}

fn charger() -> ChargerSpec {
    ChargerSpec {
        identity: "SIM00001".to_owned(),
        connection: 0,
        version: Version::V2_0_1,
        phases: 3,
        maximum_current: 16,
        unit: RateUnit::Watts,
        meter_error: 0,
        register: 0,
    }
}

/// 11,040 W at the most.
fn session(arrival: i64, departure: i64, energy: i64) -> SessionSpec {
    SessionSpec {
        charger: 0,
        vehicle: Vehicle { phases: 3, maximum_current: 16, capacity: watt_hours(70_000) },
        stay: TimeSpan::new(at(arrival), at(departure)).unwrap(),
        stated_departure: None,
        energy: watt_hours(energy),
    }
}

fn evse_of(charger: ChargerSpec, sessions: Vec<SessionSpec>, behaviour: Behaviour, start: i64) -> Evse {
    let chance = || Chance::of(1, "test", 0);
    let quarter = SignedDuration::from_mins(15);
    Evse::new(charger, sessions, behaviour, quarter, 1000, at(start), (chance(), chance()))
}

fn evse(sessions: Vec<SessionSpec>) -> Evse {
    evse_of(charger(), sessions, Behaviour::Obeys, 0)
}

/// A TxProfile of watts from an instant on.
fn profile(start: i64, duration: Option<i64>, periods: &[(i64, i64)]) -> Profile {
    let periods =
        periods.iter().map(|(start, watts)| Period { start: *start, limit: watts * 1000, phases: None });
    Profile {
        id: 1,
        stack_level: 0,
        purpose: Purpose::Transaction,
        kind: Kind::Absolute(at(start)),
        valid_from: None,
        valid_to: None,
        duration,
        unit: RateUnit::Watts,
        periods: periods.collect(),
    }
}

/// The power over time: from which second, to which, how many watts.
fn powers(evse: &Evse) -> Vec<(i64, i64, i64)> {
    let trace = evse.outcomes()[0].trace.clone();
    let second = |at: Timestamp| at.as_second();
    let segment =
        |one: &crate::Segment| (second(one.span.start()), second(one.span.end()), one.power.watts());
    trace.segments().iter().map(segment).collect()
}

/// What is told, taken out.
fn told(evse: &mut Evse) -> Vec<Report> {
    let mut told = Vec::new();
    while let Some(report) = evse.reports.first().cloned() {
        evse.reports.done(&report);
        told.push(report);
    }
    told
}

#[test]
fn a_car_charges_from_its_arrival_until_it_is_full_and_reports_it() {
    let mut evse = evse(vec![session(HOUR, 9 * HOUR, 11_040)]);
    evse.advance(at(10 * HOUR));
    let outcome = evse.outcomes().remove(0);
    assert!(outcome.ended && outcome.violations.is_empty() && outcome.limits.is_empty());
    assert_eq!((outcome.delivered, outcome.missing()), (watt_hours(11_040), Energy::ZERO));
    assert_eq!(outcome.trace.total(), outcome.delivered);
    // 9640 Wh at full power, 1050 at half, 350 at a quarter.
    let full = (9640 * HOUR + 11_039) / 11_040;
    assert_eq!(powers(&evse)[0], (HOUR, HOUR + full, 11_040));
    assert_eq!(powers(&evse)[1].2, 5520);

    let told = told(&mut evse);
    let sequence: Vec<i32> = told
        .iter()
        .filter(|one| !matches!(one.what, What::Plugged | What::Unplugged))
        .map(|one| one.sequence)
        .collect();
    assert_eq!(sequence, (0..i32::try_from(sequence.len()).unwrap()).collect::<Vec<_>>());
    assert!(matches!(told[0].what, What::Plugged));
    assert!(matches!(told[1].what, What::Begins(reading) if reading.register == 0 && told[1].at == at(HOUR)));
    assert!(matches!(told[2].what, What::State(ChargingState::Charging, _)));
    let full = told.iter().find(|one| matches!(one.what, What::State(ChargingState::SuspendedByVehicle, _)));
    assert_eq!(full.unwrap().at, outcome.trace.segments().last().unwrap().span.end());
    let meter: Vec<i64> =
        told.iter().filter(|one| matches!(one.what, What::Meter(_))).map(|one| one.at.as_second()).collect();
    // From the quarter in which it came up to the one in which it left.
    assert_eq!(meter, (4..36).map(|quarter| quarter * 900).collect::<Vec<_>>());
    let [.., ends, unplugged] = told.as_slice() else { panic!("nothing told") };
    assert!(matches!(ends.what, What::Ends(reading, Why::Left) if reading.register == 11_040));
    assert!(matches!(unplugged.what, What::Unplugged) && unplugged.at == at(9 * HOUR));
}

#[test]
fn a_profile_is_honoured_to_the_second_and_its_end_too() {
    let mut evse = evse(vec![session(0, 9 * HOUR, 60_000)]);
    evse.advance(at(100));
    let name = Claim::Name("SIM00001-0".to_owned());
    assert!(evse.take(Some(profile(1000, Some(3000), &[(0, 5000), (500, 0), (1700, 4140)])), &name));
    evse.advance(at(5000));
    assert_eq!(
        powers(&evse),
        [(0, 1000, 11_040), (1000, 1500, 5000), (2700, 4000, 4140), (4000, 5000, 11_040)]
    );
    let outcome = evse.outcomes().remove(0);
    let limits: Vec<_> =
        outcome.limits.iter().map(|one| (one.at.as_second(), one.limit.map(Power::watts))).collect();
    assert_eq!(limits, [(1000, Some(5000)), (1500, Some(0)), (2700, Some(4140)), (4000, None)]);
    assert_eq!(outcome.violations, []);
    let states: Vec<_> = told(&mut evse)
        .into_iter()
        .filter_map(|one| {
            if let What::State(state, _) = one.what { Some((one.at.as_second(), state)) } else { None }
        })
        .collect();
    assert_eq!(
        states,
        [
            (0, ChargingState::Charging),
            (1500, ChargingState::SuspendedByCharger),
            (2700, ChargingState::Charging)
        ]
    );
}

#[test]
fn energy_is_power_times_time_whatever_the_limits() {
    let mut chance = Chance::of(1, "limits", 0);
    for _ in 0..50 {
        let mut evse = evse(vec![session(HOUR, 5 * HOUR, 30_000), session(6 * HOUR, 9 * HOUR, 20_000)]);
        let mut second = 0;
        while second < 10 * HOUR {
            second += chance.between(1, 700);
            evse.advance(at(second));
            let limit = chance.between(0, 12_000);
            let transaction = evse.outcomes().last().map(|one| one.transaction.clone()).unwrap_or_default();
            let told = profile(second + chance.between(-50, 50), Some(chance.between(1, 900)), &[(0, limit)]);
            evse.take(Some(told), &Claim::Name(transaction));
        }
        let outcomes = evse.outcomes();
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            assert_eq!(outcome.trace.total(), outcome.delivered);
            assert!(outcome.delivered > Energy::ZERO && outcome.delivered <= outcome.spec.energy);
            let stay = outcome.spec.stay;
            assert!(
                outcome
                    .trace
                    .segments()
                    .iter()
                    .all(|one| stay.encloses(one.span) && one.power.watts() <= 11_040)
            );
            assert_eq!(outcome.trace.energy(stay), outcome.delivered);
        }
    }
}

#[test]
fn less_than_six_amperes_pauses_and_is_a_violation_and_so_is_a_profile_without_an_end() {
    let mut evse = evse(vec![session(0, 9 * HOUR, 60_000)]);
    evse.advance(at(100));
    let name = Claim::Name("SIM00001-0".to_owned());
    assert!(evse.take(Some(profile(100, None, &[(0, 4139)])), &name));
    evse.advance(at(500));
    assert_eq!(powers(&evse), [(0, 100, 11_040)]);
    assert_eq!(
        evse.outcomes()[0].violations,
        [
            Violation::WithoutEnd { at: at(100), profile: 1 },
            Violation::BelowMinimum { at: at(100), milliamperes: 5998, profile: 1 }
        ]
    );
}

#[test]
fn a_profile_for_another_transaction_or_unit_is_rejected_and_forgotten_with_its_car() {
    let mut evse = evse(vec![session(0, HOUR, 60_000), session(2 * HOUR, 3 * HOUR, 60_000)]);
    let long = || Some(profile(0, Some(10 * HOUR), &[(0, 5000)]));
    let name = Claim::Name("SIM00001-0".to_owned());
    evse.advance(at(100));
    assert!(!evse.take(long(), &Claim::Name("SIM00001-1".to_owned())));
    assert!(!evse.take(long(), &Claim::Number(1)));
    assert!(!evse.take(None, &name));
    let amperes = Profile { unit: RateUnit::Amperes, ..long().unwrap() };
    assert!(!evse.take(Some(amperes), &name));
    assert!(evse.take(long(), &name));
    evse.advance(at(HOUR));
    assert!(!evse.take(long(), &name), "the car has left");
    evse.advance(at(2 * HOUR + 60));
    let outcomes = evse.outcomes();
    assert_eq!(outcomes[0].limits.len(), 1);
    assert_eq!((outcomes[1].limits.len(), evse.profiles_told()), (0, 6));
    assert_eq!(outcomes[1].trace.segments()[0].power.watts(), 11_040);
}

#[test]
fn clearing_profiles_lifts_limits_at_once_and_the_composite_schedule_tells_them() {
    let mut evse = evse(vec![session(0, 9 * HOUR, 60_000)]);
    evse.advance(at(100));
    let name = Claim::Name("SIM00001-0".to_owned());
    evse.take(Some(profile(50, Some(1000), &[(0, 5000), (200, 6900)])), &name);
    let plain = |periods: Vec<(i32, rust_decimal::Decimal)>| -> Vec<(i32, String)> {
        periods.into_iter().map(|(second, limit)| (second, limit.to_string())).collect()
    };
    let (start, watts) = evse.composite(2000, None);
    assert_eq!(start, at(100));
    let expected =
        [(0, "5000"), (150, "6900"), (950, "11040")].map(|(second, limit)| (second, limit.to_owned()));
    assert_eq!(plain(watts), expected);
    let (_, amperes) = evse.composite(500, Some(RateUnit::Amperes));
    assert_eq!(plain(amperes), [(0, "7.2".to_owned()), (150, "10.0".to_owned())]);
    evse.advance(at(120));
    assert!(evse.clear(|profile| profile.id == 1));
    assert!(!evse.clear(|_| true));
    evse.advance(at(200));
    assert_eq!(powers(&evse), [(0, 100, 11_040), (100, 120, 5000), (120, 200, 11_040)]);
}

#[test]
fn those_who_refuse_or_ignore_do_nothing_and_only_one_says_so() {
    for (behaviour, accepts) in [(Behaviour::Refuses, false), (Behaviour::Ignores, true)] {
        let mut evse = evse_of(charger(), vec![session(0, HOUR, 60_000)], behaviour, 0);
        evse.advance(at(100));
        let told = Some(profile(0, Some(HOUR), &[(0, 0)]));
        assert_eq!(evse.take(told, &Claim::Name("SIM00001-0".to_owned())), accepts);
        evse.advance(at(200));
        assert_eq!((powers(&evse), evse.profiles_told()), (vec![(0, 200, 11_040)], 1));
    }
}

#[test]
fn a_clock_that_is_ahead_applies_profiles_early_and_stamps_readings_late() {
    let ahead = Behaviour::Drifts(SignedDuration::from_secs(90));
    let mut evse = evse_of(charger(), vec![session(HOUR, 3 * HOUR, 60_000)], ahead, 0);
    evse.advance(at(HOUR + 10));
    let claim = Claim::Name(format!("SIM00001-{HOUR}"));
    assert!(evse.take(Some(profile(HOUR + 900, Some(900), &[(0, 5000)])), &claim));
    evse.advance(at(HOUR + 2000));
    assert_eq!(
        powers(&evse),
        [(HOUR, HOUR + 810, 11_040), (HOUR + 810, HOUR + 1710, 5000), (HOUR + 1710, HOUR + 2000, 11_040)]
    );
    let told = told(&mut evse);
    assert_eq!(told[1].at, at(HOUR + 90));
    let meter: Vec<_> = told
        .iter()
        .filter_map(
            |one| if let What::Meter(reading) = one.what { Some((one.at, reading.register)) } else { None },
        )
        .collect();
    // At a quarter past by its own clock, when it had charged for 810 s.
    assert_eq!(meter[0], (at(HOUR + 900), 11_040 * 810 / HOUR));
}

#[test]
fn late_messages_come_later_with_their_own_time_and_out_of_order() {
    let late = Behaviour::LateMessages { share: 500, longest: SignedDuration::from_mins(40) };
    let mut evse = evse_of(charger(), vec![session(0, 20 * HOUR, 60_000)], late, 0);
    let (mut order, mut delays) = (Vec::new(), Vec::new());
    for minute in 0..22 * 60 {
        evse.advance(at(minute * 60));
        for report in told(&mut evse) {
            if matches!(report.what, What::Meter(_)) {
                order.push(report.sequence);
                delays.push(minute * 60 - report.at.as_second());
            }
        }
    }
    assert!(order.windows(2).any(|two| two[0] > two[1]), "{order:?}");
    let held = delays.iter().filter(|delay| **delay > 0).count();
    assert!((20..60).contains(&held) && delays.iter().all(|delay| *delay <= 41 * 60), "{delays:?}");
    order.sort_unstable();
    order.dedup();
    assert_eq!(order.len(), 80, "none is lost or told twice");
}

#[test]
fn noise_is_in_what_is_told_and_not_in_what_happens() {
    let quiet = evse_of(charger(), vec![session(0, 4 * HOUR, 60_000)], Behaviour::Obeys, 0);
    let noisy = evse_of(charger(), vec![session(0, 4 * HOUR, 60_000)], Behaviour::Noise(50), 0);
    let [quiet, noisy] = [quiet, noisy].map(|mut evse| {
        evse.advance(at(3 * HOUR));
        (powers(&evse), told(&mut evse))
    });
    assert_eq!(quiet.0, noisy.0);
    assert_ne!(quiet.1, noisy.1);
}

#[test]
fn a_session_that_began_before_is_under_way_and_its_past_is_told_in_short() {
    let mut evse = evse_of(charger(), vec![session(0, 9 * HOUR, 11_040)], Behaviour::Obeys, 5 * HOUR);
    assert_eq!(evse.outcomes()[0].delivered, watt_hours(11_040));
    let told = told(&mut evse);
    assert!(matches!(told[1].what, What::Begins(_)) && told[1].at == at(0));
    assert!(matches!(told[2].what, What::State(ChargingState::SuspendedByVehicle, _)));
    assert!(matches!(told[3].what, What::Meter(reading) if reading.at == at(5 * HOUR)));
    assert_eq!((told.len(), evse.next_event()), (4, Some(at(5 * HOUR + 900))));
}

#[test]
fn a_driver_who_is_denied_gets_nothing_and_says_nothing_more() {
    for begun in [false, true] {
        let mut evse = evse(vec![session(HOUR, 3 * HOUR, 11_040)]);
        evse.advance(at(HOUR));
        evse.deny(1, begun);
        evse.advance(at(4 * HOUR));
        let outcome = evse.outcomes().remove(0);
        assert!(outcome.denied && outcome.ended);
        assert_eq!(outcome.delivered, Energy::ZERO);
        let told: Vec<_> = told(&mut evse).into_iter().map(|one| one.what).collect();
        match told.as_slice() {
            [What::Ends(_, Why::Denied), What::Unplugged] => assert!(begun),
            [What::Unplugged] => assert!(!begun),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn instants_between_seconds_count_as_the_second_that_they_are_in() {
    let mut evse = evse(vec![session(0, 9 * HOUR, 60_000)]);
    let half = SignedDuration::from_millis(500);
    evse.advance(at(100) + half);
    let mut told = profile(0, Some(100), &[(0, 5000)]);
    told.kind = Kind::Absolute(at(200) + half);
    assert!(evse.take(Some(told), &Claim::Name("SIM00001-0".to_owned())));
    evse.advance(at(400) + half);
    assert_eq!(powers(&evse), [(0, 201, 11_040), (201, 301, 5000), (301, 400, 11_040)]);
}

#[test]
fn the_next_event_is_when_there_is_something_to_tell() {
    let mut evse = evse(vec![session(HOUR + 60, 9 * HOUR + 60, 2000)]);
    let mut events = Vec::new();
    let mut told_at = Vec::new();
    while let Some(event) = evse.next_event() {
        evse.advance(event);
        events.push(event);
        let told = told(&mut evse);
        assert!(!told.is_empty(), "nothing is told at {event}");
        told_at.extend(told.into_iter().map(|one| one.at));
    }
    told_at.dedup();
    assert_eq!(told_at, events);
    assert_eq!((events[0], events.last()), (at(HOUR + 60), Some(&at(9 * HOUR + 60))));
}
