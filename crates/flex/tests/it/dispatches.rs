use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tieline_flex::{
    BoundBy, Departure, Expectation, Fleet, Plan, Release, ShortfallReason, Stay, StayDistribution, Target,
    dispatch, split,
};
use tieline_types::{Energy, Power};

use crate::fleets::{any_fleet, isp, noon, three_phase};
use crate::splits::total;

/// Drivers who come at 10 and say 18, of whom half leave at noon and half at 18.
static STAYS: LazyLock<StayDistribution> = LazyLock::new(|| {
    let mut stays = StayDistribution::new(TimeZone::UTC);
    let arrival = noon() - SignedDuration::from_hours(2);
    for _ in 0..200 {
        for hours in [2, 8] {
            let departure = arrival + SignedDuration::from_hours(hours);
            stays.learn(&Stay { arrival, departure, stated: Some(arrival + SignedDuration::from_hours(8)) });
        }
    }
    stays
});

fn dispatched(fleet: &Fleet, arrivals: &BTreeMap<String, Timestamp>, targets: &[Target]) -> Plan {
    dispatch(fleet, targets, &Expectation { stays: &STAYS, arrivals, leave_by: Expectation::ONE_IN_FIVE })
}

fn at_most(number: i32, watts: i64) -> Target {
    Target::at_most(isp(number), Power::from_watts(watts))
}

/// What each session is told in an ISP.
fn told(plan: &Plan, number: i32) -> Vec<i64> {
    let during = |session: &tieline_flex::SessionPlan| {
        session.periods.iter().find(|period| period.span.encloses(isp(number))).unwrap().power.watts()
    };
    plan.sessions.iter().map(during).collect()
}

/// Three sessions of 22,080 W that want so many kWh, with a departure so many ISPs after noon.
fn wanting(kwh: [i64; 3], departure: fn(Timestamp) -> Departure, isps: [i32; 3]) -> Fleet {
    let mut fleet = three_phase(3);
    for ((session, kwh), isps) in fleet.sessions.iter_mut().zip(kwh).zip(isps) {
        session.energy_wanted = Energy::from_watt_hours(kwh * 1_000);
        session.departure = departure(isp(isps).start());
    }
    fleet
}

#[test]
fn a_session_that_must_go_on_gets_its_floor_and_the_others_the_rest() {
    // Who wants 100 kWh by the early departure has no time to lose; the others do.
    let fleet = wanting([100, 5, 5], Departure::Stated, [32, 32, 32]);
    let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 32_000)]);
    assert_eq!(told(&plan, 0), [22_080, 4_960, 4_960]);
    assert!(plan.shortfalls.is_empty());
}

#[test]
fn floors_of_stated_departures_give_way_to_the_order_alike() {
    let fleet = wanting([100, 100, 5], Departure::Stated, [8, 8, 40]);
    let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 20_001)]);
    assert_eq!(total(&plan, isp(0)), 20_001);
    // The floors fill the order, so that the third pauses.
    assert_eq!(told(&plan, 0), [10_001, 10_000, 0]);
    assert!(plan.shortfalls.is_empty());
    assert_eq!(plan.sessions[0].periods[0].bound_by, BoundBy::Order);
    // Where not even their minima fit, one of them has none.
    let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 6_000)]);
    assert_eq!(told(&plan, 0), [6_000, 0, 0]);
}

#[test]
fn a_floor_that_its_connection_has_no_room_for_does_not_come_back() {
    // The connection has room for one minimum of 4,140 W, the order for none.
    let mut fleet = wanting([100, 100, 0], Departure::Stated, [2, 2, 2]);
    fleet.connections[0].limit = Some(Power::from_watts(6_000));
    fleet.sessions.truncate(2);
    assert_eq!(total(&dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 0)]), isp(0)), 0);
}

#[test]
fn floors_of_known_departures_do_not_give_way() {
    let mut fleet = wanting([100, 100, 5], Departure::Stated, [8, 8, 40]);
    fleet.sessions[0].departure = Departure::Known(isp(4).start());
    let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 10_000)]);
    assert_eq!(told(&plan, 0), [22_080, 0, 0]);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MustRun);
    assert_eq!(plan.sessions[0].periods[0].bound_by, BoundBy::Maximum);
}

#[test]
fn whoever_stays_beyond_the_stated_departure_goes_on() {
    let fleet = wanting([100, 100, 100], Departure::Stated, [-1, -1, -1]);
    assert_eq!(total(&split(&fleet, &[at_most(0, 30_000)]), isp(0)), 0);
    assert_eq!(total(&dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 30_000)]), isp(0)), 30_000);
}

#[test]
fn whoever_has_what_was_asked_for_and_goes_on_has_a_share() {
    let fleet = wanting([0, 0, 100], |_| Departure::Unknown, [40, 40, 40]);
    assert_eq!(told(&dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 15_000)]), 0), [5_000; 3]);
}

