//! Panics become faults.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::{Fault, Head, Protocol, Reply};

pin_project! {
    /// A service's future whose panic is answered.
    pub(crate) struct Guarded<P: Protocol, F> {
        head: Head<P>,
        #[pin]
        future: F,
    }
}

impl<P: Protocol, F> Guarded<P, F> {
    pub(crate) fn new(head: Head<P>, future: F) -> Self {
        Self { head, future }
    }
}

impl<P, F> Future for Guarded<P, F>
where
    P: Protocol,
    F: Future<Output = Reply<P>>,
{
    type Output = Reply<P>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply<P>> {
        let this = self.project();
        // A future that panicked is never polled again: this one is ready then.
        catch_unwind(AssertUnwindSafe(|| this.future.poll(cx))).unwrap_or_else(|panic| {
            let fault = Fault::Panicked { message: panic_message(&*panic).to_owned() };
            Poll::Ready(Reply::fault(this.head, fault))
        })
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    if let Some(message) = panic.downcast_ref::<&'static str>() {
        message
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message
    } else {
        "a panic without a message"
    }
}
