//! Offers against a baseline that was given, as in UFTP against the D-Prognosis.

use jiff::SignedDuration;
use proptest::prelude::*;
use tieline_flex::{
    ChargingSession, Demand, Departure, Fleet, NoOffer, Obstacle, OfferTerms, OfferedChange, RequestedChange,
    ShortfallReason, Steering, Supply, Target, deliverable, offer, offer_on, split,
};
use tieline_types::{Energy, Power};

use crate::fleets::{any_tree, isp, noon, session, three_phase};
use crate::offers::requested;

/// A request in the ISP of this number, against a forecast.
fn against(forecast: i64, number: i32, min: i64, max: i64) -> RequestedChange {
    RequestedChange { baseline: Some(Power::from_watts(forecast)), ..requested(number, min, max) }
}

fn changes(offered: Result<Vec<OfferedChange>, NoOffer>) -> Vec<i64> {
    offered.unwrap().iter().map(|offered| offered.change.watts()).collect()
}

/// More than one session can draw was forecast: what it does not draw is a reduction all the same.
#[test]
fn a_reduction_needs_only_that_the_fleet_can_stay_below() {
    let mut fleet = three_phase(1);
    assert_eq!(changes(offer(&fleet, &[against(50_000, 0, -40_000, 0)])), [-40_000]);
    assert_eq!(changes(offer(&fleet, &[against(50_000, 0, -100_000, 0)])), [-50_000]);
    // What must go on can't be taken away.
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 / 2);
    fleet.sessions[0].departure = Departure::Known(isp(1).end());
    assert_eq!(changes(offer(&fleet, &[against(50_000, 0, -100_000, 0)])), [-27_920]);
    let refused = offer(&fleet, &[against(20_000, 0, -10_000, 0)]).unwrap_err();
    assert_eq!(refused.0, [(isp(0), Obstacle::TooLittle(Power::from_watts(2_080)))]);
}

#[test]
fn an_empty_fleet_can_stay_below_a_forecast_but_not_rise_above_it() {
    let fleet = Fleet::default();
    let offered = offer(&fleet, &[against(50_000, 0, -10_000, 0)]).unwrap();
    assert_eq!((offered[0].change.watts(), offered[0].baseline.watts()), (-10_000, 50_000));
    assert!(offer(&fleet, &[against(50_000, 0, 0, 10_000)]).is_err());
}

#[test]
fn an_increase_is_what_the_sessions_draw_above_the_forecast() {
    assert_eq!(changes(offer(&three_phase(2), &[against(10_000, 0, 0, 100_000)])), [34_160]);
    assert_eq!(changes(offer(&three_phase(2), &[against(10_000, 0, 0, 5_000)])), [5_000]);
    assert!(offer(&three_phase(2), &[against(44_160, 0, 0, 5_000)]).is_err());
}

#[test]
fn an_increase_needs_energy_that_is_wanted_and_sells_it_once() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Some(Energy::from_watt_seconds(11_040 * 900));
    assert_eq!(changes(offer(&fleet, &[against(5_000, 0, 0, 100_000)])), [6_040]);
    // What is drawn in the first ISP is gone in the second.
    let both = [against(5_000, 0, 0, 3_000), against(1_000, 1, 0, 100_000)];
    assert_eq!(changes(offer(&fleet, &both)), [3_000, 2_040]);
}

#[test]
fn who_is_expected_counts_if_the_caller_says_so() {
    let mut fleet = three_phase(1);
    fleet.sessions.push(ChargingSession {
        arrives: Some(noon() + SignedDuration::from_mins(15)),
        ..session("s1", Supply::in_watts(3, 230, 32).unwrap())
    });
    let both = [against(10_000, 0, 0, 100_000), against(10_000, 1, 0, 100_000)];
    assert_eq!(changes(offer(&fleet, &both)), [12_080, 34_160]);
}

#[test]
fn what_cant_be_steered_is_not_offered_as_a_reduction() {
    let mut fleet = three_phase(2);
    fleet.sessions[0].steering = Steering::Unsteerable { draws: Power::from_watts(7_000) };
    assert_eq!(changes(offer(&fleet, &[against(50_000, 0, -100_000, 0)])), [-43_000]);
    // Without a forecast as well.
    assert_eq!(changes(offer(&fleet, &[requested(0, -100_000, 0)])), [-22_080]);
}

