use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use tieline_node::database_path;
use tieline_store::{JournalEntry, SqliteOptions, SqliteStore, Store, verify};
use tieline_uftp::{Limits, SignedMessage};

/// Entries read at a time.
const PAGE: usize = 256;

#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Check that nothing was changed, removed, added or moved since it was written.
    Verify(Data),
    /// Print the entries.
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Data {
    /// The node's data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    data: Data,
    /// One JSON object per line, with the bytes as text.
    #[arg(long)]
    json: bool,
    /// Only the entries of this conversation.
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
}

impl Journal {
    pub(crate) fn execute(&self) -> anyhow::Result<()> {
        let runtime = crate::run::runtime()?;
        runtime.block_on(async {
            match self {
                Self::Verify(data) => {
                    println!("{}", verified(&*open(&data.data)?).await?);
                    Ok(())
                }
                Self::Show(show) => show.execute().await,
            }
        })
    }
}

/// The sentence that says that a journal holds.
pub(crate) async fn verified(store: &dyn Store) -> anyhow::Result<String> {
    match verify(store).await? {
        Ok(verified) => {
            Ok(format!("{} entries, unbroken, head {}", verified.entries, hexadecimal(&verified.head)))
        }
        Err(broken) => bail!("the journal is broken: {broken}"),
    }
}

pub(crate) fn open(data: &Path) -> anyhow::Result<Arc<dyn Store>> {
    let path = database_path(data);
    if !path.exists() {
        bail!("{}: there is no node's database", path.display());
    }
    let store =
        SqliteStore::open(&path, SqliteOptions::default()).with_context(|| path.display().to_string())?;
    Ok(Arc::new(store))
}

impl Show {
    async fn execute(&self) -> anyhow::Result<()> {
        let store = open(&self.data.data)?;
        let mut out = std::io::stdout().lock();
        let mut after = 0;
        loop {
            let page = store.journal(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.sequence;
            for entry in page {
                if self.conversation.as_ref().is_none_or(|wanted| *wanted == entry.entry.conversation) {
                    match writeln!(out, "{}", if self.json { json(&entry) } else { line(&entry) }) {
                        // Whoever reads has seen enough: `head`, a pager that was left.
                        Err(gone) if gone.kind() == ErrorKind::BrokenPipe => return Ok(()),
                        written => written.context("standard output")?,
                    }
                }
            }
        }
    }
}

pub(crate) fn line(found: &JournalEntry) -> String {
    let entry = &found.entry;
    format!(
        "{:>6} {} {:<8} {:<4} {:<24} {:<20} {}",
        found.sequence, entry.at, entry.direction, entry.protocol, entry.peer, entry.label, entry.message_id
    )
}

fn json(found: &JournalEntry) -> String {
    let entry = &found.entry;
    let payload = SignedMessage::parse(&entry.bytes, &Limits::default())
        .ok()
        .and_then(|signed| String::from_utf8(signed.unverified_payload()?.to_vec()).ok());
    serde_json::json!({
        "sequence": found.sequence,
        "at": entry.at.to_string(),
        "direction": entry.direction.to_string(),
        "protocol": entry.protocol,
        "peer": entry.peer,
        "label": entry.label,
        "message_id": entry.message_id,
        "conversation": entry.conversation,
        "bytes": String::from_utf8_lossy(&entry.bytes),
        // What was signed, where it is a sealed message; its signature was checked when it came in.
        "payload": payload,
        "hash": hexadecimal(&found.hash),
    })
    .to_string()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
