use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tieline_types::{Busy, Clock};
use tower_layer::Layer;
use tower_service::Service;

use crate::{After, Incoming, Protocol, Reply};

/// Holds a virtual clock still while a message is handled, and while the work in its reply's [`After`] waits and is done.
///
/// The clock is held from before the handler starts, so that whoever sent the message, and works until it has the answer, hands
/// over without a gap. With a clock that goes on in any case the layer does nothing.
#[derive(Clone, Debug)]
pub struct HoldTime {
    clock: Arc<dyn Clock>,
}

impl HoldTime {
    /// The layer that holds this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl<Inner> Layer<Inner> for HoldTime {
    type Service = HoldTimeService<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        HoldTimeService { clock: Arc::clone(&self.clock), inner }
    }
}

/// The service of the layer [`HoldTime`].
#[derive(Clone, Debug)]
pub struct HoldTimeService<Inner> {
    clock: Arc<dyn Clock>,
    inner: Inner,
}

impl<P, Inner> Service<Incoming<P>> for HoldTimeService<Inner>
where
    P: Protocol,
    Inner: Service<Incoming<P>, Response = Reply<P>>,
{
    type Response = Reply<P>;
    type Error = Inner::Error;
    type Future = HoldTimeFuture<Inner::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming<P>) -> Self::Future {
        let busy = Some(self.clock.busy());
        HoldTimeFuture { inner: self.inner.call(incoming), busy }
    }
}

pin_project! {
    /// The future of the layer [`HoldTime`].
    pub struct HoldTimeFuture<F> {
        #[pin]
        inner: F,
        // Until it has completed.
        busy: Option<Busy>,
    }
}

impl<P, F, E> Future for HoldTimeFuture<F>
where
    P: Protocol,
    F: Future<Output = Result<Reply<P>, E>>,
{
    type Output = Result<Reply<P>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut done = std::task::ready!(this.inner.poll(cx));
        if let (Ok(reply), Some(busy)) = (&mut done, this.busy.take()) {
            reply.after = held(reply.take_after(), &busy);
        }
        Poll::Ready(done)
    }
}

/// The same work, each piece with a guard until it is done or dropped.
fn held(after: After, busy: &Busy) -> After {
    let mut held = After::none();
    for work in after {
        let busy = busy.clone();
        held.push(async move {
            let _busy = busy;
            work.await;
        });
    }
    held
}
