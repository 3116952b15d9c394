use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::instant::nanoseconds;
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

/// What names a message among all that were received and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageName {
    /// Which way it went: received or sent; a decision is no message.
    pub direction: Direction,
    /// The protocol's name.
    pub protocol: String,
    /// The other side.
    pub peer: String,
    /// Its identifier.
    pub message_id: String,
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
    /// SHA-256 over the hash before it, its number, and the SHA-256 of all that it says.
    pub hash: [u8; 32],
}

/// A journal whose chain holds, or the end of one.
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
const PAGE: usize = 64;

/// Walks the whole journal and checks its chain. It may be written to meanwhile; what was there at the start is checked.
pub async fn verify(store: &dyn Store) -> Result<Result<Verified, Broken>, StoreError> {
    let mut verified = Verified { entries: 0, head: [0; 32] };
    loop {
        // The end is kept apart from the entries, so that the loss of the last ones shows. It is read before them: an
        // entry that is written in between is one too many here, and never one too few.
        let end = store.journal_end().await?;
        let page = store.journal(verified.entries, PAGE).await?;
        if page.is_empty() {
            return Ok(at_the_end(verified, end));
        }
        for found in page {
            let sequence = verified.entries + 1;
            if found.sequence != sequence {
                return Ok(Err(Broken { sequence, why: "is missing" }));
            }
            if chain(&verified.head, sequence, &content(&found.entry)) != found.hash {
                return Ok(Err(Broken {
                    sequence,
                    why: "is not what was written, or not where it was written",
                }));
            }
            verified = Verified { entries: sequence, head: found.hash };
        }
    }
}

/// Compares what was walked, up to its end, with the end that is kept apart.
fn at_the_end(walked: Verified, end: Verified) -> Result<Verified, Broken> {
    let (sequence, why) = if walked.entries < end.entries {
        (walked.entries + 1, "is missing, at the end of the journal")
    } else if walked.entries > end.entries {
        (end.entries + 1, "was added behind the end of the journal")
    } else if walked.head != end.head {
        (walked.entries, "is not the one with which the journal ends")
    } else {
        return Ok(walked);
    };
    Err(Broken { sequence, why })
}

/// The hash of what an entry says. Nothing of the journal before it goes in: it can be worked out ahead.
pub(crate) fn content(entry: &NewEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(nanoseconds(entry.at).to_be_bytes());
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

/// The hash of the entry that says `content` and follows the one with the hash `before`.
pub(crate) fn chain(before: &[u8; 32], sequence: u64, content: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(sequence.to_be_bytes());
    hash.update(content);
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
