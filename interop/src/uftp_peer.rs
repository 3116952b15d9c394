//! A market participant on shapeshifter-uftp.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::python::{self, Requirements};
use crate::{Event, KeyPair, PATH, Peer};

/// A participant on the reference implementation.
#[derive(Debug)]
pub struct UftpPeer {
    peer: Peer,
    /// Its own endpoint.
    pub endpoint: String,
}

/// How a participant on the reference implementation is set up.
#[derive(Clone, Copy, Debug)]
pub struct UftpSettings<'a> {
    /// `AGR`, `CRO` or `DSO`.
    pub role: &'a str,
    /// In whose name it signs.
    pub domain: &'a str,
    /// What it signs with.
    pub key: KeyPair,
    /// Where it listens.
    pub port: u16,
    /// Whom it knows, one in each role at most.
    pub peers: &'a [Known],
    /// The library's service as it comes, cold and with no memory of messages, if this says how long each of its handlers
    /// takes. It accepts whatever it handles.
    pub bare: Option<Duration>,
}

/// Somebody whom a participant knows.
#[derive(Clone, Debug)]
pub struct Known {
    /// `AGR`, `CRO` or `DSO`.
    pub role: String,
    /// Its domain.
    pub domain: String,
    /// Base64 of its public key.
    pub key: String,
    /// Where it listens.
    pub port: u16,
}

impl UftpPeer {
    /// A grid operator (DSO) on `port` that trades with the aggregator at `agr_port`.
    pub fn dso(key: KeyPair, port: u16, agr_key: KeyPair, agr_port: u16, directory: &Path) -> Result<Self> {
        Self::trading("DSO", key, port, ("AGR", agr_key, agr_port), directory)
    }

    /// An aggregator (AGR) on `port` that trades with the grid operator at `dso_port`.
    pub fn agr(key: KeyPair, port: u16, dso_key: KeyPair, dso_port: u16, directory: &Path) -> Result<Self> {
        Self::trading("AGR", key, port, ("DSO", dso_key, dso_port), directory)
    }

    /// A common reference operator (CRO) on `port` with whom these are registered.
    pub fn cro(key: KeyPair, port: u16, peers: &[Known], directory: &Path) -> Result<Self> {
        let settings = UftpSettings { role: "CRO", domain: "cro.example.com", key, port, peers, bare: None };
        Self::start(settings, directory)
    }

    fn trading(
        role: &str,
        key: KeyPair,
        port: u16,
        (other_role, other_key, other_port): (&str, KeyPair, u16),
        directory: &Path,
    ) -> Result<Self> {
        let domain_of = |role: &str| format!("{}.example.com", role.to_lowercase());
        let other = Known {
            role: other_role.to_owned(),
            domain: domain_of(other_role),
            key: other_key.public.to_owned(),
            port: other_port,
        };
        let domain = domain_of(role);
        let settings = UftpSettings { role, domain: &domain, key, port, peers: &[other], bare: None };
        Self::start(settings, directory)
    }

    /// A participant that is set up like this.
    pub fn start(settings: UftpSettings<'_>, directory: &Path) -> Result<Self> {
        let UftpSettings { role, domain, key, port, peers, bare } = settings;
        let role = role.to_lowercase();
        let mut command = python::script(Requirements::Uftp, &format!("uftp_{role}.py"))?;
        command.args(["--domain", domain, "--signing-key", key.secret, "--port", &port.to_string()]);
        for known in peers {
            command.args(["--peer", &known.role, &known.domain, &known.key, &endpoint(known.port)]);
        }
        if let Some(handler) = bare {
            command.args(["--bare", "--handler-seconds", &handler.as_secs_f64().to_string()]);
        }
        let peer = Peer::start(&format!("python-{role}"), command, directory)?;
        Ok(Self { peer, endpoint: endpoint(port) })
    }

    /// Hands a message over for delivery, to the peer in the role `to`: `message` is what the library is to read, and to
    /// write anew in `version`. `more` is for what its client would not do.
    pub fn send_xml(&mut self, to: &str, version: &str, message: &str, more: &Value) -> Result<()> {
        let mut command = json!({ "command": "send", "to": to, "version": version, "xml": message });
        if let (Some(command), Some(more)) = (command.as_object_mut(), more.as_object()) {
            command.extend(more.clone());
        }
        self.peer.command(&command)
    }

    /// Lets it import a module `every` so often for some `time`, as lazy imports do.
    pub fn churn(&mut self, time: Duration, every: Duration) -> Result<()> {
        let (seconds, every) = (time.as_secs_f64(), every.as_secs_f64());
        self.peer.command(&json!({ "command": "churn", "seconds": seconds, "every": every }))
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
