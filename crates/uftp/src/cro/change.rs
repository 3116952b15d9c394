//! What an accepted update changes.

use super::{RegisteredConnection, RegisteredPoint};

/// What an accepted update changes in a [`CommonReference`](super::CommonReference): the rows as they are from then on.
///
/// It follows on one state of the common reference, and applies to no other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an update that is accepted and not applied is forgotten"]
pub struct Change {
    pub(super) number: u64,
    pub(super) points: Vec<RegisteredPoint>,
    pub(super) connections: Vec<RegisteredConnection>,
}

impl Change {
    /// Which change it is: changes are counted from 1, and those that change nothing are not.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The congestion points that it changes.
    pub fn points(&self) -> &[RegisteredPoint] {
        &self.points
    }

    /// The connections that it changes.
    pub fn connections(&self) -> &[RegisteredConnection] {
        &self.connections
    }

    /// Whether everything was registered already.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.connections.is_empty()
    }
}

/// A change was decided on in another state of the common reference than the one that it is to be applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("change {change} does not follow on change {last}")]
pub struct OutOfTurn {
    /// The number of the change.
    pub change: u64,
    /// The number of the last change that was applied.
    pub last: u64,
}
