//! Handlers and the work after their answers, running beside the read loop.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use ocpp_kit::types::MessageId;
use tieline_service::{After, Fault, Head, Reply};

use crate::Ocpp;

/// A handler that has finished.
pub(super) struct Handled {
    pub(super) id: MessageId,
    pub(super) head: Head<Ocpp>,
    /// Whether the message was a SEND.
    pub(super) send: bool,
    pub(super) reply: Reply<Ocpp>,
}

/// The handlers of a session.
///
/// They run in the session's own task, so that a message needs no other task and no channel. A handler that waits, for
/// the peer's answer to a call of its own for example, leaves the task free to read.
#[derive(Default)]
pub(super) struct Handlers(FuturesUnordered<BoxFuture<'static, Handled>>);

impl Handlers {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Starts a handler, and returns what it did if it finished without waiting.
    pub(super) fn start(
        &mut self,
        id: MessageId,
        head: Head<Ocpp>,
        send: bool,
        replying: impl Future<Output = Reply<Ocpp>> + Send + 'static,
    ) -> Option<Handled> {
        let mut running: BoxFuture<'static, Handled> = Box::pin(async move {
            let reply = AssertUnwindSafe(replying).catch_unwind().await;
            // A router has caught the panics of its handlers; this is for services without one.
            let reply = reply.unwrap_or_else(|panic| Reply::fault(&head, panicked(&*panic)));
            Handled { id, head, send, reply }
        });
        match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(handled) => Some(handled),
            Poll::Pending => {
                // Polled again, with the task's waker, before the task sleeps.
                self.0.push(running);
                None
            }
        }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Handled> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        match self.0.poll_next_unpin(cx) {
            Poll::Ready(Some(handled)) => Poll::Ready(handled),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Waits for all handlers and forgets what they answer.
    pub(super) async fn finish(&mut self) {
        while self.0.next().await.is_some() {}
    }
}

/// Work that handlers asked for after their answers. Dropping it cancels the work.
#[derive(Default)]
pub(super) struct AfterWork(FuturesUnordered<BoxFuture<'static, ()>>);

impl AfterWork {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Starts work, in the order in which it was added to one reply. Its panics are logged and end it.
    pub(super) fn start(&mut self, after: After, head: Head<Ocpp>) {
        self.0.push(Box::pin(async move { after.run(&head).await }));
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        while !self.0.is_empty() && self.0.poll_next_unpin(cx).is_ready() {}
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Fault<Ocpp> {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Fault::Panicked { message: message.unwrap_or("no text").to_owned() }
}
