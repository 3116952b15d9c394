//! A call to a charger.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use tieline_edge::{Ids as _, RandomIds, SystemClock};
use tieline_node::command::{Asked, CommandState, ask, chargers, command};
use tieline_ocpp::validation::{self, Invalid};
use tieline_ocpp::{RawValue, Tolerance, Version};
use tieline_store::Store;
use tieline_types::Clock as _;

use super::show::said;
use crate::journal::open;
use crate::report::table::printable;

/// Exit code: the charger has refused it.
const REFUSED: u8 = 3;
/// Exit code: there is no answer.
const UNANSWERED: u8 = 4;
/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Call a charger, and wait for its answer.
///
/// The call is kept by the node: it waits for a charger that is away and for a node that is not running, as long as it is valid. It is
/// sent once, or again if it got no answer and its repetition changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 answered; 3 refused by the charger; 4 no answer; 1 it can't be sent.")]
pub(crate) struct CallCharger {
    /// The charger's identity.
    charger: String,
    /// The action, such as `GetConfiguration`.
    action: String,
    /// The request as JSON; `-` reads it from standard input.
    #[arg(default_value = "{}")]
    request: String,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How long it is of use, as in `90s` or `2h`.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    valid: jiff::SignedDuration,
    /// Do not wait for the answer; print the number of the command.
    #[arg(long)]
    no_wait: bool,
}

impl CallCharger {
    pub(super) async fn execute(&self) -> anyhow::Result<ExitCode> {
        let store = open(&self.data)?;
        let request = self.request().context("the request")?;
        self.check(&*store, &request).await?;
        let now = SystemClock.now();
        let until = now.checked_add(self.valid).context("--valid is too long")?;
        let id = RandomIds.uuid();
        let asked = Asked {
            id,
            action: self.action.clone(),
            payload: request.get().to_owned(),
            asked: now,
            until,
            state: CommandState::Waiting,
        };
        ask(&*store, &self.charger, asked).await?;
        let is_running = tieline_node::wake(&self.data).is_ok();
        if self.no_wait {
            println!("{id}");
            return Ok(ExitCode::SUCCESS);
        }
        if !is_running {
            tracing::warn!("no node runs on this data; the command waits for one until {until}");
        }
        let state = answer(&*store, id, until).await?;
        match &state {
            CommandState::Answered { response, .. } => println!("{response}"),
            other => eprint(&printable(&said(other))),
        }
        Ok(match state {
            CommandState::Answered { .. } => ExitCode::SUCCESS,
            CommandState::Refused { .. } => ExitCode::from(REFUSED),
            _ => ExitCode::from(UNANSWERED),
        })
    }

    fn request(&self) -> anyhow::Result<Box<RawValue>> {
        let mut text = self.request.clone();
        if text == "-" {
            text.clear();
            std::io::stdin().read_to_string(&mut text)?;
        }
        Ok(RawValue::from_string(text)?)
    }

    /// A request that no charger could take is not kept.
    async fn check(&self, store: &dyn Store, request: &RawValue) -> anyhow::Result<()> {
        let known = chargers(store).await?.into_iter().find(|charger| charger.identity == self.charger);
        let version = known.and_then(|charger| charger.version.parse::<Version>().ok());
        let versions =
            version.map_or(vec![Version::V1_6, Version::V2_0_1, Version::V2_1], |version| vec![version]);
        let mut failure = None;
        for version in versions {
            match validation::payload(version, &self.action, request, &Tolerance::strict()) {
                Ok(_) => return Ok(()),
                Err(error @ Invalid::Payload(_)) => failure = Some(error),
                Err(error @ Invalid::Message(_)) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(failure) => bail!("{failure}"),
            None => Ok(()),
        }
    }
}

/// What becomes of a command. A node that does not run leaves it as it is, so at its end it is looked at no more.
async fn answer(store: &dyn Store, id: uuid::Uuid, until: Timestamp) -> anyhow::Result<CommandState> {
    /// A node that runs has noted by then what became of it.
    const GRACE: jiff::SignedDuration = jiff::SignedDuration::from_secs(35);
    let latest = until.checked_add(GRACE).unwrap_or(Timestamp::MAX);
    loop {
        let known = command(store, id).await?.context("the command is gone")?;
        if known.state.is_final() {
            return Ok(known.state);
        }
        let now = SystemClock.now();
        if now > latest || (now > until && known.state == CommandState::Waiting) {
            return Ok(known.state);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn eprint(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
