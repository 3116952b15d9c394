use proptest::prelude::*;
use rust_decimal::Decimal;
use tieline_flex::{BoundBy, Departure, Fleet, Plan, SessionPlan, ShortfallReason, Supply, Target, split};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

use crate::fleets::{any_fleet, isp, session, three_phase};

fn target(number: i32, watts: i64) -> Target {
    Target::at_most(isp(number), Power::from_watts(watts))
}

/// What the plan gives in all during `span`.
pub(crate) fn total(plan: &Plan, span: TimeSpan) -> i64 {
    plan.sessions.iter().map(|session| during(session, span)).sum()
}

/// What the plan gives during `span` to the sessions at one connection.
pub(crate) fn total_at(fleet: &Fleet, plan: &Plan, connection: &EntityAddress, span: TimeSpan) -> i64 {
    let there =
        |id: &str| fleet.sessions.iter().any(|known| known.id == id && known.connection == *connection);
    plan.sessions.iter().filter(|planned| there(&planned.session)).map(|planned| during(planned, span)).sum()
}

pub(crate) fn during(session: &SessionPlan, span: TimeSpan) -> i64 {
    session.periods.iter().find(|period| period.span.encloses(span)).map_or(0, |period| period.power.watts())
}

#[test]
fn equal_sessions_share_alike_to_the_watt() {
    let plan = split(&three_phase(3), &[target(0, 20_000)]);
    let mut powers: Vec<i64> = plan.sessions.iter().map(|session| session.periods[0].power.watts()).collect();
    powers.sort_unstable();
    assert_eq!(powers, [6_666, 6_667, 6_667]);
    assert!(plan.shortfalls.is_empty());
}

#[test]
fn what_leaves_less_than_six_amperes_pauses_some_and_not_all() {
    // Three minima are 12,420 W.
    let plan = split(&three_phase(3), &[target(0, 9_000)]);
    let powers: Vec<i64> = plan.sessions.iter().map(|session| session.periods[0].power.watts()).collect();
    assert_eq!(powers.iter().filter(|watts| **watts == 0).count(), 1);
    assert_eq!(powers.iter().sum::<i64>(), 9_000);
}

#[test]
fn a_target_in_the_gap_is_missed_from_below_and_says_so() {
    let plan = split(&three_phase(1), &[target(0, 2_000)]);
    assert_eq!(total(&plan, isp(0)), 0);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MinimumCurrent);
}

#[test]
fn the_sessions_that_run_are_those_that_reach_the_target() {
    let mut fleet = three_phase(1);
    fleet.sessions.push(session("single", Supply::in_watts(1, 230, 16).unwrap()));
    // Pausing the larger leaves 3,680 W; pausing the smaller leaves the larger all of it.
    let plan = split(&fleet, &[target(0, 5_000)]);
    assert_eq!(total(&plan, isp(0)), 5_000);
    assert!(plan.shortfalls.is_empty());
}

#[test]
fn an_increase_that_falls_into_the_gap_is_met_from_above() {
    let increase = Target::at_least(isp(0), Power::from_watts(2_000));
    let plan = split(&three_phase(1), &[increase]);
    assert_eq!(total(&plan, isp(0)), 4_140);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MinimumCurrent);
    // But not where the connection has no room for it.
    let mut fleet = three_phase(1);
    fleet.connections[0].limit = Some(Power::from_watts(3_000));
    assert_eq!(total(&split(&fleet, &[increase]), isp(0)), 0);
    // And no higher than it can go.
    let plan = split(&three_phase(1), &[Target::at_least(isp(0), Power::from_watts(50_000))]);
    assert_eq!(total(&plan, isp(0)), 22_080);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::Exhausted);
}

#[test]
fn a_connection_that_is_too_small_for_its_floors_gives_each_a_share() {
    let mut fleet = three_phase(2);
    fleet.connections[0].limit = Some(Power::from_watts(20_000));
    for session in &mut fleet.sessions {
        session.energy_wanted = Energy::from_watt_hours(100_000);
        session.departure = Departure::Known(isp(1).end());
    }
    let plan = split(&fleet, &[target(0, 5_000)]);
    assert!(plan.sessions.iter().all(|planned| planned.periods[0].power.watts() == 10_000));
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MustRun);
    assert_eq!(plan.sessions[0].periods[0].bound_by, BoundBy::Connection);
}

