use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Busy, Clock, WaitUntil};

/// A clock that stands still until it is told to move. Clones show the same time.
///
/// It counts the work that its users say is under way ([`Clock::busy`]), so that whoever moves it knows when nothing is left to do.
/// It moves when it is told to, whether work is under way or not.
///
/// ```
/// use tieline_types::{Clock, ManualClock};
///
/// let clock = ManualClock::new("2026-03-29T00:00:00Z".parse()?);
/// clock.advance(jiff::SignedDuration::from_mins(15));
/// assert_eq!(clock.now(), "2026-03-29T00:15:00Z".parse()?);
///
/// let busy = clock.busy();
/// assert!(!clock.is_idle());
/// drop(busy);
/// assert!(clock.is_idle());
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

/// A moment at which nothing was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stillness {
    /// What the clock showed.
    pub now: Timestamp,
    /// Grows with every guard, every change of what is waited for, and every move of the clock. Between two stillnesses with
    /// the same count nothing has happened.
    pub activity: u64,
    /// The earliest instant that somebody waits for; later than `now`.
    pub next_wait: Option<Timestamp>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Waits for instants up to this one end: `now`, unless that is only shown.
    ends: Timestamp,
    /// Everything that waits, the earliest first. Those whose instant has come are work under way: they have not looked yet.
    waiters: BTreeMap<(Timestamp, u64), Option<Waker>>,
    next_waiter: u64,
    /// Guards that live.
    busy: usize,
    activity: u64,
    /// Those who wait for stillness.
    watchers: Vec<Waker>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                now,
                ends: now,
                waiters: BTreeMap::new(),
                next_waiter: 0,
                busy: 0,
                activity: 0,
                watchers: Vec::new(),
            })),
        }
    }

    /// Sets the clock, forward or back, and wakes every wait whose instant has come.
    pub fn set(&self, now: Timestamp) {
        let due = self.lock().move_to(now);
        wake(due);
    }

    /// Shows `now`, and ends no wait by that: if there are some to be ended, [`set`](Self::set) does so later, and until then something is
    /// about to begin, so the clock is not idle. So several clocks can come to show an instant before anything begins at it.
    pub fn show(&self, now: Timestamp) {
        let watchers = {
            let mut state = self.lock();
            state.now = now;
            state.activity += 1;
            if state.next_wait().is_none_or(|at| at > now) {
                state.ends = now;
            }
            state.watchers_of_stillness()
        };
        wake(watchers);
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
        self.lock().next_wait()
    }

    /// How many waits are pending, or have come and were not looked at.
    pub fn waits(&self) -> usize {
        self.lock().waiters.len()
    }

    /// Whether nothing is under way: no guard lives, and nobody waits for an instant that has come.
    pub fn is_idle(&self) -> bool {
        self.stillness().is_some()
    }

    /// What is so while nothing is under way; `None` while something is.
    pub fn stillness(&self) -> Option<Stillness> {
        self.lock().stillness()
    }

    /// Completes as soon as nothing is under way; not for the stillness whose activity is `known`, which is known already.
    pub fn still(&self, known: Option<u64>) -> Still<'_> {
        Still { clock: self, known }
    }

    /// Ends a guard.
    pub(super) fn release(&self) {
        let watchers = {
            let mut state = self.lock();
            state.busy = state.busy.saturating_sub(1);
            state.watchers_of_stillness()
        };
        wake(watchers);
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
        let mut state = self.lock();
        state.activity += 1;
        state.next_waiter += 1;
        let key = (at, state.next_waiter);
        state.waiters.insert(key, None);
        drop(state);
        Box::pin(Wait { clock: self, key, ended: false })
    }

    fn busy(&self) -> Busy {
        let mut state = self.lock();
        state.busy += 1;
        state.activity += 1;
        drop(state);
        Busy::counted(self.clone())
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("ManualClock")
            .field("now", &state.now)
            .field("waits", &state.waiters.len())
            .field("busy", &state.busy)
            .finish()
    }
}

impl State {
    /// Takes out the wakers to call, which happens after the lock is released.
    fn move_to(&mut self, now: Timestamp) -> Vec<Waker> {
        self.now = now;
        self.ends = now;
        self.activity += 1;
        let due = self.waiters.range_mut(..=(now, u64::MAX));
        let mut wakers: Vec<Waker> = due.filter_map(|(_, waker)| waker.take()).collect();
        wakers.append(&mut self.watchers_of_stillness());
        wakers
    }

    fn next_wait(&self) -> Option<Timestamp> {
        self.waiters.first_key_value().map(|((at, _), _)| *at)
    }

    fn stillness(&self) -> Option<Stillness> {
        let next_wait = self.next_wait();
        let still = self.busy == 0 && self.ends == self.now && next_wait.is_none_or(|at| at > self.now);
        still.then_some(Stillness { now: self.now, activity: self.activity, next_wait })
    }

    /// Whom to wake, if nothing is under way.
    fn watchers_of_stillness(&mut self) -> Vec<Waker> {
        if self.stillness().is_some() { std::mem::take(&mut self.watchers) } else { Vec::new() }
    }
}

fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

struct Wait<'a> {
    clock: &'a ManualClock,
    key: (Timestamp, u64),
    ended: bool,
}

