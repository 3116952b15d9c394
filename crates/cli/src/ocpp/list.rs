//! The chargers of a node.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use tieline_node::command::{Charger, chargers};
use tieline_node::registry::{ListedCharger, listed};

use crate::journal::open;
use crate::report::table::{printable, table};

/// List the chargers that may connect, by the node's file or by the store, and those that ever have; and whether they are there.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl List {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let store = open(&self.data)?;
        let by_identity = |charger: Charger| (charger.identity.clone(), charger);
        let known: BTreeMap<_, _> = chargers(&*store).await?.into_iter().map(by_identity).collect();
        let listed = listed(&*store).await?.into_iter().map(|charger| (charger.identity.clone(), charger));
        let listed: BTreeMap<_, _> = listed.collect();
        let identities: BTreeSet<_> = known.keys().chain(listed.keys()).collect();
        let columns = ["charger", "in", "connection", "OCPP", "state", "since", "made by", "serial number"];
        let mut table = table(&columns, 0..0);
        for identity in identities {
            table.add_row(row(identity, known.get(identity), listed.get(identity)));
        }
        for line in table.lines() {
            println!("{}", line.trim_end());
        }
        Ok(())
    }
}

fn row(identity: &str, known: Option<&Charger>, listed: Option<&ListedCharger>) -> [String; 8] {
    let source = match listed.map(|charger| charger.added) {
        Some(Some(_)) => "store",
        Some(None) => "file",
        None => "neither",
    };
    let connection = listed.map(|charger| charger.connection.to_string()).unwrap_or_default();
    let state = match known.map(|charger| charger.connected) {
        Some(true) => "connected",
        Some(false) => "away",
        None => "never came",
    };
    let (made, serial) = known.map(made).unwrap_or_default();
    [
        identity.to_owned(),
        source.to_owned(),
        connection,
        known.map(|charger| charger.version.clone()).unwrap_or_default(),
        state.to_owned(),
        known.map(|charger| charger.since.to_string()).unwrap_or_default(),
        made,
        serial,
    ]
}

/// Vendor and model, and the serial number, as they may be shown.
pub(super) fn made(charger: &Charger) -> (String, String) {
    let Some((vendor, model, serial, _)) = &charger.made else { return Default::default() };
    (printable(&format!("{vendor} {model}")), printable(serial.as_deref().unwrap_or_default()))
}
