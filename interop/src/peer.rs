//! A peer's process and the line protocol with it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::Event;

/// How long anything may take that should happen at once: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Characters of a log that a failure quotes.
const LOG_QUOTED: usize = 6_000;

/// A process that writes events to its stdout and takes commands from its stdin. It is ended when this is dropped.
#[derive(Debug)]
pub struct Peer {
    name: String,
    process: Child,
    commands: ChildStdin,
    incoming: Receiver<Event>,
    seen: Vec<Event>,
    log: PathBuf,
}

impl Peer {
    /// Starts `command` and waits until it says `ready`. Its stderr goes to a file in `directory`.
    pub(crate) fn start(name: &str, mut command: Command, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let stderr = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let commands = process.stdin.take().expect("stdin is piped");
        let events = process.stdout.take().expect("stdout is piped");
        let mut peer =
            Self { name: name.to_owned(), process, commands, incoming: read(events), seen: Vec::new(), log };
        peer.wait("ready", |event| event.name() == "ready")?;
        Ok(peer)
    }

    /// Sends one command.
    pub fn command(&mut self, command: &Value) -> Result<()> {
        writeln!(self.commands, "{command}")
            .with_context(|| format!("{} is gone\n{}", self.name, self.quoted_log()))
    }

    /// The first event so far, or else the next one, that fits. `what` says in a failure what was waited for.
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> Result<Event> {
        self.wait_from(0, what, fits)
    }

    /// As [`wait`](Self::wait), leaving out the events before a [`mark`](Self::mark).
    pub fn wait_from(&mut self, mark: usize, what: &str, fits: impl Fn(&Event) -> bool) -> Result<Event> {
        let deadline = Instant::now() + PATIENCE;
        let mut next = mark;
        loop {
            while let Some(event) = self.seen.get(next) {
                if fits(event) {
                    return Ok(event.clone());
                }
                next += 1;
            }
            match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.seen.push(event),
                Err(RecvTimeoutError::Timeout) => {
                    bail!(self.complaint(&format!("no {what} within {PATIENCE:?}")))
                }
                Err(RecvTimeoutError::Disconnected) => bail!(self.complaint(&format!("ended; no {what}"))),
            }
        }
    }

    /// A point in time between the events so far and later ones.
    pub fn mark(&mut self) -> usize {
        self.seen.extend(self.incoming.try_iter());
        self.seen.len()
    }

    /// All events so far.
    pub fn events(&mut self) -> &[Event] {
        self.mark();
        &self.seen
    }

    /// What it has written to its stderr so far.
    pub fn log(&self) -> Result<String> {
        let log = fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    fn complaint(&self, problem: &str) -> String {
        let events: Vec<_> = self.seen.iter().map(Event::to_string).collect();
        format!("{}: {problem}. Its events:\n{}\n{}", self.name, events.join("\n"), self.quoted_log())
    }

    fn quoted_log(&self) -> String {
        quote(&self.log)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(stdout: ChildStdout) -> Receiver<Event> {
    let (sender, events) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            let event = serde_json::from_str(&line).unwrap_or_else(|_| serde_json::json!({ "event": line }));
            if sender.send(Event::new(event)).is_err() {
                return;
            }
        }
    });
    events
}

/// The end of a log file, for a failure's message.
pub(crate) fn quote(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let end = String::from_utf8_lossy(&text[text.len().saturating_sub(LOG_QUOTED)..]);
    format!("--- {} ---\n{end}", log.display())
}