#[test]
fn the_arrival_decides_how_early_a_departure_is_reckoned_with() {
    // Both state 18:00. One came at 9:30, and those who leave early have left by now; the other came just now.
    let fleet = wanting([60, 60, 0], Departure::Stated, [24, 24, 24]);
    let arrivals = BTreeMap::from([("s0".to_owned(), isp(-10).start()), ("s1".to_owned(), isp(0).start())]);
    let leave_by = Expectation::ONE_IN_FIVE;
    let expectation = Expectation { stays: &STAYS, arrivals: &arrivals, leave_by };
    let leaves = |index: usize| expectation.departure(&fleet.sessions[index], noon()).at().unwrap();
    assert!(leaves(0) > isp(20).start());
    assert!(leaves(1) < isp(8).start());
    let told = told(&dispatch(&fleet, &[at_most(0, 40_000)], &expectation), 0);
    assert!(told[1] > told[0], "{told:?}");
}

#[test]
fn a_plan_over_several_isps_reckons_with_what_it_gives() {
    // 5 kWh are given in the first two ISPs at 10 kW; nothing more is wanted in the third.
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(5_000);
    let plan =
        dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 10_000), at_most(1, 10_000), at_most(2, 10_000)]);
    let periods = &plan.sessions[0].periods;
    assert_eq!(periods.len(), 2);
    assert_eq!(periods[0].span.end(), isp(1).end());
    assert_eq!((periods[1].power.watts(), periods[1].bound_by), (0, BoundBy::Finished));
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::Exhausted);
}

#[test]
fn a_release_lasts_while_those_held_back_charge() {
    let mut fleet = three_phase(3);
    let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 15_000)]);
    let mut release = Release::new(Power::from_watts(50_000), isp(8).start());
    assert_eq!(release.target(&fleet, isp(1)), None, "nothing is held back yet");
    release.hold_back(&fleet, &plan, isp(0));
    assert_eq!(release.held_back(&fleet).count(), 3);
    assert_eq!(release.target(&fleet, isp(1)), Some(at_most(1, 50_000)));
    // It is over when the last has what it wants or has left, and at its latest end.
    fleet.sessions.truncate(1);
    assert_eq!(release.target(&fleet, isp(7)), Some(at_most(7, 50_000)));
    assert_eq!(release.target(&fleet, isp(8)), None);
    fleet.sessions[0].id = "came later".to_owned();
    assert_eq!(release.target(&fleet, isp(2)), None);
}

#[test]
fn whoever_gets_all_it_can_take_is_not_held_back() {
    let fleet = three_phase(2);
    let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 44_160)]);
    let mut release = Release::new(Power::from_watts(50_000), isp(8).start());
    release.hold_back(&fleet, &plan, isp(0));
    assert_eq!(release.held_back(&fleet).count(), 0);
}

#[test]
fn what_is_learned_and_what_is_held_back_can_be_kept() {
    let fleet = three_phase(2);
    let mut release = Release::new(Power::from_watts(9_000), isp(8).start());
    release.hold_back(&fleet, &dispatched(&fleet, &BTreeMap::new(), &[at_most(0, 9_000)]), isp(0));
    let text = serde_json::to_string(&(&*STAYS, &release)).unwrap();
    assert_eq!(serde_json::from_str::<(StayDistribution, Release)>(&text).unwrap(), (STAYS.clone(), release));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// As near to the target as a split without any floors, and never above it, unless a known departure asks for more.
    #[test]
    fn an_order_is_kept_whatever_drivers_stated(
        fleet in any_fleet(6),
        watts in prop::collection::vec(0_i64..120_000, 1..4),
    ) {
        let targets: Vec<_> = (0..).zip(&watts).map(|(number, watts)| at_most(number, *watts)).collect();
        let mut stated = fleet.clone();
        for session in &mut stated.sessions {
            session.departure = session.departure.at().map_or(Departure::Unknown, Departure::Stated);
        }
        for (fleet, may_miss) in [(&stated, false), (&fleet, true)] {
            let plan = dispatched(fleet, &BTreeMap::new(), &targets);
            for target in &targets {
                let planned = total(&plan, target.span);
                let missed = plan.shortfalls.iter().find(|shortfall| shortfall.span == target.span);
                prop_assert_eq!(planned, missed.map_or(target.power.watts(), |missed| missed.planned.watts()));
                let above = planned > target.power.watts();
                prop_assert_eq!(above, missed.is_some_and(|missed| missed.reason == ShortfallReason::MustRun));
                prop_assert!(may_miss || !above, "{} W planned, {} W ordered", planned, target.power.watts());
            }
            for planned in &plan.sessions {
                let session = fleet.sessions.iter().find(|session| session.id == planned.session).unwrap();
                let range = session.supply.minimum()..=session.supply.maximum();
                let legal = planned.periods.iter().all(|period| period.power.watts() == 0 || range.contains(&period.power));
                prop_assert!(legal, "{:?}", planned);
                for pair in planned.periods.windows(2) {
                    prop_assert_eq!(pair[0].span.end(), pair[1].span.start());
                }
            }
        }
    }

    #[test]
    fn no_connection_is_overloaded_and_the_order_of_the_sessions_does_not_matter(
        fleet in any_fleet(6),
        watts in 0_i64..120_000,
    ) {
        let plan = dispatched(&fleet, &BTreeMap::new(), &[at_most(0, watts)]);
        for connection in &fleet.connections {
            let there = crate::splits::total_at(&fleet, &plan, &connection.address, isp(0));
            prop_assert!(connection.limit.is_none_or(|limit| there <= limit.watts()));
        }
        let mut reversed = fleet.clone();
        reversed.sessions.reverse();
        prop_assert_eq!(plan, dispatched(&reversed, &BTreeMap::new(), &[at_most(0, watts)]));
    }
}
