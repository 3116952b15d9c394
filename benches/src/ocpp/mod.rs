//! Charging stations on OCPP 1.6, beside mobilityhouse's `ocpp` and ocpp-kit's own transport.

mod kit;
mod load;
mod tieline;

use std::time::Duration;

use anyhow::Result;
use tieline_interop::Requirements;

pub use kit::serve as serve_ocpp_kit;
pub use tieline::serve as serve_tieline;

use crate::line::{Line, conclude};
use crate::process::resident_kibibytes;
use crate::server::Server;
use crate::table::Table;
use crate::window::{Measured, Window};

/// How many stations call.
const STATIONS: usize = 50;
/// The servers take turns so often.
const TURNS: usize = 8;
const WINDOW: Window = Window { warm_up: Duration::from_millis(300), measured: Duration::from_secs(2) };
/// How many stations are idle.
const IDLE_STATIONS: usize = 1_000;
/// How long they have been idle when memory is read.
const SETTLED: Duration = Duration::from_secs(2);
/// Seconds between heartbeats that a station is told in BootNotification's answer; none comes during a run.
const HEARTBEAT_SECONDS: i32 = 300;

/// The servers, each in a process of its own.
struct Servers {
    python: Server,
    kit: Server,
    ours: Server,
}

const PYTHON: &str = "mobilityhouse ocpp";
const KIT: &str = "ocpp-kit's transport";
const OURS: &str = "tieline-ocpp";

impl Servers {
    fn start() -> Result<Self> {
        Ok(Self {
            python: Server::python(Requirements::Ocpp, "ocpp_csms.py")?,
            kit: Server::own(&["serve", "ocpp-kit"])?,
            ours: Server::own(&["serve", "ocpp"])?,
        })
    }
}

/// Heartbeat calls: runs all servers in turns and prints the table.
pub fn heartbeat() -> Result<()> {
    let servers = Servers::start()?;
    let (mut python, mut kit, mut ours) = (Measured::default(), Measured::default(), Measured::default());
    for _ in 0..TURNS {
        python.add(load::heartbeats(&servers.python, STATIONS, WINDOW)?);
        kit.add(load::heartbeats(&servers.kit, STATIONS, WINDOW)?);
        ours.add(load::heartbeats(&servers.ours, STATIONS, WINDOW)?);
    }
    println!(
        "Heartbeat, OCPP 1.6, {STATIONS} connections with one call outstanding each; {TURNS} turns each\n"
    );
    let mut table =
        Table::new(["server", "calls", "per second", "CPU µs each", "p50 ms", "p99 ms", "CPU of ours"]);
    let cpu = |measured: &Measured| measured.usage.cpu_micros();
    let (of_python, of_kit) = (cpu(&ours) / cpu(&python), cpu(&ours) / cpu(&kit));
    row(&mut table, PYTHON, &mut python, of_python);
    row(&mut table, KIT, &mut kit, of_kit);
    row(&mut table, OURS, &mut ours, 1.0);
    print!("{table}");
    conclude(&[
        Line::at_most(0.1, of_python, "CPU per call, of the Python CSMS's"),
        Line::at_most(1.1, of_kit, "CPU per call, of ocpp-kit's transport"),
    ])
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

/// Memory of idle connections, for information.
pub fn idle() -> Result<()> {
    println!(
        "{IDLE_STATIONS} connections, idle for {SETTLED:?} after BootNotification; kibibytes resident\n"
    );
    let mut table = Table::new(["server", "without", "with", "more", "each"]);
    let servers = Servers::start()?;
    for (name, server) in [(PYTHON, &servers.python), (KIT, &servers.kit), (OURS, &servers.ours)] {
        let without = resident_kibibytes(server.pid())?;
        let with = load::while_idle(server, IDLE_STATIONS, SETTLED, || resident_kibibytes(server.pid()))??;
        let more = with.saturating_sub(without);
        table.row([
            name.to_owned(),
            without.to_string(),
            with.to_string(),
            more.to_string(),
            format!("{:.1}", f64::from(more) / 1e3),
        ]);
    }
    print!("{table}");
    Ok(())
}
