use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::TimeSpan;
use uuid::Uuid;

/// A call to a charger that an operator asked for: it waits for the charger as long as it is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command {
    pub(crate) id: Uuid,
    pub(crate) charger: String,
    pub(crate) action: String,
    /// The JSON of the request.
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

record!(Command, "command", |this| {
    key: this.id.to_string(),
    subject: this.charger.clone(),
    span: TimeSpan::new(this.asked, this.until),
    open: !this.state.is_final(),
});
