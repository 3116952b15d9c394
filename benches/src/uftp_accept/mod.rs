//! Accepting messages over HTTP beside shapeshifter-uftp's own service.

mod load;
mod node;
mod peer;
mod receiver;

use std::time::Duration;

use anyhow::Result;
use tieline_interop::Requirements;

pub use node::serve as serve_node;
pub use receiver::serve as serve_receiver;

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
    let peer_port = peer::start()?.to_string();
    let python = Server::python(Requirements::Uftp, "uftp_agr.py")?;
    let receiver = Server::own(&["serve", "uftp"])?;
    println!(
        "FlexRequest, 96 ISPs, signed beforehand, each with an id of its own; keep-alive; {TURNS} turns each\n"
    );
    let mut table = Table::new([
        "server",
        "connections",
        "messages",
        "per second",
        "CPU µs each",
        "p50 ms",
        "p99 ms",
        "× Python",
    ]);
    let mut lines = Vec::new();
    for connections in [8, 64] {
        let (mut theirs, mut accepting, mut whole) = <(Measured, Measured, Measured)>::default();
        for _ in 0..TURNS {
            theirs.add(turn(&python, connections, PYTHON_MESSAGES)?);
            accepting.add(turn(&receiver, connections, OUR_MESSAGES)?);
            // A node that still works off the turn before would be another node.
            let node = Server::own(&["serve", "node", "--peer-port", &peer_port])?;
            whole.add(turn(&node, connections, OUR_MESSAGES)?);
        }
        let python = theirs.usage.per_second();
        row(&mut table, "shapeshifter-uftp, in memory", connections, &mut theirs, python);
        row(&mut table, "accept path, on disk", connections, &mut accepting, python);
        row(&mut table, "whole node, deciding and answering", connections, &mut whole, python);
        for (what, measured) in [("accepting", &accepting), ("the whole node accepting", &whole)] {
            let what = format!("{what} at {connections} connections, × Python's rate");
            lines.push(Line::at_least(15.0, measured.usage.per_second() / python, what));
        }
    }
    print!("{table}");
    conclude(&lines)
}

fn turn(server: &Server, connections: usize, messages: usize) -> Result<Measured> {
    let envelopes = sample::distinct_envelopes(messages)?;
    load::post(server.pid(), server.address, &envelopes, connections, WINDOW)
}

fn row(table: &mut Table, server: &str, connections: usize, measured: &mut Measured, python: f64) {
    table.row([
        server.to_owned(),
        connections.to_string(),
        measured.usage.count.to_string(),
        format!("{:.0}", measured.usage.per_second()),
        format!("{:.0}", measured.usage.cpu_micros()),
        format!("{:.1}", measured.percentile(50)),
        format!("{:.1}", measured.percentile(99)),
        format!("{:.1}", measured.usage.per_second() / python),
    ]);
}
