use std::marker::PhantomData;
use std::sync::Arc;

use crate::guard::Guarded;
use crate::route::{ReplyFuture, Serve};
use crate::{Arguments, Handler, Incoming, IntoReply, Protocol};

/// A handler with its state. `A` is its action, or [`Named`](crate::Named).
pub(crate) struct Endpoint<F, S, Args, A, Via> {
    handler: F,
    state: S,
    types: Types<Args, A, Via>,
}

type Types<Args, A, Via> = PhantomData<fn() -> (Args, A, Via)>;

impl<F, S, Args, A, Via> Endpoint<F, S, Args, A, Via> {
    pub(crate) fn new(handler: F, state: S) -> Self {
        Self { handler, state, types: PhantomData }
    }
}

impl<P, F, S, Args, A, Via> Serve<P> for Endpoint<F, S, Args, A, Via>
where
    P: Protocol,
    F: Handler<Args, Future: Send, Output: IntoReply<P, A, Via>>,
    Args: Arguments<P, S> + Send + 'static,
    S: Send + Sync + 'static,
    A: 'static,
    Via: 'static,
{
    fn serve(self: Arc<Self>, incoming: Incoming<P>) -> ReplyFuture<P> {
        let head = incoming.head.without_extensions();
        ReplyFuture::new(Guarded::new(head, async move {
            let args = match Args::extract(&incoming, &self.state).await {
                Ok(args) => args,
                Err(rejection) => return rejection.into_reply(&incoming.head),
            };
            // The handler may run for long; the message is not needed any more.
            let Incoming { head, message } = incoming;
            drop(message);
            let handler = self.handler.clone();
            drop(self);
            handler.call(args).await.into_reply(&head)
        }))
    }
}
