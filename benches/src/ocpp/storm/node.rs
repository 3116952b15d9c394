//! The node of the storm: an aggregator with so many chargers.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tieline_edge::SystemClock;
use tieline_interop::{AGR_KEY, free_port};
use tieline_node::{Config, Environment, Node, RandomIds};

use super::STATIONS;
use crate::server;

/// Its data directory, inside of the one that it is given.
pub(super) const DATA: &str = "agr-data";

/// Runs until the process that started this one is gone. Chargers connect to this port.
pub fn serve(port: u16, directory: &Path) -> Result<()> {
    let config = config(port, directory)?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let environment = Environment { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) };
        let _node = Node::start(config, environment).await?;
        server::ready();
        std::future::pending().await
    })
}

/// The example of the documentation, with these chargers instead of its own.
fn config(port: u16, directory: &Path) -> Result<Config> {
    let key = directory.join("agr.key");
    fs::write(&key, AGR_KEY.secret)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let example = include_str!("../../../../docs/examples/agr.toml");
    let (head, _) = example.split_once("[[ocpp.charger]]").context("the example has chargers")?;
    let mut text = head
        .replace("127.0.0.1:9000", &format!("127.0.0.1:{port}"))
        .replace("127.0.0.1:8081", &format!("127.0.0.1:{}", free_port()?));
    for number in 0..STATIONS {
        write!(
            text,
            "[[ocpp.charger]]\nidentity = \"CP-{number}\"\nconnection = \"ean.871685900012345001\"\nphases = 3\n\
             maximum_current = 32\nunit = \"W\"\n"
        )?;
    }
    Ok(Config::parse(&text, directory)?)
}
