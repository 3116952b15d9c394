use crate::{Fault, FromIncoming, Incoming, Protocol, Rejection};

/// `None` if there is nothing to extract ([`Fault::Missing`]). What is there but wrong is still rejected.
impl<P, S, T> FromIncoming<P, S> for Option<T>
where
    P: Protocol,
    S: Sync,
    T: FromIncoming<P, S>,
{
    async fn from_incoming(incoming: &Incoming<P>, state: &S) -> Result<Self, Rejection<P>> {
        match T::from_incoming(incoming, state).await {
            Ok(value) => Ok(Some(value)),
            Err(Rejection::Fault(Fault::Missing { .. })) => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }
}

/// The rejection, if there is one, is left to the handler.
impl<P, S, T> FromIncoming<P, S> for Result<T, Rejection<P>>
where
    P: Protocol,
    S: Sync,
    T: FromIncoming<P, S>,
{
    async fn from_incoming(incoming: &Incoming<P>, state: &S) -> Result<Self, Rejection<P>> {
        Ok(T::from_incoming(incoming, state).await)
    }
}
