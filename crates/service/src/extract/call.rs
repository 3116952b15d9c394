use std::ops::{Deref, DerefMut};

use crate::{Carries, Fault, FromIncoming, Incoming, Rejection};

/// The message of an action, decoded.
///
/// The first argument of a handler that [`Router::on`](crate::Router::on) registers: the router learns from it which
/// action the handler serves. A body that cannot be decoded never reaches the handler; it is answered as
/// [`Fault::Undecodable`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call<A>(pub A);

impl<A> Deref for Call<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

impl<A> DerefMut for Call<A> {
    fn deref_mut(&mut self) -> &mut A {
        &mut self.0
    }
}

impl<P, S, A> FromIncoming<P, S> for Call<A>
where
    P: Carries<A>,
    S: Sync,
    A: Send,
{
    async fn from_incoming(incoming: &Incoming<P>, _state: &S) -> Result<Self, Rejection<P>> {
        match P::decode(&incoming.message) {
            Ok(message) => Ok(Self(message)),
            Err(error) => Err(Fault::Undecodable(error).into()),
        }
    }
}
