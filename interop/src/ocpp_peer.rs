//! A station or a CSMS on a library of others, which sends and answers what it is told to.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::python::{self, Requirements};
use crate::{Event, Peer, node_command, workspace};

/// Whose implementation of OCPP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OcppLibrary {
    /// mobilityhouse's `ocpp` for Python.
    Python,
    /// `ocpp-rpc` for Node.js; `strict` has it validate every message in both directions.
    Node {
        /// Whether it validates.
        strict: bool,
    },
}

/// One end of a session, made of a library. Messages come and go one at a time.
#[derive(Debug)]
pub struct OcppPeer {
    peer: Peer,
    mark: usize,
}

/// What came of a CALL that a peer was told to send.
#[derive(Debug, Clone, PartialEq)]
pub enum OcppOutcome {
    /// The payload of the CALLRESULT.
    Answered(Value),
    /// It got a CALLERROR, or the library refused the message itself: the code and the cause.
    Refused(String),
    /// The library has no such message, or cannot make it: why.
    Unable(String),
}

impl OcppPeer {
    /// Starts a station that connects to the CSMS at this URL, or a CSMS if there is none. `version` is `1.6`, `2.0.1` or
    /// `2.1`.
    pub fn start(library: OcppLibrary, version: &str, csms: Option<&str>, directory: &Path) -> Result<Self> {
        let mut command = match library {
            OcppLibrary::Python => python::script(Requirements::Ocpp, "ocpp_peer.py")?,
            OcppLibrary::Node { .. } => node_command(&workspace::root().join("interop/node/ocpp_peer.cjs"))?,
        };
        command.args(["--version", version]);
        if let Some(url) = csms {
            command.args(["--url", url]);
        }
        if library == (OcppLibrary::Node { strict: true }) {
            command.arg("--strict");
        }
        Ok(Self { peer: Peer::start("ocpp-peer", command, directory)?, mark: 0 })
    }

    /// The same on the Python library, with every message that it sends or receives in this file: `["sent", TEXT]` or
    /// `["received", TEXT]` on a line each.
    pub fn start_recorded(
        version: &str,
        csms: Option<&str>,
        directory: &Path,
        frames: &Path,
    ) -> Result<Self> {
        let mut command = python::script(Requirements::Ocpp, "ocpp_peer.py")?;
        command.args(["--version", version]).arg("--frames").arg(frames);
        if let Some(url) = csms {
            command.args(["--url", url]);
        }
        Ok(Self { peer: Peer::start("ocpp-peer", command, directory)?, mark: 0 })
    }

    /// The port of a CSMS.
    pub fn port(&mut self) -> Result<u64> {
        let ready = self.peer.wait("ready", |event| event.name() == "ready")?;
        ready.value("port").and_then(Value::as_u64).context("a CSMS has a port")
    }

    /// Waits for the session.
    pub fn connected(&mut self) -> Result<()> {
        self.peer.wait("a session", |event| event.name() == "connected").map(drop)
    }

    /// Answers the CALLs of an action so from now on.
    pub fn answer(&mut self, action: &str, payload: &Value) -> Result<()> {
        self.mark = self.peer.mark();
        self.peer.command(&json!({ "command": "answer", "action": action, "payload": payload }))?;
        self.peer.wait_from(self.mark, "a note", |event| event.name() == "noted").map(drop)
    }

    /// The CALL of this action that came since the last [`answer`](Self::answer), if one did: its payload. What the library
    /// refused does not count.
    pub fn received(&mut self, action: &str) -> Result<Value> {
        let event = self.peer.wait_from(self.mark, action, |event| {
            event.name() == "received" && event.text("action") == Some(action)
        })?;
        event.value("payload").cloned().context("a CALL has a payload")
    }

    /// Sends a CALL, and waits for what comes of it.
    pub fn call(&mut self, action: &str, payload: &Value) -> Result<OcppOutcome> {
        let mark = self.peer.mark();
        self.peer.command(&json!({ "command": "call", "action": action, "payload": payload }))?;
        let ended = |event: &Event| matches!(event.name(), "answered" | "refused" | "unable");
        let event = self.peer.wait_from(mark, "the end of a CALL", ended)?;
        let said = || {
            format!("{} {}", event.text("code").unwrap_or_default(), event.text("cause").unwrap_or_default())
        };
        Ok(match event.name() {
            "answered" => {
                OcppOutcome::Answered(event.value("payload").cloned().context("a result has a payload")?)
            }
            "refused" => OcppOutcome::Refused(said()),
            _ => OcppOutcome::Unable(said()),
        })
    }
}
