use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::TimeSpan;
use uuid::Uuid;

use super::redacted;

/// A call to a charger that an operator asked for: it waits for the charger as long as it is valid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command {
    pub(crate) id: Uuid,
    pub(crate) charger: String,
    pub(crate) action: String,
    /// The JSON of the request. A password in it is kept as long as it may have to be sent.
    pub(crate) payload: String,
    pub(crate) asked: Timestamp,
    /// When it is of no use any more.
    pub(crate) until: Timestamp,
    pub(crate) state: CommandState,
}

/// How far a command has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandState {
    /// It waits for its charger, or for earlier commands.
    Waiting,
    /// It is on its way.
    Sent {
        /// Since when.
        at: Timestamp,
    },
    /// The charger has answered.
    Answered {
        /// When.
        at: Timestamp,
        /// The JSON of the response.
        response: String,
    },
    /// The charger has refused it with an error, or its version has no such action.
    Refused {
        /// When.
        at: Timestamp,
        /// What the charger said.
        cause: String,
    },
    /// It was sent, and there was no answer: whether the charger has done it is not known.
    Unanswered {
        /// When that was clear.
        at: Timestamp,
        /// Why there is none.
        cause: String,
    },
    /// The charger did not come in time; it was not sent.
    Expired,
}

impl CommandState {
    /// Whether nothing more becomes of it.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Sent { .. })
    }
}

impl Command {
    /// The same command as far as it has come now. One that is sent no more needs no secret any more.
    pub(crate) fn with(&self, state: CommandState) -> Self {
        let payload = if state.is_final() { redacted(&self.payload) } else { self.payload.clone() };
        Self { payload, state, ..self.clone() }
    }

    /// Whether it may be sent again when nobody knows whether it has arrived: its second time changes nothing more.
    pub(crate) fn is_repeatable(&self) -> bool {
        let action = self.action.as_str();
        action.starts_with("Get")
            || action.starts_with("Set")
            || action.starts_with("Clear")
            || matches!(
                action,
                "ChangeAvailability"
                    | "ChangeConfiguration"
                    | "CancelReservation"
                    | "ReserveNow"
                    | "SendLocalList"
                    | "TriggerMessage"
                    | "ExtendedTriggerMessage"
                    | "UpdateDynamicSchedule"
            )
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("id", &self.id)
            .field("charger", &self.charger)
            .field("action", &self.action)
            .field("payload", &redacted(&self.payload))
            .field("asked", &self.asked)
            .field("until", &self.until)
            .field("state", &self.state)
            .finish()
    }
}

record!(Command, "command", |this| {
    key: this.id.to_string(),
    subject: this.charger.clone(),
    span: TimeSpan::new(this.asked, this.until),
    open: !this.state.is_final(),
});