impl Future for Wait<'_> {
    type Output = Busy;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Busy> {
        let this = &mut *self;
        let mut state = this.clock.lock();
        if state.ends < this.key.0 {
            // Whoever polls again after the end waits for nothing.
            if let Some(waker) = state.waiters.get_mut(&this.key) {
                *waker = Some(cx.waker().clone());
            }
            return Poll::Pending;
        }
        // In one step, so that at no moment nothing is under way.
        state.waiters.remove(&this.key);
        state.busy += 1;
        state.activity += 1;
        this.ended = true;
        Poll::Ready(Busy::counted(this.clock.clone()))
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let watchers = {
            let mut state = self.clock.lock();
            state.waiters.remove(&self.key);
            state.activity += 1;
            state.watchers_of_stillness()
        };
        wake(watchers);
    }
}

/// The future of [`ManualClock::still`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Still<'a> {
    clock: &'a ManualClock,
    known: Option<u64>,
}

impl Future for Still<'_> {
    type Output = Stillness;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stillness> {
        let mut state = self.clock.lock();
        match state.stillness() {
            Some(stillness) if self.known != Some(stillness.activity) => Poll::Ready(stillness),
            _ => {
                if !state.watchers.iter().any(|known| known.will_wake(cx.waker())) {
                    state.watchers.push(cx.waker().clone());
                }
                Poll::Pending
            }
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

    #[test]
    fn a_wait_counts_from_the_call_on_and_its_end_is_work() {
        let clock = ManualClock::new(at(0));
        let mut cx = Context::from_waker(Waker::noop());
        let mut wait = clock.wait_until(at(10));
        assert_eq!(clock.next_wait(), Some(at(10)));
        assert!(clock.is_idle());
        clock.set(at(10));
        assert!(!clock.is_idle(), "whoever waited has not looked yet");
        let Poll::Ready(busy) = wait.as_mut().poll(&mut cx) else { panic!("the instant has come") };
        assert!(!clock.is_idle(), "whoever waited works");
        drop(wait);
        assert!(!clock.is_idle());
        drop(busy);
        assert_eq!(clock.stillness().map(|still| (still.now, still.next_wait)), Some((at(10), None)));
    }

    #[test]
    fn a_wait_that_is_dropped_when_its_instant_has_come_holds_nothing_up() {
        let clock = ManualClock::new(at(0));
        let wait = clock.wait_until(at(10));
        clock.set(at(20));
        assert!(!clock.is_idle());
        drop(wait);
        assert!(clock.is_idle());
    }

    #[test]
    fn an_instant_that_is_only_shown_ends_no_wait() {
        let clock = ManualClock::new(at(0));
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let mut wait = clock.wait_until(at(10));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        clock.show(at(10));
        assert_eq!(clock.now(), at(10));
        assert!(!clock.is_idle(), "somebody is about to begin");
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        clock.set(at(10));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(wait.as_mut().poll(&mut cx).is_ready());

        clock.show(at(15));
        assert!(clock.is_idle(), "nobody waits for it");
        assert!(clock.wait_until(at(15)).as_mut().poll(&mut cx).is_ready());
        let wait = clock.wait_until(at(20));
        clock.show(at(20));
        drop(wait);
        assert!(!clock.is_idle(), "it was to begin, and whoever made it so says when it does");
        clock.set(at(20));
        assert!(clock.is_idle());
    }

    #[test]
    fn work_ends_with_its_last_guard() {
        let clock = ManualClock::new(at(0));
        let busy = clock.busy();
        let second = busy.clone();
        drop(busy);
        assert!(!clock.is_idle());
        drop(second);
        assert!(clock.is_idle());
    }

    #[test]
    fn nothing_happens_between_two_stillnesses_of_one_activity() {
        let clock = ManualClock::new(at(0));
        let activity = || clock.stillness().unwrap().activity;
        let first = activity();
        assert_eq!(activity(), first);
        drop(clock.busy());
        let second = activity();
        assert_ne!(second, first);
        let wait = clock.wait_until(at(5));
        let third = activity();
        assert_ne!(third, second);
        drop(wait);
        assert_ne!(activity(), third);
    }

    #[test]
    fn stillness_wakes_its_watcher_and_is_told_once() {
        let clock = ManualClock::new(at(0));
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let Poll::Ready(first) = Pin::new(&mut clock.still(None)).poll(&mut cx) else {
            panic!("it is still")
        };
        let mut again = clock.still(Some(first.activity));
        assert!(Pin::new(&mut again).poll(&mut cx).is_pending());

        let busy = clock.busy();
        assert!(Pin::new(&mut again).poll(&mut cx).is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        drop(busy);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(Pin::new(&mut again).poll(&mut cx).is_ready());
    }

    #[test]
    fn the_clock_is_as_fast_with_thousands_of_waits() {
        let clock = ManualClock::new(at(0));
        let mut cx = Context::from_waker(Waker::noop());
        let mut waits: Vec<_> = (0..5_000).map(|number| clock.wait_until(at(1_000 + number))).collect();
        for _ in 0..10 {
            assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut cx).is_pending()));
        }
        clock.set(at(1_000 + 2_499));
        let ended = waits.iter_mut().filter_map(|wait| match wait.as_mut().poll(&mut cx) {
            Poll::Ready(busy) => Some(busy),
            Poll::Pending => None,
        });
        assert_eq!(ended.count(), 2_500);
        assert_eq!((clock.waits(), clock.next_wait()), (2_500, Some(at(3_500))));
    }
}
