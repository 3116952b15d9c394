use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Fault, Head, Incoming, Protocol, Reply};

/// Limits the time in which a message is handled.
///
/// After that time the handler is dropped, and the peer gets the protocol's answer to [`Fault::TimedOut`]. The work in a
/// reply's [`After`](crate::After) is not bounded by it. Needs a tokio runtime with its time driver.
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    limit: Duration,
}

impl Timeout {
    /// The layer with this limit.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<Inner> Layer<Inner> for Timeout {
    type Service = TimeoutService<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        TimeoutService { limit: self.limit, inner }
    }
}

/// The service of the layer [`Timeout`].
#[derive(Clone, Copy, Debug)]
pub struct TimeoutService<Inner> {
    limit: Duration,
    inner: Inner,
}

impl<P, Inner> Service<Incoming<P>> for TimeoutService<Inner>
where
    P: Protocol,
    Inner: Service<Incoming<P>, Response = Reply<P>>,
{
    type Response = Reply<P>;
    type Error = Inner::Error;
    type Future = TimeoutFuture<P, Inner::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming<P>) -> Self::Future {
        let head = incoming.head.without_extensions();
        let inner = self.inner.call(incoming);
        TimeoutFuture { head, inner, limit: self.limit, sleep: None }
    }
}

pin_project! {
    /// The future of the layer [`Timeout`].
    pub struct TimeoutFuture<P: Protocol, F> {
        head: Head<P>,
        #[pin]
        inner: F,
        limit: Duration,
        // Made when the handler first waits: most never do.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<P, F, E> Future for TimeoutFuture<P, F>
where
    P: Protocol,
    F: Future<Output = Result<Reply<P>, E>>,
{
    type Output = Result<Reply<P>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(done) = this.inner.poll(cx) {
            return Poll::Ready(done);
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep(*this.limit)));
        }
        match this.sleep.as_pin_mut().map(|sleep| sleep.poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Ok(Reply::fault(this.head, Fault::TimedOut))),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}
