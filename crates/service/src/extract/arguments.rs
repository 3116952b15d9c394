use std::future::Future;

use crate::{Call, Carries, FromIncoming, Incoming, Protocol, Rejection};

/// The arguments of a handler, as a tuple of extractors.
pub trait Arguments<P: Protocol, S>: Sized {
    /// Extracts all arguments, from first to last.
    fn extract(incoming: &Incoming<P>, state: &S) -> impl Future<Output = Result<Self, Rejection<P>>> + Send;
}

/// Arguments of which the first is [`Call<A>`], from which a router learns the action.
#[diagnostic::on_unimplemented(
    message = "the router cannot learn the action from the arguments `{Self}`",
    label = "the first argument must be `Call<A>`",
    note = "a handler without a typed message can be registered by name: `.route(\"Name\", handler)`"
)]
pub trait CallFirst<P: Protocol> {
    /// The message that the action carries.
    type Action: 'static;
}

impl<P: Protocol, S: Sync> Arguments<P, S> for () {
    async fn extract(_incoming: &Incoming<P>, _state: &S) -> Result<Self, Rejection<P>> {
        Ok(())
    }
}

macro_rules! arguments {
    ($first:ident $(, $other:ident)*) => {
        impl<P, S, $first, $($other,)*> Arguments<P, S> for ($first, $($other,)*)
        where
            P: Protocol,
            S: Sync,
            $first: FromIncoming<P, S> + Send,
            $($other: FromIncoming<P, S> + Send,)*
        {
            async fn extract(incoming: &Incoming<P>, state: &S) -> Result<Self, Rejection<P>> {
                Ok((
                    $first::from_incoming(incoming, state).await?,
                    $($other::from_incoming(incoming, state).await?,)*
                ))
            }
        }

        impl<P, A, $($other,)*> CallFirst<P> for (Call<A>, $($other,)*)
        where
            P: Carries<A>,
            A: 'static,
        {
            type Action = A;
        }
    };
}

crate::handler::for_each_arity!(arguments);
