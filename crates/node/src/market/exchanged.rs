use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
    subject: this.counterparty.clone(),
    span: None,
    open: false,
});

/// That a message is about a day. Its key begins with what is asked by, and goes on with those
/// that were rejected, and then in order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExchangedAbout {
    pub(crate) counterparty: String,
    pub(crate) message_id: String,
    pub(crate) message_type: String,
    /// The day, or the first of them.
    pub(crate) period: Date,
    /// Where, if it is about one place.
    pub(crate) place: Option<String>,
    /// Whether it was rejected as it came. Those are before all others, so that they don't crowd out what counts.
    #[serde(default)]
    pub(crate) rejected: bool,
    pub(crate) at: Timestamp,
}

impl ExchangedAbout {
    /// What the keys of all messages of a type from a day on come after.
    pub(crate) fn from_day(counterparty: &str, message_type: &str, period: Date) -> String {
        format!("{counterparty} {message_type} {period} ")
    }

    /// What the keys of all messages of a type about one day and place begin with.
    pub(crate) fn at_place(counterparty: &str, message_type: &str, period: Date, place: &str) -> String {
        format!("{}{place} ", Self::from_day(counterparty, message_type, period))
    }
}

record!(ExchangedAbout, "exchanged-about", |this| {
    key: {
        let place = this.place.as_deref().unwrap_or("-");
        let start = Self::at_place(&this.counterparty, &this.message_type, this.period, place);
        // `!` sorts before every digit.
        let rank = if this.rejected { "!" } else { "" };
        format!("{start}{rank}{:020} {}", this.at.as_microsecond(), this.message_id)
    },
    subject: this.counterparty.clone(),
    span: None,
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

impl Referring {
    /// What the keys of all that refer to a message begin with.
    pub(crate) fn to(counterparty: &str, to: &str) -> String {
        format!("{} ", message_key(counterparty, to))
    }
}

record!(Referring, "referring", |this| {
    key: format!("{}{}", Self::to(&this.counterparty, &this.to), this.message_id),
    subject: this.counterparty.clone(),
    span: None,
    open: false,
});
