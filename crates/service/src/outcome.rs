use std::borrow::Cow;

/// What an answer tells its receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The message was accepted.
    Accepted,
    /// The message was refused, or could not be handled.
    Refused {
        /// The protocol's code: an OCPP error code, an HTTP status, a rejection reason.
        code: Cow<'a, str>,
        /// The text that goes with the code.
        cause: Cow<'a, str>,
    },
}

impl<'a> Outcome<'a> {
    /// A refusal.
    pub fn refused(code: impl Into<Cow<'a, str>>, cause: impl Into<Cow<'a, str>>) -> Self {
        Self::Refused { code: code.into(), cause: cause.into() }
    }

    /// Whether the message was accepted.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }
}
