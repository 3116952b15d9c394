//! The chargers of a node.

use std::path::PathBuf;

use clap::Args;
use tieline_node::command::{Charger, chargers};

use crate::journal::open;
use crate::report::table::{printable, table};

/// List the chargers that have ever connected, and whether they are there.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl List {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let mut table = table(&["charger", "OCPP", "state", "since", "made by", "serial number"], 0..0);
        for charger in chargers(&*open(&self.data)?).await? {
            let (made, serial) = made(&charger);
            let state = if charger.connected { "connected" } else { "away" };
            table.add_row([
                charger.identity,
                charger.version,
                state.to_owned(),
                charger.since.to_string(),
                made,
                serial,
            ]);
        }
        for line in table.lines() {
            println!("{}", line.trim_end());
        }
        Ok(())
    }
}

/// Vendor and model, and the serial number, as they may be shown.
pub(super) fn made(charger: &Charger) -> (String, String) {
    let Some((vendor, model, serial, _)) = &charger.made else { return Default::default() };
    (printable(&format!("{vendor} {model}")), printable(serial.as_deref().unwrap_or_default()))
}
