//! Limits of the congestion point, of connections and of devices; and sessions that are not as their chargers say.

use jiff::SignedDuration;
use proptest::prelude::*;
use tieline_flex::{
    BoundBy, ChargingSession, Connection, Departure, Device, Fleet, Miss, Plan, SessionPlan, ShortfallReason,
    Steering, Supply, Target, baseline, split,
};
use tieline_types::{Energy, Power};

use crate::fleets::{any_tree, connection, isp, noon, session, three_phase};
use crate::splits::{during, total};

fn watts(watts: i64) -> Power {
    Power::from_watts(watts)
}

fn planned<'a>(plan: &'a Plan, id: &str) -> &'a SessionPlan {
    plan.sessions.iter().find(|planned| planned.session == id).unwrap()
}

/// Each limit of a fleet, with whether a session is below it.
type Below<'a> = Box<dyn Fn(&ChargingSession) -> bool + 'a>;

fn limits(fleet: &Fleet) -> Vec<(i64, Below<'_>)> {
    let connection = |session: &ChargingSession| {
        let device = fleet.devices.iter().find(|device| session.device.as_ref() == Some(&device.id));
        device.map_or(session.connection.clone(), |device| device.connection.clone())
    };
    let mut limits: Vec<(i64, Below<'_>)> = Vec::new();
    limits
        .extend(fleet.limit.map(|limit| (limit.watts(), Box::new(|_: &ChargingSession| true) as Below<'_>)));
    for Connection { address, limit } in &fleet.connections {
        let below = move |session: &ChargingSession| connection(session) == *address;
        limits.extend(limit.map(|limit| (limit.watts(), Box::new(below) as Below<'_>)));
    }
    for Device { id, limit, .. } in &fleet.devices {
        let below = move |session: &ChargingSession| session.device.as_ref() == Some(id);
        limits.extend(limit.map(|limit| (limit.watts(), Box::new(below) as Below<'_>)));
    }
    limits
}

/// What the sessions that are below a limit get of a plan, those that can be steered and the others.
fn drawn_below(fleet: &Fleet, plan: &Plan, is_below: &Below<'_>, number: i32) -> (i64, i64) {
    let mut sums = (0, 0);
    for session in fleet.sessions.iter().filter(|session| is_below(session)) {
        let watts = during(planned(plan, &session.id), isp(number));
        match session.steering {
            Steering::Steerable => sums.0 += watts,
            Steering::Unsteerable { .. } => sums.1 += watts,
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// What can't be steered may exceed a limit alone; then nobody else gets anything below it.
    #[test]
    fn no_plan_breaks_any_limit(
        fleet in any_tree(7),
        targets in prop::collection::vec((0_i64..120_000, any::<bool>()), 1..5),
    ) {
        let targets: Vec<Target> = (0..).zip(&targets).map(|(number, (power, above))| Target {
            span: isp(number),
            power: watts(*power),
            miss: if *above { Miss::Above } else { Miss::Below },
        }).collect();
        let plan = split(&fleet, &targets);
        for (number, target) in (0..).zip(&targets) {
            for (limit, is_below) in limits(&fleet) {
                let (steered, unsteered) = drawn_below(&fleet, &plan, &is_below, number);
                prop_assert!(steered == 0 || steered + unsteered <= limit, "{steered} W and {unsteered} W in {limit} W");
            }
            let missed = plan.shortfalls.iter().find(|missed| missed.span == target.span);
            let sum = total(&plan, target.span);
            prop_assert_eq!(sum, missed.map_or(target.power, |missed| missed.planned).watts());
            if sum > target.power.watts() && target.miss == Miss::Below {
                let reason = missed.unwrap().reason;
                prop_assert!(matches!(reason, ShortfallReason::MustRun | ShortfallReason::Unsteerable), "{reason:?}");
            }
        }
    }

    #[test]
    fn no_baseline_breaks_the_congestion_points_limit(fleet in any_tree(7)) {
        let spans: Vec<_> = (0..8).map(isp).collect();
        let unsteered: i64 = fleet.sessions.iter().map(|session| match session.steering {
            Steering::Unsteerable { draws } => draws.watts(),
            Steering::Steerable => 0,
        }).sum();
        let most = fleet.limit.map_or(i64::MAX, Power::watts).max(unsteered);
        for power in baseline(&fleet, &spans) {
            prop_assert!(power.watts() <= most, "{power} in {most} W");
        }
    }

    /// A limit that is nowhere reached changes nothing.
    #[test]
    fn wide_limits_are_no_limits(mut fleet in any_tree(6), power in 0_i64..120_000) {
        fleet.limit = None;
        fleet.connections.clear();
        fleet.devices.clear();
        let free = split(&fleet, &[Target::at_most(isp(0), watts(power))]);
        fleet.limit = Some(watts(1_000_000));
        fleet.connections = (1..=3).map(|at| Connection { address: connection(at), limit: fleet.limit }).collect();
        fleet.devices = (0..3).map(|number| Device {
            id: format!("d{number}"),
            connection: connection(number + 1),
            limit: fleet.limit,
        }).collect();
        prop_assert_eq!(split(&fleet, &[Target::at_most(isp(0), watts(power))]), free);
    }
}

/// Two stations of two EVSEs at one connection: each limit binds where it is the tightest.
fn two_stations() -> Fleet {
    let mut fleet = three_phase(4);
    fleet.connections[0].limit = Some(watts(50_000));
    fleet.devices = ["a", "b"]
        .map(|id| Device { id: id.to_owned(), connection: connection(1), limit: Some(watts(30_000)) })
        .to_vec();
    for (session, device) in fleet.sessions.iter_mut().zip(["a", "a", "a", "b"]) {
        session.device = Some(device.to_owned());
    }
    fleet
}

#[test]
fn what_a_device_withholds_others_get() {
    let plan = split(&two_stations(), &[Target::at_most(isp(0), watts(100_000))]);
    let powers = ["s0", "s1", "s2", "s3"].map(|id| planned(&plan, id).periods[0].power.watts());
    assert_eq!(powers, [10_000, 10_000, 10_000, 20_000]);
    assert_eq!(planned(&plan, "s0").periods[0].bound_by, BoundBy::Device);
    assert_eq!(planned(&plan, "s3").periods[0].bound_by, BoundBy::Connection);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::Exhausted);
}

#[test]
fn each_level_of_limits_is_named_where_it_binds() {
    let reason = |fleet: &Fleet, power: i64| {
        split(fleet, &[Target::at_most(isp(0), watts(power))]).shortfalls.first().map(|missed| missed.reason)
    };
    let mut fleet = two_stations();
    // Sessions can take 88,320 W, the devices let through 52,080 W, the connection 50,000 W.
    assert_eq!(reason(&fleet, 88_321), Some(ShortfallReason::Exhausted));
    assert_eq!(reason(&fleet, 52_081), Some(ShortfallReason::DeviceLimit));
    assert_eq!(reason(&fleet, 52_080), Some(ShortfallReason::ConnectionLimit));
    assert_eq!(reason(&fleet, 50_000), None);
    fleet.limit = Some(watts(20_000));
    assert_eq!(reason(&fleet, 50_000), Some(ShortfallReason::CongestionPointLimit));
    assert_eq!(reason(&fleet, 20_000), None);
    let plan = split(&fleet, &[Target::at_least(isp(0), watts(40_000))]);
    assert_eq!(total(&plan, isp(0)), 20_000);
    assert!(plan.sessions.iter().all(|planned| planned.periods[0].bound_by == BoundBy::CongestionPoint));
}

#[test]
fn floors_that_a_congestion_point_has_no_room_for_are_lowered_alike() {
    let mut fleet = three_phase(2);
    fleet.limit = Some(watts(20_000));
    for session in &mut fleet.sessions {
        session.energy_wanted = Energy::from_watt_hours(100_000);
        session.departure = Departure::Known(isp(1).end());
    }
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(5_000))]);
    assert!(plan.sessions.iter().all(|planned| planned.periods[0].power.watts() == 10_000));
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MustRun);
}

#[test]
fn an_ev_that_takes_less_leaves_the_rest_to_others() {
    let mut fleet = three_phase(2);
    fleet.sessions[0].draws_at_most = Some(watts(7_360));
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(20_000))]);
    assert_eq!(planned(&plan, "s0").periods[0].power, watts(7_360));
    assert_eq!(planned(&plan, "s1").periods[0].power, watts(12_640));
    assert_eq!(baseline(&fleet, &[isp(0)]), [watts(7_360 + 22_080)]);
    // Full later than its charger would have it: its floor is higher.
    fleet.sessions[0].energy_wanted = Some(Energy::from_watt_seconds(7_360 * 900 * 2));
    fleet.sessions[0].departure = Departure::Known(isp(1).end());
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(0))]);
    assert_eq!(total(&plan, isp(0)), 7_360);
}

/// In amperes it is told the next tenth, so that it is not slowed down.
#[test]
fn an_ev_is_told_no_less_than_it_takes() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].supply = Supply::in_amperes(3, 230, 32).unwrap();
    fleet.sessions[0].draws_at_most = Some(watts(7_400));
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(20_000))]);
    assert_eq!(plan.sessions[0].periods[0].power, watts(7_452));
    assert_eq!(plan.sessions[0].periods[0].limit, "10.8".parse().unwrap());
    // One that takes less than 6 A is told 6 A and counts as what it takes.
    fleet.sessions[0].draws_at_most = Some(watts(1_380));
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(20_000))]);
    assert_eq!(plan.sessions[0].periods[0].power, watts(1_380));
    assert_eq!(plan.sessions[0].periods[0].limit, "6.0".parse().unwrap());
    fleet.sessions[0].draws_at_most = Some(watts(-1));
    assert_eq!(baseline(&fleet, &[isp(0)]), [watts(0)]);
}

