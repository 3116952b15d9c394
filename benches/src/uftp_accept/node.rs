//! A whole node, which decides and answers what it has accepted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tieline_edge::SystemClock;
use tieline_interop::{AGR_KEY, DSO_KEY};
use tieline_node::{Config, Environment, Node, RandomIds};
use tieline_uftp::MESSAGE_PATH;

use crate::{sample, server};

/// Runs until the process that started this one is gone. The node's peer takes messages at `peer_port`.
pub fn serve(port: u16, peer_port: u16, data: &Path) -> Result<()> {
    let config = config(data, port, peer_port)?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let environment = Environment { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) };
        let _node = Node::start(config, environment).await?;
        server::ready();
        std::future::pending().await
    })
}

fn config(directory: &Path, port: u16, peer_port: u16) -> Result<Config> {
    let key = directory.join("signing.key");
    fs::write(&key, AGR_KEY.secret)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let text = format!(
        r#"
[node]
data = "data"

[uftp]
role = "AGR"
domain = "{domain}"
signing_key_file = "signing.key"
listen = "127.0.0.1:{port}"
time_zone = "Europe/Amsterdam"
isp_duration = "PT15M"
plaintext = true

[[uftp.peer]]
domain = "{peer}"
role = "DSO"
endpoint = "http://127.0.0.1:{peer_port}{MESSAGE_PATH}"
public_keys = ["{peer_key}"]

[agr]
currency = "EUR"
price_per_mwh = "85.00"
plan_ahead = "30m"
offer_valid_for = "1h"

[[agr.congestion_point]]
entity_address = "ean.871685900012345678"

[ocpp]
listen = "127.0.0.1:0"
path = "/ocpp"
plaintext = true
id_tokens = "any"
heartbeat_interval = "5m"
"#,
        domain = sample::RECIPIENT,
        peer = sample::SENDER,
        peer_key = DSO_KEY.public,
    );
    Ok(Config::parse(&text, directory)?)
}
