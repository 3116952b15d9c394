//! One charger of a node.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tieline_node::command::{ChargerCapability, CommandState, capability, chargers, commands};

use super::list::made;
use crate::journal::open;
use crate::report::table::printable;

/// Show what is known of a charger, and what was asked of it.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The charger's identity.
    charger: String,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Show {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let store = open(&self.data)?;
        let known = chargers(&*store).await?.into_iter().find(|charger| charger.identity == self.charger);
        let asked = commands(&*store, &self.charger).await?;
        let Some(charger) = known else {
            if asked.is_empty() {
                return Err(anyhow::anyhow!("has never connected")).context(self.charger.clone());
            }
            println!("{} has never connected", self.charger);
            print(asked);
            return Ok(());
        };
        let state = if charger.connected { "connected" } else { "away" };
        println!("{} {state} since {}, OCPP {}", charger.identity, charger.since, charger.version);
        if let Some(remote) = &charger.remote {
            println!("  from {remote}");
        }
        let (maker, serial) = made(&charger);
        if let (Some((.., firmware)), Some(booted)) = (&charger.made, charger.booted) {
            println!(
                "  {maker}, serial number {}, firmware {}, booted {booted}",
                or_unknown(&serial),
                or_unknown(&printable(firmware.as_deref().unwrap_or_default()))
            );
        }
        if let Some(capability) = capability(&*store, &self.charger).await? {
            print_capability(&capability);
        }
        print(asked);
        Ok(())
    }
}

/// What it can do with charging profiles.
fn print_capability(known: &ChargerCapability) {
    let yes_or_no = |known: Option<bool>| known.map(|is_so| if is_so { "yes" } else { "no" }.to_owned());
    let number = |known: Option<usize>| known.map(|number| number.to_string());
    let units: Vec<&str> = [(known.watts, "W"), (known.amperes, "A")]
        .into_iter()
        .filter_map(|(takes, unit)| (takes == Some(true)).then_some(unit))
        .collect();
    for (what, said) in [
        ("smart charging", yes_or_no(known.smart_charging)),
        ("units", (!units.is_empty()).then(|| units.join(", "))),
        ("highest stack level", known.max_stack_level.map(|level| level.to_string())),
        ("periods of a schedule", number(known.max_periods)),
        ("profiles at once", number(known.max_profiles)),
        ("one EVSE alone", yes_or_no(known.single_evse)),
        ("switches phases", yes_or_no(known.phase_switching)),
        ("others may limit it", yes_or_no(known.external_signals)),
        ("dynamic profiles", yes_or_no(known.dynamic_profiles)),
    ] {
        println!("  {what}: {}", or_unknown(&printable(&said.unwrap_or_default())));
    }
    for (purpose, standing) in &known.purposes {
        println!("  {purpose}: {standing}");
    }
}

fn print(asked: Vec<tieline_node::command::Asked>) {
    for command in asked {
        println!("{} {} {} {}", command.asked, command.id, command.action, command.payload);
        println!("  {}", printable(&said(&command.state)));
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

/// What became of a command, in a line.
pub(super) fn said(state: &CommandState) -> String {
    match state {
        CommandState::Waiting => "waits".to_owned(),
        CommandState::Sent { at } => format!("on its way since {at}"),
        CommandState::Answered { at, response } => format!("answered {at}: {response}"),
        CommandState::Refused { at, cause } => format!("refused {at}: {cause}"),
        CommandState::Unanswered { at, cause } => format!("unanswered {at}: {cause}"),
        CommandState::Expired => "expired before the charger came".to_owned(),
    }
}