#[test]
fn others_make_up_for_what_cant_be_steered() {
    let mut fleet = three_phase(3);
    fleet.sessions[1].steering = Steering::Unsteerable { draws: watts(11_000) };
    let target = |power| Target::at_most(isp(0), watts(power));
    let plan = split(&fleet, &[target(20_000)]);
    assert!(plan.shortfalls.is_empty());
    assert_eq!(planned(&plan, "s1").periods[0].power, watts(11_000));
    assert_eq!(planned(&plan, "s1").periods[0].bound_by, BoundBy::Unsteerable);
    assert_eq!(planned(&plan, "s0").periods[0].power, watts(4_500));
    let plan = split(&fleet, &[target(10_000)]);
    assert_eq!((total(&plan, isp(0)), plan.shortfalls[0].reason), (11_000, ShortfallReason::Unsteerable));
    assert_eq!(baseline(&fleet, &[isp(0)]), [watts(11_000 + 2 * 22_080)]);
    // It stops when it has what it wants.
    fleet.sessions[1].energy_wanted = Some(Energy::from_watt_seconds(11_000 * 450));
    assert_eq!(
        baseline(&fleet, &[isp(0), isp(1)]),
        [5_500, 0].map(|watts| Power::from_watts(watts + 2 * 22_080))
    );
}

