use proptest::prelude::*;
use rust_decimal::Decimal;
use tieline_flex::{
    Departure, Fleet, Obstacle, OfferedChange, Pricing, RequestedChange, Target, baseline, offer, split,
};
use tieline_types::{Energy, Power};

use crate::fleets::{any_fleet, isp, noon, three_phase};

pub(crate) fn requested(number: i32, min: i64, max: i64) -> RequestedChange {
    RequestedChange {
        span: isp(number),
        min: Power::from_watts(min),
        max: Power::from_watts(max),
        requested: true,
        promised: Power::from_watts(0),
        baseline: None,
    }
}

#[test]
fn all_that_is_requested_is_offered_where_the_fleet_can_do_it() {
    let offered = offer(&three_phase(2), &[requested(0, -20_000, 0), requested(1, -20_000, 0)]).unwrap();
    let baseline = Power::from_watts(2 * 22_080);
    for (number, offered) in (0..).zip(offered) {
        assert_eq!(
            offered,
            OfferedChange { span: isp(number), change: Power::from_watts(-20_000), baseline }
        );
    }
}

#[test]
fn no_more_is_offered_than_the_fleet_draws() {
    let offered = offer(&three_phase(1), &[requested(0, -100_000, 0)]).unwrap();
    assert_eq!(offered[0].change.watts(), -22_080);
}

#[test]
fn what_was_promised_is_not_offered_again() {
    let promised = RequestedChange { promised: Power::from_watts(-10_000), ..requested(0, -100_000, 0) };
    let offered = offer(&three_phase(1), &[promised]).unwrap();
    assert_eq!(offered[0].change.watts(), -12_080);
    let all = RequestedChange { promised: Power::from_watts(-22_080), ..requested(0, -100_000, 0) };
    assert_eq!(offer(&three_phase(1), &[all]).unwrap_err().0.len(), 1);
}

#[test]
fn less_than_the_least_that_is_wanted_is_no_offer_and_says_how_much_there_was() {
    let refused = offer(&three_phase(1), &[requested(0, -100_000, -30_000)]).unwrap_err();
    assert_eq!(refused.0, [(isp(0), Obstacle::TooLittle(Power::from_watts(-22_080)))]);
}

#[test]
fn a_car_that_must_leave_full_is_not_sold() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 / 2);
    fleet.sessions[0].departure = Departure::Known(isp(1).end());
    assert!(offer(&fleet, &[requested(0, -20_000, 0), requested(1, -20_000, 0)]).is_err());
    fleet.sessions[0].departure = Departure::Known(isp(9).end());
    let offered = offer(&fleet, &[requested(0, -20_000, 0), requested(1, -20_000, 0)]).unwrap();
    // 2,080 W can not be told; 6 A on three phases are 4,140 W.
    assert_eq!(offered[0].change.watts(), -17_940);
}

#[test]
fn an_increase_is_offered_only_above_what_is_drawn_anyway() {
    // Everybody charges at full power already.
    assert!(offer(&three_phase(2), &[requested(0, 0, 10_000)]).is_err());
}

/// A car that is full halfway draws half its maximum on average; a limit does not make it draw more.
#[test]
fn an_increase_is_not_sold_from_a_car_that_is_full_before_the_end() {
    let mut fleet = three_phase(1);
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 / 8);
    let refused = offer(&fleet, &[requested(0, 0, 10_000)]).unwrap_err();
    assert_eq!(refused.0, [(isp(0), Obstacle::Nothing)]);
    let promised = RequestedChange { promised: Power::from_watts(-6_000), ..requested(0, 0, 10_000) };
    assert_eq!(offer(&fleet, &[promised]).unwrap()[0].change.watts(), 6_000);
}

#[test]
fn a_price_is_exact_to_four_digits() {
    let change = OfferedChange {
        span: isp(0),
        change: Power::from_watts(-20_001),
        baseline: Power::from_watts(44_160),
    };
    let pricing = Pricing { per_megawatt_hour: dec("85.00") };
    assert_eq!(pricing.price(&[change, change]).value(), dec("0.8500"));
    assert_eq!(pricing.price(&[]).value(), dec("0"));
}

#[test]
fn a_baseline_is_what_is_drawn_until_the_car_is_full_or_gone() {
    let mut fleet = three_phase(1);
    let spans = [isp(0), isp(1), isp(2)];
    fleet.sessions[0].energy_wanted = Energy::from_watt_hours(22_080 * 3 / 8);
    let watts: Vec<_> = baseline(&fleet, &spans).into_iter().map(Power::watts).collect();
    assert_eq!(watts, [22_080, 11_040, 0]);
    fleet.sessions[0].energy_wanted = None;
    fleet.sessions[0].departure = Departure::Known(noon() + jiff::SignedDuration::from_mins(20));
    let watts: Vec<_> = baseline(&fleet, &spans).into_iter().map(Power::watts).collect();
    assert_eq!(watts, [22_080, 7_360, 0]);
    assert_eq!(baseline(&Fleet::default(), &spans), [Power::from_watts(0); 3]);
}

