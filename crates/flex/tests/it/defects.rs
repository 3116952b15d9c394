//! What others got wrong, one test each.

use rust_decimal::Decimal;
use tieline_flex::{Departure, ShortfallReason, Target, baseline, offer, split};
use tieline_types::{Energy, Power};

use crate::fleets::{isp, three_phase};
use crate::offers::requested;
use crate::splits::total;

/// A schedule placed on today's date whatever its own: here a span is two instants, and a plan covers those and no others.
#[test]
fn a_day_ahead_order_plans_nothing_for_today() {
    let tomorrow = isp(96);
    let plan = split(&three_phase(2), &[Target::at_most(tomorrow, Power::from_watts(10_000))]);
    for session in &plan.sessions {
        assert!(session.periods.iter().all(|period| period.span.start() >= tomorrow.start()));
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

/// An unreachable target answered with a schedule of zeros: here it is the best that can be done, with the reason.
#[test]
fn an_unreachable_energy_target_is_best_effort_and_not_zero() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(1_000_000);
    fleet.sessions[0].departure = Departure::Known(isp(1).end());
    let plan = split(&fleet, &[Target::at_most(isp(0), Power::from_watts(5_000))]);
    assert_eq!(total(&plan, isp(0)), 22_080);
    assert_eq!(plan.shortfalls[0].reason, ShortfallReason::MustRun);
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
