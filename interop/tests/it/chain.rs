//! An order of the Python grid operator becomes charging profiles on the Python chargers.

use anyhow::Result;
use rust_decimal::Decimal;
use tieline_interop::{Charger, OcppVersion, Unit};

use crate::exchange::{Exchange, Kind, View};
use crate::market;

fn run(kinds: &[Kind], reduction: i64) -> Result<View> {
    let view = Exchange::start(kinds, None)?.run(reduction)?;
    let expected = market::expected(&[
        ("FlexRequestResponse", "Accepted"),
        ("FlexOffer", ""),
        ("FlexOrderResponse", "Accepted"),
    ]);
    assert_eq!(view.messages, expected);
    Ok(view)
}

/// Limits at the begin and the end of four ISPs, between the maximum before and after them.
fn only_during_the_isps(watts: i64) -> Vec<Decimal> {
    let maximum = Charger::MAXIMUM_WATTS;
    let limits = [maximum, watts, watts, watts, watts, watts, watts, watts, watts, maximum];
    limits.map(Decimal::from).to_vec()
}

#[test]
fn to_a_charger_of_1_6_in_watts() -> Result<()> {
    let view = run(&[(OcppVersion::V16, Unit::W)], 10_000)?;
    assert_eq!(view.limits, [only_during_the_isps(12_080)]);
    Ok(())
}

#[test]
fn to_a_charger_of_2_0_1_in_amperes() -> Result<()> {
    // On three phases of 230 V, 0.1 A are 69 W.
    let view = run(&[(OcppVersion::V201, Unit::A)], 145 * 69)?;
    // 17.5 A.
    assert_eq!(view.limits, [only_during_the_isps(12_075)]);
    Ok(())
}

#[test]
fn split_over_chargers_of_both_versions() -> Result<()> {
    let view = run(&[(OcppVersion::V16, Unit::W), (OcppVersion::V201, Unit::W)], 20_000)?;
    assert_eq!(view.limits.len(), 2);
    Ok(())
}

#[test]
fn down_to_a_pause_where_all_flexibility_is_ordered() -> Result<()> {
    let view = run(&[(OcppVersion::V201, Unit::W)], 100_000)?;
    assert_eq!(view.limits, [only_during_the_isps(0)]);
    Ok(())
}

/// "Already Submitted" is said of a message that was sent twice; it decides nothing.
#[test]
fn after_an_offer_that_was_submitted_already() -> Result<()> {
    let mut exchange = Exchange::start(&[(OcppVersion::V16, Unit::W)], None)?;
    exchange.repeats_are_answered = true;
    let view = exchange.run(10_000)?;
    assert_eq!(view.limits, [only_during_the_isps(12_080)]);
    Ok(())
}

/// 10,000 W are no multiple of 69 W, so what can be offered is a little less.
#[test]
fn as_far_as_steps_of_amperes_go() -> Result<()> {
    let view = run(&[(OcppVersion::V201, Unit::A)], 10_000)?;
    // 17.6 A.
    assert_eq!(view.limits, [only_during_the_isps(12_144)]);
    Ok(())
}