#[test]
fn a_limit_is_shared_with_what_cant_be_steered() {
    let mut fleet = two_stations();
    fleet.sessions[0].steering = Steering::Unsteerable { draws: watts(20_000) };
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(100_000))]);
    let powers = ["s1", "s2"].map(|id| planned(&plan, id).periods[0].power.watts());
    assert_eq!(powers, [5_000, 5_000]);
    // 8 kW are less than two minima, and 3 kW less than one.
    fleet.sessions[0].steering = Steering::Unsteerable { draws: watts(27_000) };
    let plan = split(&fleet, &[Target::at_most(isp(0), watts(100_000))]);
    let powers = ["s1", "s2", "s3"].map(|id| planned(&plan, id).periods[0].power.watts());
    assert_eq!(powers, [0, 0, 22_080]);
    assert_eq!(planned(&plan, "s1").periods[0].bound_by, BoundBy::Device);
}

#[test]
fn a_session_that_is_expected_counts_from_its_arrival() {
    let mut fleet = three_phase(1);
    fleet.sessions.push(ChargingSession {
        arrives: Some(noon() + SignedDuration::from_mins(20)),
        ..session("s1", Supply::in_watts(3, 230, 32).unwrap())
    });
    let spans = [isp(0), isp(1), isp(2)];
    assert_eq!(baseline(&fleet, &spans), [22_080, 22_080 + 14_720, 44_160].map(Power::from_watts));
    let plan = split(&fleet, &spans.map(|span| Target::at_most(span, watts(20_000))));
    let powers: Vec<_> = planned(&plan, "s1").periods.iter().map(|period| period.power.watts()).collect();
    assert_eq!(powers, [0, 10_000]);
    assert_eq!(planned(&plan, "s1").periods[0].bound_by, BoundBy::Finished);
}

/// Water-filling alone would give half to one that is full after a minute.
#[test]
fn an_increase_goes_to_those_that_can_use_it() {
    let mut fleet = three_phase(2);
    fleet.sessions[0].energy_wanted = Some(Energy::from_watt_seconds(5_000 * 900));
    let plan = split(&fleet, &[Target::at_least(isp(0), watts(25_000))]);
    let powers = ["s0", "s1"].map(|id| planned(&plan, id).periods[0].power.watts());
    assert_eq!(powers, [5_000, 20_000]);
    // More than they can use is told all the same.
    let plan = split(&fleet, &[Target::at_least(isp(0), watts(40_000))]);
    assert_eq!(total(&plan, isp(0)), 40_000);
}
