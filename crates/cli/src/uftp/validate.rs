//! Every rule that a message breaks.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tieline_edge::SystemClock;
use tieline_types::{Clock as _, IspCalendar, IspDuration};
use tieline_uftp::rules::{Terms, check};
use tieline_uftp::{
    Direction, Exchanged, Fate, MemoryHistory, Participant, Payload, Revision, Role, Tolerance, parse,
};

use super::document::payload;
use super::read;

/// Exit code: the message breaks a rule.
const BROKEN: u8 = 3;

/// Say every rule that a message breaks: of the schema, of its kind, and by what was exchanged before.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 it is right; 3 it breaks a rule; 1 the files can't be read.")]
pub(crate) struct Validate {
    /// The message, as XML, sealed or not, or as JSON with the names of the wire; standard input without it.
    message: Option<PathBuf>,
    /// Messages that were exchanged and accepted before, in order: those that this one refers to.
    #[arg(long, value_name = "FILE")]
    after: Vec<PathBuf>,
    /// The instant as of which it is looked at; now without it.
    #[arg(long)]
    now: Option<Timestamp>,
    /// The time zone of the market's days.
    #[arg(long, default_value = "Europe/Amsterdam")]
    time_zone: String,
    /// The length of an ISP.
    #[arg(long, default_value = "PT15M")]
    isp_duration: IspDuration,
    /// A deviation to forgive, by its name in the configuration; `all` forgives every known one.
    #[arg(long, value_name = "NAME")]
    tolerance: Vec<String>,
}

impl Validate {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        let mut tolerance = Tolerance::STRICT;
        for name in &self.tolerance {
            match name.as_str() {
                "all" => tolerance = Tolerance::LENIENT,
                name => tolerance.set(name).with_context(|| name.to_owned())?,
            }
        }
        let now = self.now.unwrap_or_else(|| SystemClock.now());
        let document = payload(&read(self.message.as_deref())?, &Vec::new())?;
        let message = match parse(&document, &tolerance) {
            Ok(message) => message,
            Err(error) => {
                println!("schema: {error}");
                return Ok(ExitCode::from(BROKEN));
            }
        };
        let broken = self.broken(&message, &tolerance, now)?;
        for reason in &broken {
            println!("rule: {reason}");
        }
        let (message_type, header) = (message.message_type(), message.header());
        if broken.is_empty() {
            println!("{message_type} {} is right", header.message_id);
        }
        Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) })
    }

    fn broken(
        &self,
        message: &Payload,
        tolerance: &Tolerance,
        now: Timestamp,
    ) -> anyhow::Result<Vec<String>> {
        let zone = TimeZone::get(&self.time_zone).context("--time-zone")?;
        let terms = Terms::new(IspCalendar::new(zone, self.isp_duration));
        let counterparty = sender(message);
        let history = MemoryHistory::new();
        for path in &self.after {
            let document = payload(&read(Some(path))?, &Vec::new())?;
            let earlier =
                parse(&document, &Tolerance::LENIENT).with_context(|| path.display().to_string())?;
            let sent = earlier.sender() != message.sender();
            history.record(Exchanged {
                counterparty: counterparty.clone(),
                direction: if sent { Direction::Sent } else { Direction::Received },
                at: earlier.header().time_stamp.instant(),
                fate: Fate::Accepted,
                payload: earlier,
            });
        }
        let version = message.header().version;
        let spoken = |revision: &Revision| !revision.unreleased || tolerance.unreleased_revision;
        let mut broken = Vec::new();
        if !Revision::of(version).is_some_and(spoken) {
            broken.push(format!("Unsupported Version {version}"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let found = check(message, &counterparty, Direction::Received, &terms, &history, now);
        broken.extend(runtime.block_on(found)?.iter().map(ToString::to_string));
        Ok(broken)
    }
}

/// The sender, in the role in which this message is sent; any that may, of a TestMessage.
fn sender(message: &Payload) -> Participant {
    let roles = [Role::Agr, Role::Dso, Role::Cro];
    let may = |role: &Role| roles.into_iter().any(|to| message.message_type().may_go(*role, to));
    let role = roles.into_iter().find(may).unwrap_or(Role::Agr);
    Participant { role, domain: message.sender().clone() }
}