/// What the connection's limit withholds in one ISP is drawn in the next.
#[test]
fn a_baseline_moves_what_a_connection_withholds() {
    let mut fleet = three_phase(2);
    fleet.connections[0].limit = Some(Power::from_watts(22_080));
    for session in &mut fleet.sessions {
        session.energy_wanted = Energy::from_watt_hours(22_080 / 4);
    }
    let spans = [isp(0), isp(1), isp(2)];
    let watts: Vec<_> = baseline(&fleet, &spans).into_iter().map(Power::watts).collect();
    assert_eq!(watts, [22_080, 22_080, 0]);
    // One that is soon full leaves the rest of the limit to the other.
    fleet.sessions[1].energy_wanted = Energy::from_watt_hours(1_500);
    let watts: Vec<_> = baseline(&fleet, &spans).into_iter().map(Power::watts).collect();
    assert_eq!(watts, [22_080, 6_000, 0]);
    // A limit of less than 6 A lets nobody charge.
    fleet.connections[0].limit = Some(Power::from_watts(4_000));
    assert_eq!(baseline(&fleet, &spans), [Power::from_watts(0); 3]);
}

proptest! {
    /// Whatever the limit, everybody is full in the end, and it takes no longer than the limit makes it.
    #[test]
    fn a_baseline_delivers_all_that_is_wanted(
        wanted in prop::collection::vec(0_i64..20_000, 1..6),
        limit in 22_080_i64..60_000,
    ) {
        let mut fleet = three_phase(wanted.len());
        fleet.connections[0].limit = Some(Power::from_watts(limit));
        for (session, wanted) in fleet.sessions.iter_mut().zip(&wanted) {
            session.energy_wanted = Energy::from_watt_hours(*wanted);
        }
        let spans: Vec<_> = (0..96).map(isp).collect();
        let baseline = baseline(&fleet, &spans);
        let delivered: i64 = baseline.iter().map(|power| power.watts() * 900).sum();
        let missing = wanted.iter().sum::<i64>() * 3_600 - delivered;
        // A mean power is a whole number of watts.
        prop_assert!((0..96 * 900).contains(&missing), "{missing} Ws");
        prop_assert!(baseline.iter().all(|power| power.watts() <= limit));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn an_offer_is_within_the_request_and_can_be_delivered(
        fleet in any_fleet(6),
        bounds in prop::collection::vec((0_i64..60_000, 0_i64..60_000, any::<bool>()), 1..5),
    ) {
        let changes: Vec<_> = (0..).zip(&bounds).map(|(number, (one, other, up))| {
            let (low, high) = (*one.min(other), *one.max(other));
            if *up { requested(number, low, high) } else { requested(number, -high, -low) }
        }).collect();
        let Ok(offered) = offer(&fleet, &changes) else { return Ok(()) };
        for offered in &offered {
            let asked = changes.iter().find(|asked| asked.span == offered.span).unwrap();
            prop_assert!((asked.min..=asked.max).contains(&offered.change));
        }
        // The other ISPs stay as they are.
        let spans: Vec<_> = changes.iter().map(|asked| asked.span).collect();
        let targets: Vec<_> = spans.iter().zip(baseline(&fleet, &spans)).map(|(span, baseline)| {
            let change = offered.iter().find(|offered| offered.span == *span).map_or(0, |offered| offered.change.watts());
            Target::at_most(*span, Power::from_watts(baseline.watts() + change))
        }).collect();
        let plan = split(&fleet, &targets);
        for offered in &offered {
            let missed = plan.shortfalls.iter().find(|shortfall| shortfall.span == offered.span);
            prop_assert!(missed.is_none(), "{missed:?}");
        }
    }
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Whoever requests, promises or forecasts the impossible gets an offer of what is possible, or none.
#[test]
fn the_ends_of_all_numbers_are_no_trap() {
    let ends = [i64::MIN, i64::MIN + 1, -10_000, 0, 10_000, i64::MAX - 1, i64::MAX];
    let baselines = ends.iter().map(|watts| Some(Power::from_watts(*watts))).chain([None]);
    let cases = baselines.flat_map(|baseline| ends.map(|promised| (baseline, promised)));
    for (baseline, promised) in cases {
        for (min, max) in ends.iter().flat_map(|min| ends.map(|max| (*min, max))) {
            let promised = Power::from_watts(promised);
            let change = RequestedChange { baseline, promised, ..requested(0, min, max) };
            let offered = offer(&three_phase(2), &[change, requested(1, min, max)]).unwrap_or_default();
            assert!(offered.iter().all(|offered| (min..=max).contains(&offered.change.watts())));
            let price = Pricing { per_megawatt_hour: Decimal::ONE_HUNDRED }.price(&offered);
            assert!(offered.is_empty() || price.value() > Decimal::ZERO, "{min} {max} {price}");
        }
    }
}
