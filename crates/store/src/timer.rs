use jiff::Timestamp;

/// Something to be done at an instant. A timer is a row: it survives the process that set it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// What is to be done.
    pub kind: String,
    /// To what. There is one timer for each kind and subject.
    pub subject: String,
    /// When.
    pub due: Timestamp,
}

impl Timer {
    /// A timer.
    pub fn new(kind: impl Into<String>, subject: impl Into<String>, due: Timestamp) -> Self {
        Self { kind: kind.into(), subject: subject.into(), due }
    }
}
