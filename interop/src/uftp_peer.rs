//! A market participant on shapeshifter-uftp.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::python::{self, Requirements};
use crate::{Event, KeyPair, PATH, Peer};

/// A DSO or an AGR on the reference implementation, with one counterpart.
#[derive(Debug)]
pub struct UftpPeer {
    peer: Peer,
    /// Its own endpoint.
    pub endpoint: String,
}

impl UftpPeer {
    /// A grid operator (DSO) on `port` that trades with the aggregator at `agr_port`.
    pub fn dso(key: KeyPair, port: u16, agr_key: KeyPair, agr_port: u16, directory: &Path) -> Result<Self> {
        Self::start("dso", key, port, ("agr", agr_key, agr_port), directory)
    }

    /// An aggregator (AGR) on `port` that trades with the grid operator at `dso_port`.
    pub fn agr(key: KeyPair, port: u16, dso_key: KeyPair, dso_port: u16, directory: &Path) -> Result<Self> {
        Self::start("agr", key, port, ("dso", dso_key, dso_port), directory)
    }

    fn start(
        role: &str,
        key: KeyPair,
        port: u16,
        other: (&str, KeyPair, u16),
        directory: &Path,
    ) -> Result<Self> {
        let (other_role, other_key, other_port) = other;
        let mut command = python::script(Requirements::Uftp, &format!("uftp_{role}.py"))?;
        command
            .args(["--domain", &format!("{role}.example.com"), "--signing-key", key.secret])
            .args(["--port", &port.to_string()])
            .args(["--peer-domain", &format!("{other_role}.example.com"), "--peer-key", other_key.public])
            .args(["--peer-endpoint", &endpoint(other_port)]);
        let peer = Peer::start(&format!("python-{role}"), command, directory)?;
        Ok(Self { peer, endpoint: endpoint(port) })
    }

    /// Hands a message over for delivery; `fields` are the wire's attributes and elements. It is tried until the
    /// counterpart has answered.
    pub fn send(&mut self, message: &str, fields: &Value) -> Result<()> {
        self.peer.command(&json!({ "command": "send", "type": message, "fields": fields }))
    }

    /// Waits until a `message` of this conversation has been delivered.
    pub fn delivered(&mut self, message: &str, conversation: &str) -> Result<Event> {
        self.peer.wait(&format!("delivery of {message}"), |event| {
            event.name() == "sent" && of(event, message, conversation)
        })
    }

    /// Waits for a message of this conversation.
    pub fn received(&mut self, message: &str, conversation: &str) -> Result<Event> {
        self.peer.wait(message, |event| event.name() == "received" && of(event, message, conversation))
    }

    /// Waits for a message of any conversation.
    pub fn received_any(&mut self, message: &str) -> Result<Event> {
        self.peer.wait(message, |event| event.name() == "received" && event.text("type") == Some(message))
    }

    /// Posts a message once, its signature wrong by one bit. The HTTP status that came back.
    pub fn send_corrupted(&mut self, message: &str, fields: &Value) -> Result<u64> {
        self.status_of(&json!({ "command": "send_corrupted", "type": message, "fields": fields }))
    }

    /// Posts these bytes once. The HTTP status that came back.
    pub fn post(&mut self, url: &str, body: &str) -> Result<u64> {
        self.status_of(&json!({ "command": "post", "url": url, "body": body }))
    }

    fn status_of(&mut self, command: &Value) -> Result<u64> {
        let mark = self.peer.mark();
        self.peer.command(command)?;
        let answer = self.peer.wait_from(mark, "an HTTP answer", |event| event.name() == "answered")?;
        answer.value("status").and_then(Value::as_u64).context("an HTTP answer has a status")
    }

    /// The process, for events that have no method here.
    pub fn peer(&mut self) -> &mut Peer {
        &mut self.peer
    }

    /// The messages that arrived, first deliveries only.
    pub fn messages(&mut self) -> Vec<Event> {
        let received = |event: &&Event| event.name() == "received" && !event.is("repeated");
        self.peer.events().iter().filter(received).cloned().collect()
    }

    /// The messages that arrived again.
    pub fn repeats(&mut self) -> Vec<Event> {
        let repeated = |event: &&Event| event.name() == "received" && event.is("repeated");
        self.peer.events().iter().filter(repeated).cloned().collect()
    }
}

fn of(event: &Event, message: &str, conversation: &str) -> bool {
    event.text("type") == Some(message) && event.text("conversation_id") == Some(conversation)
}

/// The UFTP endpoint on a loopback port.
pub(crate) fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}
