use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{Store, StoreError};

/// Which way a journal entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A peer sent it to us.
    Received,
    /// We sent it to a peer, or will.
    Sent,
    /// We decided it.
    Decision,
}

/// An entry to be added to the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// When.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// The protocol's name, or what decided.
    pub protocol: String,
    /// The other side.
    pub peer: String,
    /// The message's type, or what was decided.
    pub label: String,
    /// The message's identifier.
    pub message_id: String,
    /// The conversation.
    pub conversation: String,
    /// The sealed message, or the decision's grounds.
    pub bytes: Bytes,
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number, from 1, without gaps.
    pub sequence: u64,
    /// What it says.
    pub entry: NewEntry,
    /// SHA-256 over the hash before it and all that it says.
    pub hash: [u8; 32],
}

/// A journal whose chain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one, all zero for an empty journal. Whoever keeps it elsewhere can prove the journal's end.
    pub head: [u8; 32],
}

/// A journal whose chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {sequence}: {why}")]
pub struct Broken {
    /// The first entry that does not fit.
    pub sequence: u64,
    /// Why it does not.
    pub why: &'static str,
}

/// How many entries [`verify`] holds in memory at a time.
const PAGE: usize = 256;

/// Walks the whole journal and checks its chain.
pub async fn verify(store: &dyn Store) -> Result<Result<Verified, Broken>, StoreError> {
    let mut verified = Verified { entries: 0, head: [0; 32] };
    loop {
        let page = store.journal(verified.entries, PAGE).await?;
        if page.is_empty() {
            // The count is kept apart from the entries, so that the loss of the last ones shows.
            let known = store.journal_length().await?;
            return Ok(if known == verified.entries {
                Ok(verified)
            } else {
                Err(Broken { sequence: verified.entries + 1, why: "entries are missing at the end" })
            });
        }
        for found in page {
            let sequence = verified.entries + 1;
            if found.sequence != sequence {
                return Ok(Err(Broken { sequence, why: "is missing" }));
            }
            if chain(&verified.head, sequence, &found.entry) != found.hash {
                return Ok(Err(Broken {
                    sequence,
                    why: "is not what was written, or not where it was written",
                }));
            }
            verified = Verified { entries: sequence, head: found.hash };
        }
    }
}

/// The hash of an entry that follows the one with the hash `before`.
pub(crate) fn chain(before: &[u8; 32], sequence: u64, entry: &NewEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(sequence.to_be_bytes());
    hash.update(entry.at.as_nanosecond().to_be_bytes());
    hash.update([entry.direction.code()]);
    let fields: [&[u8]; 6] = [
        entry.protocol.as_bytes(),
        entry.peer.as_bytes(),
        entry.label.as_bytes(),
        entry.message_id.as_bytes(),
        entry.conversation.as_bytes(),
        &entry.bytes,
    ];
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

impl Direction {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Received => 0,
            Self::Sent => 1,
            Self::Decision => 2,
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Received),
            1 => Some(Self::Sent),
            2 => Some(Self::Decision),
            _ => None,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Decision => "decision",
        })
    }
}
