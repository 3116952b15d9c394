mod busy;
mod manual;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

pub use busy::Busy;
pub use manual::{ManualClock, Still, Stillness};

/// The wait that a [`Clock`] hands out. Its end is the beginning of some work, so it gives the guard for it.
pub type WaitUntil<'a> = Pin<Box<dyn Future<Output = Busy> + Send + 'a>>;

/// The wall clock, as a port.
///
/// Code that must know the time asks the clock it was given. In a node that is the system's clock
/// (`tieline_edge::SystemClock`) or one that several processes share (`tieline_edge::virtual_clock::VirtualClock`); in a test
/// it is a [`ManualClock`], and a day passes in milliseconds.
///
/// This is wall-clock time: it may be set back or forward while the process runs.
/// Time-outs of sockets are none of its business; those stay in real time.
///
/// # Work under way
///
/// A virtual clock moves on by itself, to the next instant that somebody waits for, when nobody has anything left to do
/// at the present one. It can't see that; it is told, by guards: while a [`Busy`] of it lives, it stands still. Whoever works holds
/// one from the moment at which the work is caused (the wait ends, the message is received and not yet answered) until
/// everything is done that belongs to this instant, and the next wait has been asked for:
///
/// ```
/// # use tieline_types::{Busy, Clock};
/// # async fn heartbeat(clock: &dyn Clock, mut busy: Busy, every: jiff::SignedDuration) -> Result<(), jiff::Error> {
/// loop {
///     // … work …
///     let wait = clock.wait_until(clock.now().checked_add(every)?);
///     drop(busy);
///     busy = wait.await;
/// }
/// # }
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Completes once this clock shows `at` or later; at once if it already does.
    ///
    /// A virtual clock knows of the wait as soon as this function returns, whether the future was polled or not, and goes past `at`
    /// only after the future completed, or was dropped, and the guard that it gave was dropped, too.
    ///
    /// Dropping the future ends the wait.
    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_>;

    /// Says that work is under way until the guard is dropped. Free of cost where time goes on in any case, as this default.
    fn busy(&self) -> Busy {
        Busy::unheeded()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_> {
        (**self).wait_until(at)
    }

    fn busy(&self) -> Busy {
        (**self).busy()
    }
}
