use std::fmt;

use crate::{Head, Protocol};

/// A received message on its way through the services.
pub struct Incoming<P: Protocol> {
    /// What is known without reading the body.
    pub head: Head<P>,
    /// The message as the protocol framed it.
    pub message: P::Message,
}

impl<P: Protocol> Incoming<P> {
    /// A received message.
    pub fn new(head: Head<P>, message: P::Message) -> Self {
        Self { head, message }
    }
}

impl<P: Protocol<Message: Clone>> Clone for Incoming<P> {
    fn clone(&self) -> Self {
        Self { head: self.head.clone(), message: self.message.clone() }
    }
}

impl<P: Protocol> fmt::Debug for Incoming<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("head", &self.head).finish_non_exhaustive()
    }
}
