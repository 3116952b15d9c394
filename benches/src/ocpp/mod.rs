//! Charging stations on OCPP 1.6, beside mobilityhouse's `ocpp` and ocpp-kit's own transport.

mod kit;
mod load;
mod storm;
mod tieline;

use std::time::Duration;

use anyhow::Result;
use tieline_interop::Requirements;

pub use kit::serve as serve_ocpp_kit;
pub use storm::{serve as serve_storm, storm};
pub use tieline::{handle as handle_of_a_station, routes as routes_of_the_bench, serve as serve_tieline};

use load::Message;

use crate::line::{Line, conclude};
use crate::process::resident_kibibytes;
use crate::server::Server;
use crate::table::Table;
use crate::window::{Measured, Window};

/// How many stations call at the same time.
const STATIONS: [usize; 2] = [1, 50];
/// The servers take turns so often.
const TURNS: usize = 5;
const WINDOW: Window = Window { warm_up: Duration::from_millis(300), measured: Duration::from_secs(1) };
/// How many stations a fleet has.
const FLEETS: [usize; 3] = [1_000, 5_000, 20_000];
/// How many stations come and go before memory is read.
const FIRST: usize = 50;
const MINUTE: Duration = Duration::from_mins(1);
/// How many stations are idle.
const IDLE_STATIONS: usize = 1_000;
/// How long they have been idle when memory is read.
const SETTLED: Duration = Duration::from_secs(2);
/// Seconds between heartbeats that a station is told in BootNotification's answer; none comes during a run.
const HEARTBEAT_SECONDS: i32 = 300;

const PYTHON: &str = "mobilityhouse ocpp";
const UNCHECKED: &str = "mobilityhouse ocpp, no validation";
const RPC: &str = "ocpp-rpc, strict";
const KIT: &str = "ocpp-kit's transport";
const OURS: &str = "tieline-ocpp";

/// The servers, each in a process of its own, by name: ours comes last.
fn servers() -> Result<Vec<(&'static str, Server)>> {
    Ok(vec![
        (PYTHON, Server::python(Requirements::Ocpp, "ocpp_csms.py")?),
        (UNCHECKED, Server::python_with(Requirements::Ocpp, "ocpp_csms.py", &["--no-validation"])?),
        (RPC, Server::node("ocpp_rpc_csms.cjs")?),
        (KIT, Server::own(&["serve", "ocpp-kit"])?),
        (OURS, Server::own(&["serve", "ocpp"])?),
    ])
}

/// Calls of one and of fifty stations: runs all servers in turns and prints the tables.
pub fn calls() -> Result<()> {
    let servers = servers()?;
    let mut lines = Vec::new();
    println!("OCPP 1.6, one call outstanding for each connection; {TURNS} turns each");
    for message in Message::ALL {
        for stations in STATIONS {
            let mut measured: Vec<_> = servers.iter().map(|_| Measured::default()).collect();
            for _ in 0..TURNS {
                for ((_, server), measured) in servers.iter().zip(&mut measured) {
                    measured.add(load::calls(server, message, stations, WINDOW)?);
                }
            }
            let names = servers.iter().map(|(name, _)| *name);
            let ratios = print(message, stations, names.zip(measured).collect());
            lines.extend(ratios.into_iter().filter_map(|(name, ratio)| line(message, stations, name, ratio)));
        }
    }
    conclude(&lines)
}

/// Prints a table, and gives the CPU time of ours as a share of each other's.
fn print(
    message: Message,
    stations: usize,
    mut measured: Vec<(&'static str, Measured)>,
) -> Vec<(&'static str, f64)> {
    println!("\n{}, connections: {stations}\n", message.action());
    let mut table =
        Table::new(["server", "calls", "per second", "CPU µs each", "p50 ms", "p99 ms", "CPU of ours"]);
    let ours = measured.last().map_or(f64::NAN, |(_, ours)| ours.usage.cpu_micros());
    let mut ratios = Vec::new();
    for (name, measured) in &mut measured {
        let ratio = ours / measured.usage.cpu_micros();
        row(&mut table, name, measured, ratio);
        ratios.push((*name, ratio));
    }
    print!("{table}");
    ratios
}

/// What has to hold, at fifty connections: one alone leaves the server idle most of the time, and its CPU time is that of waking up.
fn line(message: Message, stations: usize, name: &str, ratio: f64) -> Option<Line> {
    let most = match (name, message) {
        _ if stations == 1 => return None,
        (UNCHECKED, _) => 0.1,
        (PYTHON, Message::MeterValues) => 0.025,
        (RPC, _) => 2.0 / 3.0,
        (KIT, Message::MeterValues) => 1.0,
        (KIT, _) => 1.05,
        _ => return None,
    };
    Some(Line::at_most(most, ratio, format!("{}: CPU per call, of {name}'s", message.action())))
}

fn row(table: &mut Table, server: &str, measured: &mut Measured, ours: f64) {
    table.row([
        server.to_owned(),
        measured.usage.count.to_string(),
        format!("{:.0}", measured.usage.per_second()),
        format!("{:.1}", measured.usage.cpu_micros()),
        format!("{:.2}", measured.percentile(50)),
        format!("{:.2}", measured.percentile(99)),
        format!("{ours:.3}"),
    ]);
}

/// Memory of many connections of ours, each with a Heartbeat and a MeterValues in a minute.
pub fn fleet() -> Result<()> {
    println!(
        "connections with a Heartbeat and a MeterValues of 20 values in {MINUTE:?}; kibibytes resident\n"
    );
    let mut table = Table::new(["connections", "without", "with", "each"]);
    let mut lines = Vec::new();
    for wanted in FLEETS {
        let stations = wanted.min(most_connections());
        let server = Server::own(&["serve", "ocpp"])?;
        // What a server has for all connections, such as its compressors, it makes with the first.
        load::while_alive(&server, FIRST, Duration::from_secs(1), || ())?;
        let without = resident_kibibytes(server.pid())?;
        let with = load::while_alive(&server, stations, MINUTE, || resident_kibibytes(server.pid()))??;
        let each = f64::from(with.saturating_sub(without)) * 1.024 / f64::from(u32::try_from(stations)?);
        table.row([stations.to_string(), without.to_string(), with.to_string(), format!("{each:.1} kB")]);
        lines.push(Line::at_most(
            10.0,
            each,
            format!("kB of memory for each of {stations} connections, none dropped"),
        ));
    }
    print!("{table}");
    conclude(&lines)
}

/// How many connections a process may have here, with some descriptors for itself.
fn most_connections() -> usize {
    const OWN: u64 = 50;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit.saturating_sub(OWN)).unwrap_or(usize::MAX)
}

/// Memory of idle connections, for information.
pub fn idle() -> Result<()> {
    println!(
        "{IDLE_STATIONS} connections, idle for {SETTLED:?} after BootNotification; kibibytes resident\n"
    );
    let mut table = Table::new(["server", "without", "with", "more", "each"]);
    for (name, server) in &servers()? {
        let without = resident_kibibytes(server.pid())?;
        let with = load::while_idle(server, IDLE_STATIONS, SETTLED, || resident_kibibytes(server.pid()))??;
        let more = with.saturating_sub(without);
        table.row([
            (*name).to_owned(),
            without.to_string(),
            with.to_string(),
            more.to_string(),
            format!("{:.1}", f64::from(more) / 1e3),
        ]);
    }
    print!("{table}");
    Ok(())
}
