use serde::{Deserialize, Serialize};

use super::message_key;

/// How often a party was told that it has used a message's identifier before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repeats {
    /// Who sent it: its role and domain.
    pub(crate) sender: String,
    pub(crate) message_id: String,
    pub(crate) answered: u32,
}

impl Repeats {
    pub(crate) fn key_of(sender: &str, message_id: &str) -> String {
        message_key(sender, message_id)
    }
}

record!(Repeats, "repeats", |this| {
    key: Self::key_of(&this.sender, &this.message_id),
    subject: this.sender.clone(),
    span: None,
    open: false,
});
