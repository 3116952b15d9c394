//! How long an order over a large fleet takes to split: `cargo run --release -p tieline-flex --example split_rate`.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time, and nothing depends on it")]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use tieline_flex::{
    ChargingSession, Connection, Departure, Fleet, RequestedChange, Supply, Target, baseline, offer, split,
};
use tieline_types::{Energy, EntityAddress, Power, TimeSpan};

const SESSIONS: u32 = 10_000;
const SPANS: u32 = 96;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start: Timestamp = "2026-03-28T00:00:00Z".parse()?;
    let spans: Vec<TimeSpan> = (0..i64::from(SPANS))
        .filter_map(|number| {
            TimeSpan::new(
                start + SignedDuration::from_mins(15 * number),
                start + SignedDuration::from_mins(15 * (number + 1)),
            )
        })
        .collect();
    println!("{SESSIONS} sessions, {SPANS} spans");
    for (name, fleet) in [
        ("watts", fleet(start, |_| Supply::in_watts(3, 230, 32), 40, None)?),
        ("amperes, 230 V", fleet(start, |_| Supply::in_amperes(3, 230, 32), 40, None)?),
        ("amperes, 231 V", fleet(start, |_| Supply::in_amperes(3, 231, 32), 40, None)?),
        ("mixed", fleet(start, mixed, 40, None)?),
        ("mixed, 250 limited connections", fleet(start, mixed, 40, Some(250_000))?),
        ("mixed, 250 full connections", fleet(start, mixed, 40, Some(50_000))?),
        ("mixed, 10,000 limited connections", fleet(start, mixed, 1, Some(7_000))?),
        ("6 A or nothing, 20 voltages", fleet(start, six_amperes, 40, None)?),
    ] {
        let clock = Instant::now();
        let baselines = baseline(&fleet, &spans);
        let baseline_took = clock.elapsed();
        let targets: Vec<Target> = spans
            .iter()
            .zip(&baselines)
            .zip(1..)
            .map(|((span, baseline), number)| {
                Target::at_most(*span, Power::from_watts(baseline.watts() * (number % 10) / 10 + number))
            })
            .collect();
        let clock = Instant::now();
        let plan = split(&fleet, &targets);
        let split_took = clock.elapsed();
        let missed: i64 =
            plan.shortfalls.iter().map(|missed| (missed.target.watts() - missed.planned.watts()).abs()).sum();
        let requests: Vec<RequestedChange> = spans.iter().map(|span| requested(*span)).collect();
        let clock = Instant::now();
        let offered = offer(&fleet, &requests).map_or(0, |offered| offered.len());
        println!(
            "{name}: baseline {baseline_took:.2?}; split {split_took:.2?}, {} spans missed by {missed} W in all; \
             offer of {offered} ISPs {:.2?}",
            plan.shortfalls.len(),
            clock.elapsed(),
        );
    }
    Ok(())
}

fn requested(span: TimeSpan) -> RequestedChange {
    RequestedChange {
        span,
        min: Power::from_watts(-1_000_000),
        max: Power::from_watts(0),
        requested: true,
        promised: Power::from_watts(0),
    }
}

fn mixed(number: u32) -> Result<Supply, tieline_flex::SupplyError> {
    match number % 5 {
        0 => Supply::in_watts(3, 230, 32),
        1 => Supply::in_watts(1, 230, 16),
        2 => Supply::in_amperes(3, 230, 16),
        3 => Supply::in_amperes(1, 231, 32),
        _ => Supply::in_amperes(2, 235, 16),
    }
}

fn six_amperes(number: u32) -> Result<Supply, tieline_flex::SupplyError> {
    Supply::in_watts(3, 221 + u16::try_from(number % 20).unwrap_or(0), 6)
}

/// `at_each` sessions at each connection. One in four has a departure, from the first hours to the end of the day.
fn fleet(
    start: Timestamp,
    supply: fn(u32) -> Result<Supply, tieline_flex::SupplyError>,
    at_each: u32,
    limit: Option<i64>,
) -> Result<Fleet, Box<dyn std::error::Error>> {
    let mut fleet = Fleet::default();
    for number in 0..SESSIONS / at_each {
        let address: EntityAddress = format!("ean.8716859{number:011}").parse()?;
        fleet.connections.push(Connection { address, limit: limit.map(Power::from_watts) });
    }
    for number in 0..SESSIONS {
        let leaves = start + SignedDuration::from_mins(i64::from(120 + number % 1_300));
        fleet.sessions.push(ChargingSession {
            id: format!("s{number:05}"),
            connection: fleet.connections[usize::try_from(number / at_each)?].address.clone(),
            supply: supply(number)?,
            energy_wanted: Energy::from_watt_hours(20_000 + i64::from(number % 30) * 1_000)
                .filter(|_| number % 4 == 0),
            energy_delivered: Energy::from_watt_seconds(0),
            departure: if number % 4 == 0 { Departure::Known(leaves) } else { Departure::Unknown },
        });
    }
    Ok(fleet)
}
