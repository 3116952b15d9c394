//! What is shown at the station, from one change to the next.

use super::DisplayMessage;
use crate::Version;
use crate::charge_point::ChargePoint;
use crate::charge_point::evse::{Evse, Transfer};
use crate::charge_point::state::State;
use crate::types::Decimal;

impl ChargePoint {
    /// Tells the hardware which messages it is to show, where these are others than before.
    pub(crate) fn show_messages(&self, state: &mut State) {
        let now = self.now();
        let State { version, messages, evses, shown, messages_due, .. } = state;
        messages.expire(now, |id| evse_of(evses, id).is_some());
        let shows = *version != Version::V1_6;
        let wanted = if shows {
            messages.shown(now, |message, wanted| is_in(evses, message, wanted))
        } else {
            // Nobody could take them away.
            Vec::new()
        };
        *messages_due = messages.next_due(now);
        if *shown != wanted {
            self.0.hardware.show(&wanted);
            *shown = wanted;
        }
    }

    /// Keeps a message. `None`: there is no display.
    pub(crate) fn set_message(
        &self,
        message: DisplayMessage,
    ) -> Option<Result<(), (&'static str, Option<&'static str>)>> {
        let display = self.0.hardware.display()?;
        let now = self.now();
        Some(self.change(|state| {
            let State { messages, evses, .. } = state;
            messages.set(message, &display, |id| evse_of(evses, id).is_some(), now)
        }))
    }

    /// The CSMS says what a transaction costs so far (I02). `false`: nobody here shows it.
    pub(crate) fn cost_updated(&self, transaction: &str, total: Decimal) -> bool {
        let evse = evse_of(&self.locked().evses, transaction).map(|evse| evse.id);
        let Some(evse) = evse else {
            tracing::warn!(protocol = "ocpp", transaction, "the cost of a transaction that is not running");
            return true;
        };
        self.0.hardware.cost_updated(evse, total)
    }
}

fn evse_of<'a>(evses: &'a [Evse], transaction: &str) -> Option<&'a Evse> {
    evses.iter().find(|evse| evse.kept.transaction.as_ref().is_some_and(|running| running.id == transaction))
}

/// Whether an EVSE that a message is about is in a state: that of its transaction, or of its display, or any.
fn is_in(evses: &[Evse], message: &DisplayMessage, wanted: &str) -> bool {
    let of_display = message.display.as_ref().and_then(|display| display.evse);
    let is_meant = |evse: &&Evse| {
        of_display.is_none_or(|id| id == evse.id.unsigned_abs())
            && message
                .transaction
                .as_ref()
                .is_none_or(|id| evse.kept.transaction.as_ref().is_some_and(|running| running.id == *id))
    };
    evses.iter().filter(is_meant).any(|evse| state_of(evse) == wanted)
}

/// A `MessageStateEnumType`.
fn state_of(evse: &Evse) -> &'static str {
    if evse.fault.is_some() {
        return "Faulted";
    }
    match (&evse.kept.transaction, evse.kept.transfer) {
        (Some(_), Transfer::Charging) => "Charging",
        (Some(_), _) => "Suspended",
        (None, _) if evse.kept.inoperative => "Unavailable",
        (None, _) => "Idle",
    }
}
