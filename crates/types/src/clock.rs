use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};

/// The wait that a [`Clock`] hands out.
pub type WaitUntil<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The wall clock, as a port.
///
/// Code that must know the time asks the clock it was given. In a node that is the system's clock
/// (`tieline_edge::SystemClock`); in a test it is a [`ManualClock`], and a day passes in milliseconds.
///
/// This is wall-clock time: it may be set back or forward while the process runs.
/// Time-outs of sockets are none of its business; those stay in real time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Completes once this clock shows `at` or later; at once if it already does.
    ///
    /// Dropping the future ends the wait.
    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_>;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_> {
        (**self).wait_until(at)
    }
}

/// A clock that stands still until it is told to move. Clones show the same time.
///
/// ```
/// use tieline_types::{Clock, ManualClock};
///
/// let clock = ManualClock::new("2026-03-29T00:00:00Z".parse()?);
/// clock.advance(jiff::SignedDuration::from_mins(15));
/// assert_eq!(clock.now(), "2026-03-29T00:15:00Z".parse()?);
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    waiters: Vec<Waiter>,
    next_waiter: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    at: Timestamp,
    waker: Waker,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { state: Arc::new(Mutex::new(State { now, waiters: Vec::new(), next_waiter: 0 })) }
    }

    /// Sets the clock, forward or back, and wakes every wait whose instant has come.
    pub fn set(&self, now: Timestamp) {
        let due = self.lock().move_to(now);
        wake(due);
    }

    /// Moves the clock forward by `by`, or back when `by` is negative, and wakes every wait whose instant has come.
    ///
    /// The clock stops at the ends of what [`Timestamp`] can hold.
    pub fn advance(&self, by: SignedDuration) {
        let due = {
            let mut state = self.lock();
            let now = state.now;
            let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
            state.move_to(now.checked_add(by).unwrap_or(end))
        };
        wake(due);
    }

    /// The earliest instant somebody waits for: where a simulation would move next.
    pub fn next_wait(&self) -> Option<Timestamp> {
        self.lock().waiters.iter().map(|waiter| waiter.at).min()
    }

    /// How many waits are pending.
    pub fn waits(&self) -> usize {
        self.lock().waiters.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete in itself, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_> {
        Box::pin(Wait { clock: self, at, id: None })
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("ManualClock").field("now", &state.now).field("waits", &state.waiters.len()).finish()
    }
}

impl State {
    /// Takes out the wakers to call, which happens after the lock is released.
    fn move_to(&mut self, now: Timestamp) -> Vec<Waker> {
        self.now = now;
        let (due, pending) =
            std::mem::take(&mut self.waiters).into_iter().partition(|waiter| waiter.at <= now);
        self.waiters = pending;
        let due: Vec<Waiter> = due;
        due.into_iter().map(|waiter| waiter.waker).collect()
    }
}

fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

struct Wait<'a> {
    clock: &'a ManualClock,
    at: Timestamp,
    id: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.clock.lock();
        if state.now >= this.at {
            return Poll::Ready(());
        }
        let id = *this.id.get_or_insert_with(|| {
            state.next_waiter += 1;
            state.next_waiter
        });
        if let Some(waiter) = state.waiters.iter_mut().find(|waiter| waiter.id == id) {
            waiter.waker.clone_from(cx.waker());
        } else {
            state.waiters.push(Waiter { id, at: this.at, waker: cx.waker().clone() });
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.lock().waiters.retain(|waiter| waiter.id != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_wait_ends_when_its_instant_comes_and_not_before() {
        let clock = ManualClock::new(at(100));
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let mut wait = clock.wait_until(at(160));

        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert_eq!((clock.waits(), clock.next_wait()), (1, Some(at(160))));

        clock.set(at(159));
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        clock.clone().advance(SignedDuration::from_secs(1));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(wait.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn a_woken_wait_goes_on_if_the_clock_is_set_back_before_it_looks() {
        let clock = ManualClock::new(at(0));
        let mut cx = Context::from_waker(Waker::noop());
        let mut wait = clock.wait_until(at(10));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        clock.set(at(10));
        clock.set(at(5));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert_eq!(clock.waits(), 1);
    }

    #[test]
    fn a_dropped_wait_leaves_nothing_behind() {
        let clock = ManualClock::new(at(0));
        let mut cx = Context::from_waker(Waker::noop());
        let mut wait = clock.wait_until(at(10));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        drop(wait);
        assert_eq!(clock.waits(), 0);
    }

    #[test]
    fn an_instant_that_has_passed_needs_no_wait() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(at(10)));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(clock.wait_until(at(10)).as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn the_clock_stops_at_the_end_of_time() {
        let clock = ManualClock::new(at(0));
        clock.advance(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
        clock.advance(SignedDuration::MIN);
        assert_eq!(clock.now(), Timestamp::MIN);
    }
}
