use std::fmt;
use std::ops::Deref;

use crate::{FromIncoming, Incoming, Protocol, Rejection};

/// The sender's handle, in code that is generic over the protocol.
///
/// A protocol's own peer type is usually an extractor itself.
pub struct PeerOf<P: Protocol>(pub P::Peer);

impl<P: Protocol> Clone for PeerOf<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Protocol> fmt::Debug for PeerOf<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerOf({})", self.0)
    }
}

impl<P: Protocol> Deref for PeerOf<P> {
    type Target = P::Peer;

    fn deref(&self) -> &P::Peer {
        &self.0
    }
}

impl<P: Protocol, S: Sync> FromIncoming<P, S> for PeerOf<P> {
    async fn from_incoming(incoming: &Incoming<P>, _state: &S) -> Result<Self, Rejection<P>> {
        Ok(Self(incoming.head.peer().clone()))
    }
}
