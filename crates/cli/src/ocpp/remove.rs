//! A charger that a node is to accept no more.

use std::path::PathBuf;

use clap::Args;
use tieline_edge::SystemClock;
use tieline_node::registry;
use tieline_types::Clock as _;

use super::password::tell_node;
use crate::journal::open;

/// Remove a charger that was added to those that a node accepts.
///
/// A node that runs disconnects it at once. One in the node's file is removed there.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The charger's identity.
    charger: String,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Remove {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        registry::remove(&*open(&self.data)?, &self.charger, SystemClock.now()).await?;
        tell_node(&self.data);
        Ok(())
    }
}