/// A reduction now is caught up on later, where nothing was promised: the forecast of that ISP does not hold it back.
#[test]
fn isps_without_a_promise_are_free() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Some(Energy::from_watt_seconds(22_080 * 900));
    fleet.sessions[0].departure = Departure::Known(isp(1).end());
    let free = RequestedChange { requested: false, ..against(0, 1, 0, 0) };
    assert_eq!(changes(offer(&fleet, &[against(22_080, 0, -100_000, 0), free])), [-22_080]);
    // Where something was, it does not fit any more.
    let kept = RequestedChange { promised: Power::from_watts(-12_000), ..against(22_080, 1, -100_000, 0) };
    assert_eq!(changes(offer(&fleet, &[against(22_080, 0, -100_000, 0), kept])), [-22_080]);
}

#[test]
fn a_reserve_keeps_a_part_of_what_is_uncertain() {
    let mut fleet = three_phase(2);
    let on = |fleet: &Fleet, reserve_percent| {
        changes(offer_on(fleet, &[against(50_000, 0, -100_000, 0)], OfferTerms { reserve_percent }))
    };
    assert_eq!(on(&fleet, 0), [-50_000]);
    assert_eq!(on(&fleet, 10), [-45_584]);
    assert_eq!(on(&fleet, 100), [-5_840]);
    assert_eq!(on(&fleet, 255), [-5_840]);
    fleet.sessions[0].departure = Departure::Known(isp(40).end());
    assert_eq!(on(&fleet, 10), [-47_792]);
    fleet.sessions[1].departure = Departure::Stated(isp(40).end());
    assert_eq!(on(&fleet, 10), [-47_792]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn an_offer_against_a_forecast_is_within_the_request_and_disaggregates(
        mut fleet in any_tree(6),
        has_limits in any::<bool>(),
        reserve_percent in prop::sample::select(vec![0_u8, 0, 20]),
        wishes in prop::collection::vec((0_i64..80_000, 0_i64..60_000, 0_i64..60_000, 0_u8..4), 1..5),
    ) {
        if !has_limits {
            fleet.limit = None;
            fleet.connections.clear();
            fleet.devices.clear();
        }
        let requests: Vec<_> = (0..).zip(&wishes).map(|(number, (forecast, one, other, kind))| {
            let (low, high) = (*one.min(other), *one.max(other));
            match kind {
                0 => RequestedChange { requested: false, ..against(*forecast, number, 0, 0) },
                1 => against(*forecast, number, low, high),
                _ => against(*forecast, number, -high, -low),
            }
        }).collect();
        let Ok(offered) = offer_on(&fleet, &requests, OfferTerms { reserve_percent }) else { return Ok(()) };
        let targets: Vec<Target> = requests.iter().map(|asked| {
            let Some(offered) = offered.iter().find(|offered| offered.span == asked.span) else {
                return Target::at_most(asked.span, Power::from_watts(i64::MAX / 8));
            };
            assert!(asked.requested && (asked.min..=asked.max).contains(&offered.change));
            let power = offered.baseline.saturating_add(offered.change);
            if offered.change.watts() > 0 { Target::at_least(asked.span, power) } else { Target::at_most(asked.span, power) }
        }).collect();
        let plan = split(&fleet, &targets);
        for missed in &plan.shortfalls {
            let must = matches!(missed.reason, ShortfallReason::MustRun | ShortfallReason::Unsteerable);
            let offered = offered.iter().find(|offered| offered.span == missed.span);
            let reduced = offered.is_some_and(|offered| offered.change.watts() < 0);
            prop_assert!(!(must && reduced), "{missed:?}");
        }
        // Where no limit leaves a driver short, the sessions can draw it, all in all.
        if !has_limits {
            let demands: Vec<Demand> = targets.into_iter().map(Demand::from).collect();
            prop_assert_eq!(deliverable(&fleet, &demands), Ok(()));
        }
    }
}