#[test]
fn amperes_are_told_in_tenths_and_never_add_up_to_more() {
    let mut fleet = three_phase(2);
    for session in &mut fleet.sessions {
        session.supply = Supply::in_amperes(3, 230, 32).unwrap();
    }
    let plan = split(&fleet, &[target(0, 20_000)]);
    assert_eq!(total(&plan, isp(0)), 19_941);
    for session in &plan.sessions {
        assert_eq!(session.periods[0].limit.scale(), 1, "{:?}", session.periods[0].limit);
    }
    // One that is told watts takes up the rest.
    fleet.sessions.push(session("w", Supply::in_watts(1, 230, 16).unwrap()));
    assert_eq!(total(&split(&fleet, &[target(0, 20_000)]), isp(0)), 20_000);
}

/// Three chargers whose tenths are no whole numbers of watts have more sums than are searched. What is found from above is
/// found from below.
#[test]
fn a_target_is_reached_from_either_side() {
    let supplies = [(3, 127, 22), (2, 240, 17), (3, 230, 27)];
    let supplies =
        supplies.map(|(phases, voltage, current)| Supply::in_amperes(phases, voltage, current).unwrap());
    let mut fleet = three_phase(3);
    for (session, supply) in fleet.sessions.iter_mut().zip(supplies) {
        session.supply = supply;
    }
    let power = Power::from_watts(34_852);
    for target in [Target::at_least(isp(0), power), Target::at_most(isp(0), power)] {
        assert!(split(&fleet, &[target]).shortfalls.is_empty(), "{target:?}");
    }
}

#[test]
fn limits_that_do_not_change_are_one_period() {
    let targets: Vec<_> = (0..4).map(|number| target(number, 20_000)).collect();
    let plan = split(&three_phase(2), &targets);
    for session in &plan.sessions {
        assert_eq!(session.periods.len(), 1);
        assert_eq!(session.periods[0].span, TimeSpan::new(isp(0).start(), isp(3).end()).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_limit_is_legal_and_every_target_kept_or_its_miss_reported(
        fleet in any_fleet(6),
        watts in prop::collection::vec(0_i64..120_000, 1..6),
    ) {
        let targets: Vec<_> = (0..).zip(&watts).map(|(number, watts)| target(number, *watts)).collect();
        let plan = split(&fleet, &targets);
        for planned in &plan.sessions {
            let supply = fleet.sessions.iter().find(|session| session.id == planned.session).unwrap().supply;
            prop_assert_eq!(planned.periods.first().unwrap().span.start(), isp(0).start());
            prop_assert_eq!(planned.periods.last().unwrap().span.end(), targets.last().unwrap().span.end());
            for pair in planned.periods.windows(2) {
                prop_assert_eq!(pair[0].span.end(), pair[1].span.start());
            }
            for period in &planned.periods {
                let legal = period.power.watts() == 0
                    || (supply.minimum()..=supply.maximum()).contains(&period.power);
                prop_assert!(legal, "{period:?} of {supply:?}");
            }
        }
        for target in &targets {
            let planned = total(&plan, target.span);
            let told: Decimal = plan.sessions.iter().map(|planned| {
                let supply = fleet.sessions.iter().find(|session| session.id == planned.session).unwrap().supply;
                let period = planned.periods.iter().find(|period| period.span.encloses(target.span)).unwrap();
                // What the limit comes to: the maximum in its unit is known both ways.
                period.limit * Decimal::from(supply.maximum().watts()) / supply.limit(supply.maximum())
            }).sum();
            prop_assert!(told.round_dp(6) <= Decimal::from(planned), "{told} W are told, {planned} W are planned");
            let missed = plan.shortfalls.iter().find(|shortfall| shortfall.span == target.span);
            match missed {
                None => prop_assert_eq!(planned, target.power.watts()),
                Some(missed) => {
                    prop_assert_eq!(planned, missed.planned.watts());
                    let above = planned > target.power.watts();
                    prop_assert_eq!(above, missed.reason == ShortfallReason::MustRun);
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_sessions_does_not_matter(
        fleet in any_fleet(6),
        watts in 0_i64..120_000,
    ) {
        let mut reversed = fleet.clone();
        reversed.sessions.reverse();
        prop_assert_eq!(split(&fleet, &[target(0, watts)]), split(&reversed, &[target(0, watts)]));
    }

    /// Against every choice of who runs: whatever some choice reaches exactly, the plan reaches.
    #[test]
    fn a_target_that_equal_watt_chargers_can_reach_is_reached(
        count in 1_usize..7,
        watts in 0_i64..160_000,
    ) {
        let fleet = three_phase(count);
        let (minimum, maximum) = (fleet.sessions[0].supply.minimum().watts(), fleet.sessions[0].supply.maximum().watts());
        let reachable = (0..=i64::try_from(count).unwrap())
            .any(|running| (running * minimum..=running * maximum).contains(&watts));
        let plan = split(&fleet, &[target(0, watts)]);
        prop_assert_eq!(plan.shortfalls.is_empty(), reachable, "{} W over {}", watts, count);
    }
}
