use std::fmt;

use crate::{BoxError, Fault, Head, Protocol, Reply};

/// How a message is answered whose extractor did not succeed.
#[non_exhaustive]
pub enum Rejection<P: Protocol> {
    /// With the protocol's answer to a fault.
    Fault(Fault<P>),
    /// With an answer of the extractor's own, such as a refusal for want of permission.
    Answer(P::Answer),
}

impl<P: Protocol> Rejection<P> {
    /// A rejection with an answer of its own.
    pub fn answer(answer: impl Into<P::Answer>) -> Self {
        Self::Answer(answer.into())
    }

    /// A rejection because something of ours failed, such as a database. Answered as [`Fault::Failed`].
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Fault(Fault::Failed(error.into()))
    }

    /// The reply that the peer gets.
    pub fn into_reply(self, head: &Head<P>) -> Reply<P> {
        match self {
            Self::Fault(fault) => Reply::fault(head, fault),
            Self::Answer(answer) => Reply::new(answer),
        }
    }
}

impl<P: Protocol> From<Fault<P>> for Rejection<P> {
    fn from(fault: Fault<P>) -> Self {
        Self::Fault(fault)
    }
}

impl<P: Protocol> fmt::Debug for Rejection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => f.debug_tuple("Fault").field(fault).finish(),
            Self::Answer(answer) => f.debug_tuple("Answer").field(&P::outcome(answer)).finish(),
        }
    }
}
