//! What was agreed with whom.

use std::fmt;
use std::sync::Arc;

use crate::Participant;
use crate::rules;

/// Where the [terms](rules::Terms) are that were agreed with a participant.
pub trait Terms: fmt::Debug + Send + Sync + 'static {
    /// The terms with this participant, now. They are asked for with every message.
    fn with(&self, counterparty: &Participant) -> Arc<rules::Terms>;
}

/// The same terms with everybody.
impl Terms for Arc<rules::Terms> {
    fn with(&self, _: &Participant) -> Arc<rules::Terms> {
        Self::clone(self)
    }
}
