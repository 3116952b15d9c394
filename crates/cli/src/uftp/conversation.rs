//! A conversation, from the journal.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use tieline_store::{Direction, JournalEntry};
use tieline_uftp::{Limits, SignedMessage};

use crate::journal::open;

/// Entries read at a time.
const PAGE: usize = 256;

/// Print the messages of a conversation and what was decided on them, in order.
#[derive(Debug, Args)]
pub(crate) struct Conversation {
    /// The conversation's `ConversationID`.
    id: String,
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Conversation {
    pub(super) async fn execute(&self) -> anyhow::Result<()> {
        let store = open(&self.data)?;
        let mut out = std::io::stdout().lock();
        let (mut after, mut found) = (0, 0);
        loop {
            let page = store.journal(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            let wanted = page.iter().filter(|entry| entry.entry.conversation.eq_ignore_ascii_case(&self.id));
            for entry in wanted {
                found += 1;
                match writeln!(out, "{}", told(entry)) {
                    // Whoever reads has seen enough.
                    Err(gone) if gone.kind() == ErrorKind::BrokenPipe => return Ok(()),
                    written => written.context("standard output")?,
                }
            }
        }
        ensure!(found > 0, "{}: the journal has no such conversation", self.id);
        Ok(())
    }
}

/// A line that says what it is, and the message, or the grounds of a decision, below it.
fn told(found: &JournalEntry) -> String {
    let entry = &found.entry;
    let way = match entry.direction {
        Direction::Received => "from",
        Direction::Sent => "to",
        Direction::Decision => "about",
    };
    let payload = SignedMessage::parse(&entry.bytes, &Limits::default()).ok();
    let payload = payload.and_then(|signed| signed.unverified_payload());
    let text = payload.as_deref().unwrap_or(&entry.bytes);
    let mut told = format!("{} {} {} {way} {}", found.sequence, entry.at, entry.label, entry.peer);
    for line in String::from_utf8_lossy(text).lines().filter(|line| !line.starts_with("<?xml")) {
        told.push_str("\n    ");
        told.push_str(line);
    }
    told
}
