//! Accepting messages over HTTP beside shapeshifter-uftp's own service.

mod bare;
mod history;
mod load;
mod node;
mod peer;
mod receiver;

use std::time::Duration;

use anyhow::Result;
use tieline_interop::Requirements;

pub use bare::serve as serve_bare;
pub use history::run as run_with_history;
pub use node::serve as serve_node;
pub use receiver::serve as serve_receiver;

use crate::line::{Line, conclude};
use crate::sample;
use crate::server::Server;
use crate::table::Table;
use crate::usage::Usage;
use crate::window::{Measured, Window};
use load::Load;
use peer::Peer;

/// The sides take turns so often.
const TURNS: u32 = 3;
const WINDOW: Window = Window { warm_up: Duration::from_millis(500), measured: Duration::from_secs(3) };
/// Messages that are signed before a turn: more than can be accepted in it.
const OUR_MESSAGES: usize = 24_000;
const PYTHON_MESSAGES: usize = 2_000;
/// How long a turn of bare verifications takes.
const VERIFYING: Duration = Duration::from_secs(1);

/// What was measured at one number of connections.
#[derive(Default)]
struct Sides {
    theirs: Measured,
    accepting: Measured,
    whole: Measured,
    bare: Measured,
    /// What the whole node answered meanwhile, the warm-up included.
    answers: u32,
}

/// Runs all sides in turns at one, eight and 64 connections and prints the table.
pub fn run() -> Result<()> {
    let peer = Peer::start()?;
    let peer_port = peer.port.to_string();
    let python = Server::python(Requirements::Uftp, "uftp_agr.py")?;
    let receiver = Server::keeping(&["serve", "uftp"], tempfile::tempdir()?)?;
    let bare = Server::own(&["serve", "bare"])?;
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
        "peak MiB",
        "refused",
        "× Python",
    ]);
    let (mut lines, mut answered, mut verifying) = (Vec::new(), Vec::new(), Usage::default());
    for connections in [1, 8, 64] {
        let mut sides = Sides::default();
        for _ in 0..TURNS {
            sides.theirs.add(turn(&python, connections, PYTHON_MESSAGES, true)?);
            sides.accepting.add(turn(&receiver, connections, OUR_MESSAGES, false)?);
            // A node that still works off the turn before would be another node.
            let arguments = ["serve", "node", "--peer-port", &peer_port];
            let node = Server::keeping(&arguments, tempfile::tempdir()?)?;
            let answers = peer.answers();
            sides.whole.add(turn(&node, connections, OUR_MESSAGES, false)?);
            sides.answers += peer.answers() - answers;
            drop(node);
            sides.bare.add(repeated(&bare, connections)?);
            verifying += bare::verify(VERIFYING)?;
        }
        if connections > 1 {
            lines.extend(sides.lines(connections));
        }
        answered.push(format!("{:.0} at {connections}", sides.answers_per_second()));
        sides.rows(&mut table, connections);
    }
    print!("{table}");
    println!(
        "\nBare Ed25519 verification of the same message, one thread: {:.0} per second, {:.0} µs of CPU each",
        verifying.per_second(),
        verifying.cpu_micros()
    );
    println!(
        "Answers per second that the whole node delivers meanwhile, by connections: {}",
        answered.join(", ")
    );
    conclude(&lines)
}

/// Messages of their own; Python's service refuses a few when its class index is made anew.
fn turn(server: &Server, connections: usize, messages: usize, may_refuse: bool) -> Result<Measured> {
    let envelopes = sample::distinct_envelopes(sample::PAYLOAD, messages)?;
    Load { envelopes: &envelopes, again: false, may_refuse, connections, window: WINDOW }.post(server)
}

/// The same message again and again, for a server that looks at nothing.
fn repeated(server: &Server, connections: usize) -> Result<Measured> {
    let envelopes = [sample::ENVELOPE.to_vec()];
    Load { envelopes: &envelopes, again: true, may_refuse: false, connections, window: WINDOW }.post(server)
}

impl Sides {
    fn rows(mut self, table: &mut Table, connections: usize) {
        let python = self.theirs.usage.per_second();
        let mut row = |server: &str, measured: &mut Measured| {
            table.row([
                server.to_owned(),
                connections.to_string(),
                measured.usage.count.to_string(),
                format!("{:.0}", measured.usage.per_second()),
                format!("{:.0}", measured.usage.cpu_micros()),
                format!("{:.1}", measured.percentile(50)),
                format!("{:.1}", measured.percentile(99)),
                (measured.peak / 1024).to_string(),
                measured.refused.to_string(),
                format!("{:.1}", measured.usage.per_second() / python),
            ]);
        };
        row("shapeshifter-uftp, in memory", &mut self.theirs);
        row("accept path, on disk", &mut self.accepting);
        row("whole node, deciding and answering", &mut self.whole);
        row("bare axum handler", &mut self.bare);
    }

    fn answers_per_second(&self) -> f64 {
        f64::from(self.answers) / (self.whole.usage.wall + WINDOW.warm_up * TURNS).as_secs_f64()
    }

    fn lines(&self, connections: usize) -> [Line; 3] {
        let rate = |ours: &Measured| ours.usage.per_second() / self.theirs.usage.per_second();
        let at = |what: &str| format!("{what} at {connections} connections, × Python's");
        let memory = f64::from(self.whole.peak) / f64::from(self.theirs.peak);
        [
            Line::at_least(20.0, rate(&self.accepting), at("rate of accepting")),
            Line::at_least(15.0, rate(&self.whole), at("rate of the whole node accepting")),
            Line::at_most(1.0, memory, at("peak memory of the whole node under that load")),
        ]
    }
}
