//! A node that can be stopped and started again on what it keeps.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tieline_node::{Config, Environment, Ids, Node, NodeError};
use tieline_store::{InboxState, JournalEntry};
use tieline_types::ManualClock;
use tieline_uftp::SigningKey;
use uuid::Uuid;

/// Long enough for a busy machine, short enough for a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Identifiers that are the same in every run, and never twice in one.
#[derive(Debug)]
pub(crate) struct CountedIds {
    seed: u64,
    next: AtomicU64,
}

impl CountedIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(1) }
    }
}

impl Ids for CountedIds {
    fn uuid(&self) -> Uuid {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.seed.to_be_bytes());
        bytes[8..].copy_from_slice(&next.to_be_bytes());
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    fn random(&self) -> u64 {
        0
    }
}

/// A node's directory, and the node while it runs.
pub(crate) struct Daemon {
    directory: TempDir,
    pub(crate) config: String,
    clock: ManualClock,
    ids: Arc<CountedIds>,
    node: Option<Node>,
}

impl Daemon {
    /// Starts a node from this configuration; `own.key` holds `key`.
    pub(crate) async fn start(config: String, key: &SigningKey, clock: &ManualClock, seed: u64) -> Self {
        Self::start_beside(config, key, clock, seed, &[]).await
    }

    /// With these files beside the configuration.
    pub(crate) async fn start_beside(
        config: String,
        key: &SigningKey,
        clock: &ManualClock,
        seed: u64,
        files: &[(&str, &str)],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        write_secret(&directory.path().join("own.key"), &key.to_base64());
        let ids = Arc::new(CountedIds::new(seed));
        let mut daemon = Self { directory, config, clock: clock.clone(), ids, node: None };
        daemon.resume().await;
        daemon
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(crate) fn uftp(&self) -> SocketAddr {
        self.node().uftp_address()
    }

    pub(crate) fn ocpp(&self) -> SocketAddr {
        self.node().ocpp_address().unwrap()
    }

    pub(crate) async fn stop(&mut self) {
        self.node.take().unwrap().stop().await;
    }

    pub(crate) async fn resume(&mut self) {
        self.node = Some(self.another().await.unwrap());
    }

    /// A node from the same configuration, on the same directory.
    pub(crate) async fn another(&self) -> Result<Node, NodeError> {
        let config = Config::parse(&self.config, self.directory.path()).unwrap();
        let environment = Environment { clock: Arc::new(self.clock.clone()), ids: self.ids.clone() };
        Node::start(config, environment).await
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.resume().await;
    }

    /// The database, for one who reads it beside the node.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        tieline_node::database_path(&self.directory.path().join("data"))
    }

    /// A file beside the configuration that only its owner can read.
    pub(crate) fn write_secret(&self, name: &str, text: &str) {
        write_secret(&self.directory.path().join(name), text);
    }

    /// The bodies of the records of a kind about `subject`.
    pub(crate) async fn records(&self, kind: &'static str, subject: &str) -> Vec<Value> {
        let found = self.node().store().raw_records_of(kind, subject, None).await.unwrap();
        found.into_iter().map(|stored| serde_json::from_str(&stored.value.body).unwrap()).collect()
    }

    pub(crate) async fn record(&self, kind: &'static str, key: &str) -> Option<Value> {
        let found = self.node().store().raw_record(kind, key).await.unwrap();
        found.map(|stored| serde_json::from_str(&stored.value.body).unwrap())
    }

    /// The record of a message that was exchanged with a party.
    pub(crate) async fn message(
        &self,
        kind: &'static str,
        party: &str,
        id: impl std::fmt::Display,
    ) -> Option<Value> {
        self.record(kind, &format!("{party} {id}")).await
    }

    pub(crate) async fn journal(&self) -> Vec<JournalEntry> {
        self.node().store().journal(0, 1000).await.unwrap()
    }

    /// Waits until nothing received waits to be decided or followed up, and nothing owed waits to be delivered now.
    pub(crate) async fn settle(&self) {
        let store = self.node().store();
        eventually("nothing is left to be done", async || {
            let now = tieline_types::Clock::now(&self.clock);
            let idle = store.inbox_due(InboxState::Received, now, 1).await.unwrap().is_empty()
                && store.inbox_due(InboxState::Answered, now, 1).await.unwrap().is_empty()
                && store.outbox_due(now, 1).await.unwrap().is_empty()
                && store.timers_due(now, 1).await.unwrap().is_empty();
            idle.then_some(())
        })
        .await;
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// An address of this test's own: no other test, and no outgoing connection, takes its ports.
pub(crate) fn loopback() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [low, high, ..] = std::process::id().to_le_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 16 + high % 200, low, NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn write_secret(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

/// The tables that every node's configuration begins with.
pub(crate) fn own(role: &str, domain: &str, listen: SocketAddr, peers: &[String], more: &str) -> String {
    let mut text = format!(
        "[node]
data = \"data\"

[uftp]
role = \"{role}\"
domain = \"{domain}\"
signing_key_file = \"own.key\"
listen = \"{listen}\"
plaintext = true
time_zone = \"Europe/Amsterdam\"
isp_duration = \"PT15M\"
{more}
"
    );
    for peer in peers {
        write!(text, "\n{peer}").unwrap();
    }
    text
}

pub(crate) fn peer(domain: &str, role: &str, address: SocketAddr, key: &SigningKey) -> String {
    format!(
        "[[uftp.peer]]
domain = \"{domain}\"
role = \"{role}\"
endpoint = \"http://{address}/shapeshifter/api/v3/message\"
public_keys = [\"{}\"]
",
        key.verifying_key().to_base64()
    )
}
