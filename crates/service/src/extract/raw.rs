use std::ops::Deref;

use crate::{FromIncoming, Incoming, Protocol, Rejection};

/// A copy of the message as it was framed, for handlers that are registered by name.
pub struct Raw<P: Protocol>(pub P::Message);

impl<P: Protocol> Deref for Raw<P> {
    type Target = P::Message;

    fn deref(&self) -> &P::Message {
        &self.0
    }
}

impl<P, S> FromIncoming<P, S> for Raw<P>
where
    P: Protocol<Message: Clone>,
    S: Sync,
{
    async fn from_incoming(incoming: &Incoming<P>, _state: &S) -> Result<Self, Rejection<P>> {
        Ok(Self(incoming.message.clone()))
    }
}
