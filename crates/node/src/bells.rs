//! What wakes the node's loops.

use std::sync::Arc;

use tieline_edge::work::Bell;
use tieline_types::Clock;

/// The bells of all loops. Whoever commits a change set rings those whose tables it touched.
#[derive(Clone, Debug)]
pub(crate) struct Bells {
    /// The inbox has something to decide, the outbox something to deliver.
    pub(crate) uftp: tieline_uftp::service::Bells,
    /// A timer was set.
    pub(crate) timers: Bell,
    /// A set-point waits for its charger, or a charger came.
    pub(crate) set_points: Bell,
    /// An operator asks something of a charger, or a charger came.
    pub(crate) commands: Bell,
    /// Chargers were added or removed, or have other passwords.
    pub(crate) chargers: Bell,
    /// A charger is to be asked something, or may be by now.
    pub(crate) questions: Bell,
}

impl Bells {
    pub(crate) fn of(clock: &Arc<dyn Clock>) -> Self {
        Self {
            uftp: tieline_uftp::service::Bells::of(clock),
            timers: Bell::of(clock),
            set_points: Bell::of(clock),
            commands: Bell::of(clock),
            chargers: Bell::of(clock),
            questions: Bell::of(clock),
        }
    }

    /// Rings where something may have been changed from outside of this process.
    pub(crate) fn changed_from_outside(&self) {
        self.chargers.ring();
        self.commands.ring();
        self.uftp.outbox.ring();
    }
}
