//! Participants to whom nothing is delivered any more.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use tieline_types::Domain;
use tieline_uftp::{Participant, Role};

use super::lookup::role;
use crate::journal::open;

/// List the participants to whom nothing is delivered: they have refused a message for good.
#[derive(Debug, Args)]
pub(crate) struct Held {
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Held {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        for (participant, since, cause) in tieline_node::held(&*open(&self.data)?).await? {
            println!("{participant} since {since}: {cause}");
        }
        Ok(())
    }
}

/// Deliver to a participant again, once its trouble is over. A running node does so within half a minute.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The participant's role: AGR, CRO or DSO.
    #[arg(value_parser = role)]
    role: Role,
    /// Its domain.
    domain: Domain,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Release {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let participant = Participant { role: self.role, domain: self.domain.clone() };
        let was_held = tieline_node::release(&*open(&self.data)?, &participant).await?;
        ensure!(was_held, "{participant} was not held");
        println!("{participant} is delivered to again");
        Ok(())
    }
}
