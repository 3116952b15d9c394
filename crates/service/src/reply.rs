use std::fmt;
use std::mem;

use http::Extensions;

use crate::log::log_fault;
use crate::{After, Fault, Head, Protocol};

/// What a service returns: the answer, and what the transport does once it has left.
pub struct Reply<P: Protocol> {
    /// What goes back to the peer.
    pub answer: P::Answer,
    /// Work for the time after the answer has left.
    pub after: After,
    /// What services attached for layers outside of them.
    pub extensions: Extensions,
}

impl<P: Protocol> Reply<P> {
    /// An answer, and nothing after it.
    pub fn new(answer: P::Answer) -> Self {
        Self { answer, after: After::none(), extensions: Extensions::new() }
    }

    /// The protocol's answer to a fault. Logs the fault with its cause: at `warn` if it is the peer's or a matter of
    /// load, at `error` if it is ours.
    pub fn fault(head: &Head<P>, fault: Fault<P>) -> Self {
        log_fault(head, &fault);
        Self::new(P::answer_fault(head, fault))
    }

    /// Adds work to be done after the answer has left.
    pub fn with_after(mut self, after: After) -> Self {
        self.after.append(after);
        self
    }

    /// Takes the work out, for the transport to run once the answer has been flushed.
    pub fn take_after(&mut self) -> After {
        mem::take(&mut self.after)
    }
}

impl<P: Protocol> fmt::Debug for Reply<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("outcome", &P::outcome(&self.answer))
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
