//! Routes: services whose type is erased.

mod into_route;
mod layered;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

pub use self::into_route::{HandlerRoute, IntoRoute, OnRoute, handler, of};
pub use self::layered::{Layered, timeout};
use crate::guard::Guarded;
use crate::{BoxError, Fault, Incoming, Protocol, Reply};

/// A service of which only the protocol is known. Clones share it.
///
/// A route never fails: a panic inside it, and an error of a layer, have become answers.
pub struct Route<P: Protocol>(Arc<dyn Serve<P>>);

/// A service that takes itself by reference count, so that a call needs no clone of it.
pub(crate) trait Serve<P: Protocol>: Send + Sync + 'static {
    fn serve(self: Arc<Self>, incoming: Incoming<P>) -> ReplyFuture<P>;
}

impl<P: Protocol> Route<P> {
    /// The route to a service. For each message a clone of the service is made ready and called once.
    pub fn new<Svc>(service: Svc) -> Self
    where
        Svc: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
        Svc::Error: Into<BoxError>,
        Svc::Future: Send + 'static,
    {
        Self::erase(OfService(service))
    }

    /// The route that answers [`Fault::UnknownAction`].
    pub(crate) fn unknown_action() -> Self {
        Self::erase(UnknownAction)
    }

    pub(crate) fn erase(serve: impl Serve<P>) -> Self {
        Self(Arc::new(serve))
    }

    /// Wraps the route in a layer.
    pub fn layer<L>(self, layer: &L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming<P>>>::Error: Into<BoxError>,
        <L::Service as Service<Incoming<P>>>::Future: Send + 'static,
    {
        Self::new(layer.layer(self))
    }

    /// Serves one message.
    pub fn serve(&self, incoming: Incoming<P>) -> ReplyFuture<P> {
        Arc::clone(&self.0).serve(incoming)
    }
}

impl<P: Protocol> Clone for Route<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Protocol> fmt::Debug for Route<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").finish_non_exhaustive()
    }
}

impl<P: Protocol> Service<Incoming<P>> for Route<P> {
    type Response = Reply<P>;
    type Error = Infallible;
    type Future = ReplyFuture<P>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, incoming: Incoming<P>) -> ReplyFuture<P> {
        self.serve(incoming)
    }
}

/// The future of a [`Route`] or a [`Routes`](crate::Routes).
#[must_use = "futures do nothing unless polled"]
pub struct ReplyFuture<P: Protocol>(BoxFuture<'static, Reply<P>>);

impl<P: Protocol> ReplyFuture<P> {
    pub(crate) fn new(future: impl Future<Output = Reply<P>> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// The reply without the error that cannot happen.
    pub async fn reply(self) -> Reply<P> {
        self.0.await
    }
}

impl<P: Protocol> Future for ReplyFuture<P> {
    type Output = Result<Reply<P>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl<P: Protocol> fmt::Debug for ReplyFuture<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyFuture").finish_non_exhaustive()
    }
}

struct OfService<Svc>(Svc);

impl<P, Svc> Serve<P> for OfService<Svc>
where
    P: Protocol,
    Svc: Service<Incoming<P>, Response = Reply<P>> + Clone + Send + Sync + 'static,
    Svc::Error: Into<BoxError>,
    Svc::Future: Send + 'static,
{
    fn serve(self: Arc<Self>, incoming: Incoming<P>) -> ReplyFuture<P> {
        let head = incoming.head.without_extensions();
        ReplyFuture::new(Guarded::new(head.clone(), async move {
            match self.0.clone().oneshot(incoming).await {
                Ok(reply) => reply,
                Err(error) => Reply::fault(&head, Fault::from_layer(error.into())),
            }
        }))
    }
}

struct UnknownAction;

impl<P: Protocol> Serve<P> for UnknownAction {
    fn serve(self: Arc<Self>, incoming: Incoming<P>) -> ReplyFuture<P> {
        ReplyFuture::new(Guarded::new(incoming.head.without_extensions(), async move {
            Reply::fault(&incoming.head, Fault::UnknownAction)
        }))
    }
}
