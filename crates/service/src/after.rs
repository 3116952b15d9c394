use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use smallvec::SmallVec;

use crate::guard::panic_message;
use crate::log::Clipped;
use crate::{Head, Protocol};

/// Work to do once the answer has left.
///
/// A handler returns it beside its response, or a layer adds it to the [`Reply`](crate::Reply). It is data: it passes
/// through every layer, and the transport runs it after the answer has been written and flushed. So an `After` may
/// call the peer, and the peer will have seen the answer first. No time limit of the request bounds it.
///
/// If the answer cannot be sent, the work is dropped without having run. It is kept in memory only: work that must
/// survive a restart does not belong here.
///
/// ```
/// use tieline_service::echo::{Repeat, Repeated};
/// use tieline_service::{After, Call};
///
/// async fn on_repeat(Call(repeat): Call<Repeat>) -> (Repeated, After) {
///     let repeated = Repeated(vec![repeat.text; repeat.times]);
///     (repeated, After::new(async { println!("the answer has been sent") }))
/// }
/// ```
#[derive(Default)]
#[must_use = "the work runs only if it is returned or added to a reply"]
pub struct After(SmallVec<[BoxFuture<'static, ()>; 1]>);

impl After {
    /// No work.
    pub fn none() -> Self {
        Self::default()
    }

    /// The work of one future. Nothing of it happens before the answer has left, as long as the future is lazy: write
    /// an `async` block.
    pub fn new(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::none().and(work)
    }

    /// Work for an answer that was sent, and something else if it never is: `dropped` is called when the work is
    /// dropped before it has begun. For what must happen only if the peer got the answer, and be undone if not.
    pub fn sent_or_dropped(
        sent: impl Future<Output = ()> + Send + 'static,
        dropped: impl FnOnce() + Send + 'static,
    ) -> Self {
        let mut undo = Undo(Some(dropped));
        Self::new(async move {
            undo.disarm();
            sent.await;
        })
    }

    /// Adds work.
    pub fn and(mut self, work: impl Future<Output = ()> + Send + 'static) -> Self {
        self.push(work);
        self
    }

    /// Adds work.
    pub fn push(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.push(Box::pin(work));
    }

    /// Adds the work of another `After`.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many pieces of work there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no work.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does the work, piece by piece in the order in which it was added. A piece that panics is logged with the message
    /// it came from, and does not keep the others from running. For transports; call it after the answer has left.
    pub async fn run<P: Protocol>(self, head: &Head<P>) {
        for work in self {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                tracing::error!(
                    protocol = P::NAME,
                    peer = %Clipped(head.peer()),
                    action = %Clipped(head.action()),
                    message_id = %Clipped(head.message_id()),
                    cause = %Clipped(panic_message(&*panic)),
                    "work after an answer panicked"
                );
            }
        }
    }
}

impl IntoIterator for After {
    type Item = BoxFuture<'static, ()>;
    type IntoIter = smallvec::IntoIter<[BoxFuture<'static, ()>; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "After({})", self.len())
    }
}

/// Calls its function when it is dropped with it.
struct Undo<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Undo<F> {
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for Undo<F> {
    fn drop(&mut self) {
        if let Some(undo) = self.0.take() {
            undo();
        }
    }
}
