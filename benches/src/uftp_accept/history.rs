//! Accepting small messages into a store that holds more and more of them already.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use jiff::Timestamp;
use tieline_store::{ChangeSet, Receipt, Received, SqliteStore, Store as _};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::load::Load;
use super::receiver;
use crate::line::{Line, conclude};
use crate::sample;
use crate::server::Server;
use crate::table::Table;
use crate::window::{Measured, Window};

const STORED: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// The servers take turns so often, after one that does not count.
const TURNS: usize = 5;
/// Messages of a turn, few beside what is stored.
const MESSAGES: usize = 600;
const CONNECTIONS: usize = 8;
/// It ends when a connection finds nothing more to post.
const WINDOW: Window = Window { warm_up: Duration::ZERO, measured: Duration::from_mins(1) };
/// Messages that are stored at once to begin with.
const AT_ONCE: usize = 512;
/// How much dearer a message may be than with the fewest stored.
const FLAT: f64 = 1.3;

/// Fills a store for each size, accepts in turns and prints the table.
pub fn run() -> Result<()> {
    let small = sample::small();
    let mut sides = Vec::new();
    for stored in STORED {
        let data = tempfile::tempdir()?;
        fill(data.path(), stored, &small)?;
        sides.push((stored, Server::keeping(&["serve", "uftp"], data)?, Measured::default()));
    }
    for turn in 0..=TURNS {
        for (_, server, total) in &mut sides {
            let envelopes = sample::distinct_envelopes(&small, MESSAGES)?;
            let load = Load {
                envelopes: &envelopes,
                again: false,
                may_refuse: false,
                connections: CONNECTIONS,
                window: WINDOW,
            };
            let measured = load.post(server)?;
            if turn > 0 {
                total.add(measured);
            }
        }
    }
    println!(
        "TestMessage of {} bytes, each with an id of its own; {CONNECTIONS} connections; {TURNS} turns of {MESSAGES} messages\n",
        small.len()
    );
    report(&mut sides)
}

fn report(sides: &mut [(usize, Server, Measured)]) -> Result<()> {
    let mut table = Table::new([
        "stored before",
        "messages",
        "per second",
        "CPU µs each",
        "p50 ms",
        "p99 ms",
        "peak MiB",
    ]);
    for (stored, _, measured) in sides.iter_mut() {
        table.row([
            stored.to_string(),
            measured.usage.count.to_string(),
            format!("{:.0}", measured.usage.per_second()),
            format!("{:.0}", measured.usage.cpu_micros()),
            format!("{:.1}", measured.percentile(50)),
            format!("{:.1}", measured.percentile(99)),
            (measured.peak / 1024).to_string(),
        ]);
    }
    print!("{table}");
    let mut lines = Vec::new();
    let usage = |index: usize| &sides[index].2.usage;
    for (index, (stored, ..)) in sides.iter().enumerate().skip(1) {
        let (few, many) = (usage(0), usage(index));
        let what = |of: &str| format!("{of} of a message with {stored} stored, × with {}", STORED[0]);
        lines.push(Line::at_most(FLAT, many.cpu_micros() / few.cpu_micros(), what("CPU time")));
        lines.push(Line::at_most(FLAT, few.per_second() / many.per_second(), what("time")));
    }
    conclude(&lines)
}

/// Messages that were accepted and are done with, as in a store with a past.
fn fill(data: &Path, count: usize, payload: &[u8]) -> Result<()> {
    let envelope: Bytes = sample::distinct_envelopes(payload, 1)?.remove(0).into();
    let store = Arc::new(receiver::open(data)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        for begin in (0..count).step_by(AT_ONCE) {
            let mut receipts = JoinSet::new();
            for _ in begin..(begin + AT_ONCE).min(count) {
                receipts.spawn(take_in(Arc::clone(&store), envelope.clone(), payload.len()));
            }
            let mut changes = ChangeSet::new();
            while let Some(receipt) = receipts.join_next().await {
                match receipt?? {
                    Receipt::New(id) => changes.processed(id),
                    receipt => anyhow::bail!("a new message is not new: {receipt:?}"),
                };
            }
            store.commit(changes).await?;
        }
        Ok(())
    })
}

async fn take_in(store: Arc<SqliteStore>, envelope: Bytes, length: usize) -> Result<Receipt> {
    let id = Uuid::new_v4().to_string();
    let mut body = id.clone().into_bytes();
    body.resize(length, b' ');
    let received = Received {
        protocol: "uftp",
        peer: format!("DSO {}", sample::SENDER),
        recipient: sample::RECIPIENT.to_owned(),
        message_id: id,
        conversation: Uuid::new_v4().to_string(),
        label: "TestMessage".to_owned(),
        raw: envelope,
        body: body.into(),
        note: String::new(),
        received_at: Timestamp::now(),
    };
    store.receive(received).await.context("a message was not stored")
}
