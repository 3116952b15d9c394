//! A day of simulated chargers against a node, in virtual time.
//!
//! ```text
//! fleet tables 200 ean.871685900012345678 >> agr.toml    the connections and chargers, for the node's file
//! fleet run 200 ws://127.0.0.1:9000/ocpp 127.0.0.1:7000 agr
//! ```
//!
//! `run` serves virtual time at the second address to the chargers and to the participants that are named after it, here a node whose
//! file says `[clock] server = "127.0.0.1:7000"` and `name = "agr"`.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::error::Error;
use std::time::Instant;

use jiff::civil::date;
use tieline_edge::virtual_clock::VirtualClock;
use tieline_sim::{
    Fleet, FleetConfig, Outcome, Population, PopulationConfig, RateUnit, Scenario, TimeServer,
};
use tieline_types::{Energy, IspCalendar, IspDuration};

const SEED: u64 = 7;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tables", chargers, congestion_point] => tables(chargers.parse()?, congestion_point),
        ["run", chargers, csms, time, participants @ ..] => {
            run(chargers.parse()?, csms, time, participants).await
        }
        _ => {
            Err("fleet tables COUNT CONGESTION_POINT | fleet run COUNT CSMS TIME_SERVER [PARTICIPANT]..."
                .into())
        }
    }
}

fn population(chargers: usize) -> Result<Population, Box<dyn Error>> {
    Ok(Population::draw(SEED, PopulationConfig::amsterdam(chargers))?)
}

fn tables(chargers: usize, congestion_point: &str) -> Result<(), Box<dyn Error>> {
    let population = population(chargers)?;
    for connection in population.connections() {
        println!("[[agr.connection]]\nentity_address = \"{}\"", connection.address);
        println!("congestion_point = \"{congestion_point}\"\nlimit = {}\n", connection.limit.watts());
    }
    for charger in population.chargers() {
        let connection = &population.connections()[charger.connection].address;
        let unit = if charger.unit == RateUnit::Watts { "W" } else { "A" };
        println!("[[ocpp.charger]]\nidentity = \"{}\"\nconnection = \"{connection}\"", charger.identity);
        println!("phases = {}\nmaximum_current = {}", charger.phases, charger.maximum_current);
        println!("unit = \"{unit}\"\n");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a day takes is measured in real time")]
async fn run(chargers: usize, csms: &str, time: &str, participants: &[&str]) -> Result<(), Box<dyn Error>> {
    let population = population(chargers)?;
    let today = date(2026, 6, 4);
    let day = IspCalendar::new(population.time_zone().clone(), IspDuration::PT15M).day(today)?;
    let sessions = population.sessions(today)?;
    let behaviours = Scenario::usual().behaviours(&population, day.span());

    let names = participants.iter().copied().chain(["chargers"]);
    let server = TimeServer::bind(time.parse()?, day.start(), names).await?;
    let (clock, busy) = VirtualClock::connect(server.address(), "chargers").await?;
    let began = Instant::now();
    let fleet = Fleet::start(FleetConfig::new(csms), &population, sessions, &behaviours, clock)?;
    drop(busy);
    fleet.ready().await;
    println!("{chargers} chargers are there after {:.1} s", began.elapsed().as_secs_f64());
    for (isp, span) in day.isps() {
        server.run_until(span.end()).await;
        if isp.get() % 12 == 0 {
            println!("{} after {:.1} s", span.end(), began.elapsed().as_secs_f64());
        }
    }
    tell(&fleet.stop().await);
    Ok(())
}

fn tell(outcome: &Outcome) {
    let sum = |energies: Vec<Energy>| {
        Energy::checked_sum(energies).unwrap_or(Energy::ZERO).kilowatt_hours().round()
    };
    let sessions = &outcome.sessions;
    println!("{} sessions", sessions.len());
    println!("asked {} kWh", sum(sessions.iter().map(|session| session.spec.energy).collect()));
    println!("got   {} kWh", sum(sessions.iter().map(|session| session.delivered).collect()));
    println!("limits applied: {}", sessions.iter().map(|session| session.limits.len()).sum::<usize>());
    println!("violations: {}", sessions.iter().map(|session| session.violations.len()).sum::<usize>());
    println!("messages lost: {}", outcome.chargers.iter().map(|charger| charger.lost_messages).sum::<u64>());
    println!("boots: {}", outcome.chargers.iter().map(|charger| charger.boots).sum::<u64>());
}
