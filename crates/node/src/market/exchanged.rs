use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::TimeSpan;

use super::message_key;

/// A message that was sent or received, as far as other messages are judged by it. The message itself is in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exchanged {
    /// The other side: its role and domain.
    pub(crate) counterparty: String,
    pub(crate) message_id: String,
    /// Whether we sent it.
    pub(crate) sent: bool,
    pub(crate) at: Timestamp,
    /// What it is found by besides its name: with whom, its type, and where it is about one place, that.
    pub(crate) about: String,
    /// The days that it is about, as if they were days of UTC.
    pub(crate) days: Option<TimeSpan>,
    pub(crate) fate: Fate,
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    Open,
    Accepted,
    Rejected,
}

record!(Exchanged, "exchanged", |this| {
    key: message_key(&this.counterparty, &this.message_id),
    subject: this.about.clone(),
    span: this.days,
    open: false,
});

/// That a message refers to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Referring {
    pub(crate) counterparty: String,
    /// The one that refers.
    pub(crate) message_id: String,
    /// The one that is referred to.
    pub(crate) to: String,
}

record!(Referring, "referring", |this| {
    key: format!("{} {}", message_key(&this.counterparty, &this.message_id), this.to),
    subject: message_key(&this.counterparty, &this.to),
    span: None,
    open: false,
});
