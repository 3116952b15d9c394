//! Accepting messages over HTTP beside shapeshifter-uftp's own service.

mod load;
mod service;

use std::time::Duration;

use anyhow::Result;
use tieline_interop::Requirements;

pub use service::serve;

use crate::line::{Line, conclude};
use crate::sample;
use crate::server::Server;
use crate::table::Table;
use crate::window::{Measured, Window};

/// The sides take turns so often.
const TURNS: usize = 3;
const WINDOW: Window = Window { warm_up: Duration::from_millis(500), measured: Duration::from_secs(3) };
/// Messages that are signed before a turn: more than can be accepted in it.
const OUR_MESSAGES: usize = 24_000;
const PYTHON_MESSAGES: usize = 2_000;

/// Runs both sides in turns at eight and at 64 connections and prints the table.
pub fn run() -> Result<()> {
    let python = Server::python(Requirements::Uftp, "uftp_agr.py")?;
    let ours = Server::own(&["serve", "uftp"])?;
    println!(
        "FlexRequest, 96 ISPs, signed beforehand, each with an id of its own; keep-alive; {TURNS} turns each\n"
    );
    let mut table = Table::new([
        "connections",
        "server",
        "messages",
        "per second",
        "CPU µs each",
        "p50 ms",
        "p99 ms",
        "× Python",
    ]);
    let mut lines = Vec::new();
    for connections in [8, 64] {
        let (mut theirs, mut own) = (Measured::default(), Measured::default());
        for _ in 0..TURNS {
            theirs.add(turn(&python, connections, PYTHON_MESSAGES)?);
            own.add(turn(&ours, connections, OUR_MESSAGES)?);
        }
        let ratio = own.usage.per_second() / theirs.usage.per_second();
        row(&mut table, connections, "shapeshifter-uftp, in memory", &mut theirs, 1.0);
        row(&mut table, connections, "tieline, on disk", &mut own, ratio);
        lines.push(Line::at_least(
            15.0,
            ratio,
            format!("accepting at {connections} connections, × Python's rate"),
        ));
    }
    print!("{table}");
    conclude(&lines)
}

fn turn(server: &Server, connections: usize, messages: usize) -> Result<Measured> {
    let envelopes = sample::distinct_envelopes(messages)?;
    load::post(server.pid(), server.address, &envelopes, connections, WINDOW)
}

fn row(table: &mut Table, connections: usize, server: &str, measured: &mut Measured, ratio: f64) {
    table.row([
        connections.to_string(),
        server.to_owned(),
        measured.usage.count.to_string(),
        format!("{:.0}", measured.usage.per_second()),
        format!("{:.0}", measured.usage.cpu_micros()),
        format!("{:.1}", measured.percentile(50)),
        format!("{:.1}", measured.percentile(99)),
        format!("{ratio:.1}"),
    ]);
}
