use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A participant to whom nothing is delivered until an operator says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Its role and domain.
    pub(crate) participant: String,
    pub(crate) since: Timestamp,
    pub(crate) cause: String,
    /// Whether it was released since.
    pub(crate) released: bool,
}

record!(Held, "held", |this| {
    key: this.participant.clone(),
    subject: this.participant.clone(),
    span: None,
    open: !this.released,
});
