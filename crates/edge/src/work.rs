//! Loops over what is durable: each turn does what is due, then the loop sleeps until something rings or a time comes.
//!
//! A loop's table is in a store; a [`Bell`] says that it has changed, and [`Turn`] when the next entry is due. What takes
//! longer than a turn may goes on beside the loop, under [`UnderWay`]. All of it holds a virtual clock still while it works.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tieline_types::{Busy, Clock, WaitUntil};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

/// How long work rests after the store refused it, or after it panicked.
const REST: Duration = Duration::from_secs(1);

/// Wakes one loop. Ringing while it works makes it look again; ringing twice is ringing once.
///
/// From the ringing until the loop has taken the turn that it causes, virtual time stands still.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Ringing>);

#[derive(Debug)]
struct Ringing {
    clock: Arc<dyn Clock>,
    sound: Notify,
    state: Mutex<Rung>,
}

#[derive(Debug)]
enum Rung {
    /// No loop listens, not yet or no more: there is nothing to hold time for.
    Unheard,
    Silent,
    Ringing(Busy),
}

impl Bell {
    /// A bell for a loop that goes by this clock.
    pub fn of(clock: &Arc<dyn Clock>) -> Self {
        let (clock, sound, state) = (Arc::clone(clock), Notify::new(), Mutex::new(Rung::Unheard));
        Self(Arc::new(Ringing { clock, sound, state }))
    }

    /// Wakes the loop, or makes it turn once more.
    pub fn ring(&self) {
        let mut state = self.state();
        if matches!(*state, Rung::Silent) {
            *state = Rung::Ringing(self.0.clock.busy());
        }
        self.0.sound.notify_one();
    }

    /// Waits until it rings, and gives the guard of what it rings for. Cancel safe.
    async fn rung(&self) -> Busy {
        loop {
            self.0.sound.notified().await;
            // Otherwise its guard was taken with that of an earlier ringing, whose turn has seen what this one was for.
            if let Rung::Ringing(busy) = std::mem::replace(&mut *self.state(), Rung::Silent) {
                return busy;
            }
        }
    }

    /// Listens from now on. Whatever it was rung for before is seen by the turn that follows.
    fn listen(&self) {
        *self.state() = Rung::Silent;
    }

    fn stop_listening(&self) {
        *self.state() = Rung::Unheard;
    }

    fn state(&self) -> MutexGuard<'_, Rung> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a turn of a loop leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There may be more to do at once.
    Again,
    /// Nothing is due before this instant; with `None`, nothing is waiting at all.
    Until(Option<Timestamp>),
}

/// What was begun by the turns of one loop and goes on beside it. When a piece of it ends, the loop's bell rings.
///
/// A turn asks what is under way *before* it reads its table. Whatever ended since then may still stand in what it read as
/// something to do; it is left for the next turn, which its end has rung for.
#[derive(Debug)]
pub struct UnderWay<K> {
    name: &'static str,
    keys: Arc<Mutex<BTreeSet<K>>>,
    bell: Bell,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl<K: Ord + Clone + Send + 'static> UnderWay<K> {
    /// Nothing yet. `name` is for the log; `stop` ends the rests in between, and `tasks` counts what goes on.
    pub fn of(name: &'static str, bell: &Bell, stop: &CancellationToken, tasks: &TaskTracker) -> Self {
        Self { name, keys: Arc::default(), bell: bell.clone(), stop: stop.clone(), tasks: tasks.clone() }
    }

    /// The keys of what is under way.
    pub fn now(&self) -> BTreeSet<K> {
        keys(&self.keys).clone()
    }

    /// Begins `work` on `key`, unless it has begun already. Virtual time stands still until it has ended.
    ///
    /// Work that panics is reported, and its key rests before it can begin again.
    pub fn begin(&self, key: K, work: impl Future<Output = ()> + Send + 'static) {
        if !keys(&self.keys).insert(key.clone()) {
            return;
        }
        let busy = self.bell.0.clock.busy();
        let begun = Begun { key, keys: Arc::clone(&self.keys), bell: self.bell.clone() };
        let (name, stop) = (self.name, self.stop.clone());
        self.tasks.spawn(async move {
            if let Err(panic) = guarded(work).await {
                error!(work = name, cause = %panic, "what went on beside the loop panicked");
                rest(&stop).await;
            }
            drop(begun);
            drop(busy);
        });
    }

    /// Reports that a store has not taken what work came to, and rests: the work is done anew.
    pub async fn refused(&self, failure: &(impl fmt::Display + ?Sized)) {
        error!(work = self.name, cause = %failure, "the store refused; trying again");
        rest(&self.stop).await;
    }

    /// Notes what work came to, again and again until the store takes it or the node stops: what was done must not be
    /// done anew because of the store.
    pub async fn note<F, Fut, E>(&self, mut commit: F)
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        while let Err(failure) = commit().await {
            warn!(work = self.name, cause = %failure, "what was done could not be noted; trying again");
            rest(&self.stop).await;
            if self.stop.is_cancelled() {
                error!(
                    work = self.name,
                    "what was done is not noted, and is done again after the next start"
                );
                return;
            }
        }
    }
}

fn keys<K>(keys: &Mutex<BTreeSet<K>>) -> MutexGuard<'_, BTreeSet<K>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K> Clone for UnderWay<K> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            keys: Arc::clone(&self.keys),
            bell: self.bell.clone(),
            stop: self.stop.clone(),
            tasks: self.tasks.clone(),
        }
    }
}

/// A key that is under way, until this is dropped.
struct Begun<K: Ord> {
    key: K,
    keys: Arc<Mutex<BTreeSet<K>>>,
    bell: Bell,
}

impl<K: Ord> Drop for Begun<K> {
    fn drop(&mut self) {
        keys(&self.keys).remove(&self.key);
        self.bell.ring();
    }
}

/// What a panic said.
#[derive(Debug)]
pub struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a panic: {}", self.0)
    }
}

impl Panicked {
    fn of(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&'static str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self(text.unwrap_or("without a message").to_owned())
    }
}

/// Work whose panic is an error. What it had changed in memory is dropped with it, or is behind a lock that heeds no poison.
pub async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| Panicked::of(&*panic))
}

async fn rest(stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(REST) => {}
        () = stop.cancelled() => {}
    }
}

/// Turns until `stop`; a store that fails and a turn that panics are reported, and it goes on after a rest.
///
/// `busy` is held over the first turn. Virtual time stands still while the loop turns, and also while it rests from a failure.
pub async fn turn_until_stopped<F, Fut, E>(
    name: &'static str,
    clock: Arc<dyn Clock>,
    bell: Bell,
    stop: CancellationToken,
    mut busy: Busy,
    mut turn: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Turn, E>>,
    E: fmt::Display,
{
    bell.listen();
    while !stop.is_cancelled() {
        // Within the guard from the first: what makes the future may panic, too.
        let wait = match guarded(async { turn().await }).await {
            Ok(Ok(Turn::Again)) => continue,
            Ok(Ok(Turn::Until(instant))) => instant.map(|instant| clock.wait_until(instant)),
            Ok(Err(failure)) => {
                error!(work = name, cause = %failure, "the store refused; trying again");
                rest(&stop).await;
                continue;
            }
            Err(panic) => {
                error!(work = name, cause = %panic, "a turn panicked; trying again");
                rest(&stop).await;
                continue;
            }
        };
        drop(busy);
        busy = tokio::select! {
            busy = bell.rung() => busy,
            busy = end_of(wait) => busy,
            () = stop.cancelled() => break,
        };
    }
    bell.stop_listening();
}

async fn end_of(wait: Option<WaitUntil<'_>>) -> Busy {
    match wait {
        Some(wait) => wait.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tieline_types::ManualClock;
    use tokio::sync::mpsc;

    use super::*;

    fn clock() -> (ManualClock, Arc<dyn Clock>) {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        (clock.clone(), Arc::new(clock))
    }

    /// A loop whose turns are told to the test, which answers what they leave behind.
    fn turning(
        clock: &Arc<dyn Clock>,
        bell: &Bell,
        stop: &CancellationToken,
    ) -> (tokio::task::JoinHandle<()>, mpsc::Receiver<tokio::sync::oneshot::Sender<Turn>>) {
        let (turns, told) = mpsc::channel(1);
        let turn = move || {
            let turns = turns.clone();
            async move {
                let (leave, left) = tokio::sync::oneshot::channel();
                turns.send(leave).await.unwrap();
                Ok::<_, std::io::Error>(left.await.unwrap())
            }
        };
        let turning =
            turn_until_stopped("test", clock.clone(), bell.clone(), stop.clone(), clock.busy(), turn);
        (tokio::spawn(turning), told)
    }

    #[tokio::test]
    async fn time_stands_still_from_the_bell_to_the_end_of_the_turn() {
        let (manual, clock) = clock();
        let (bell, stop) = (Bell::of(&clock), CancellationToken::new());
        let (turning, mut turns) = turning(&clock, &bell, &stop);
        assert!(!manual.is_idle(), "the first turn is to come");
        let first = turns.recv().await.unwrap();
        assert!(!manual.is_idle());
        bell.ring();
        first.send(Turn::Until(None)).unwrap();
        let second = turns.recv().await.unwrap();
        assert!(!manual.is_idle(), "it was rung during the first turn");
        let soon = Timestamp::from_second(10).unwrap();
        second.send(Turn::Until(Some(soon))).unwrap();
        assert_eq!(manual.still(None).await.next_wait, Some(soon));

        bell.ring();
        assert!(!manual.is_idle());
        let third = turns.recv().await.unwrap();
        third.send(Turn::Until(Some(soon))).unwrap();
        assert_eq!(manual.still(None).await.next_wait, Some(soon));

        manual.set(soon);
        assert!(!manual.is_idle());
        let fourth = turns.recv().await.unwrap();
        assert!(!manual.is_idle());
        fourth.send(Turn::Again).unwrap();
        let fifth = turns.recv().await.unwrap();
        assert!(!manual.is_idle());
        fifth.send(Turn::Until(None)).unwrap();
        assert_eq!(manual.still(None).await.next_wait, None);

        stop.cancel();
        turning.await.unwrap();
        bell.ring();
        assert!(manual.is_idle(), "nobody hears the bell any more");
    }

    #[tokio::test]
    async fn a_bell_that_no_loop_has_heard_yet_holds_nothing() {
        let (manual, clock) = clock();
        let bell = Bell::of(&clock);
        bell.ring();
        assert!(manual.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_goes_on_after_a_turn_that_panicked() {
        let (manual, clock) = clock();
        let (bell, stop) = (Bell::of(&clock), CancellationToken::new());
        let turns = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&turns);
        let turn = move || {
            let turn = {
                let mut turns = counted.lock().unwrap();
                *turns += 1;
                *turns
            };
            assert_ne!(turn, 1, "before there is a future");
            async move {
                assert_ne!(turn, 2, "within the future");
                Ok::<_, std::io::Error>(Turn::Until(None))
            }
        };
        let looping =
            turn_until_stopped("test", clock.clone(), bell.clone(), stop.clone(), clock.busy(), turn);
        let looping = tokio::spawn(looping);
        let began = tokio::time::Instant::now();
        manual.still(None).await;
        assert_eq!(*turns.lock().unwrap(), 3);
        assert_eq!(began.elapsed(), 2 * REST, "it rests after each");
        stop.cancel();
        looping.await.unwrap();
    }

    fn under_way(clock: &Arc<dyn Clock>) -> (UnderWay<u8>, Bell, CancellationToken) {
        let (bell, stop) = (Bell::of(clock), CancellationToken::new());
        (UnderWay::of("test", &bell, &stop, &TaskTracker::new()), bell, stop)
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_panicked_can_begin_again_after_a_rest() {
        let (manual, clock) = clock();
        let (under_way, bell, _stop) = under_way(&clock);
        bell.listen();
        under_way.begin(1, async { panic!("the work is cursed") });
        under_way.begin(1, async { unreachable!("it has begun already") });
        tokio::time::sleep(REST / 2).await;
        assert_eq!(under_way.now(), BTreeSet::from([1]));
        assert!(!manual.is_idle());
        let _rung = bell.rung().await;
        assert!(under_way.now().is_empty());

        let (done, told) = tokio::sync::oneshot::channel();
        under_way.begin(1, async move { done.send(()).unwrap() });
        told.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_is_noted_once_the_store_takes_it_and_not_done_anew() {
        let (_, clock) = clock();
        let (under_way, bell, stop) = under_way(&clock);
        bell.listen();
        let (done, attempts) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let (counted, noting, noted) = (Arc::clone(&done), under_way.clone(), Arc::clone(&attempts));
        under_way.begin(1, async move {
            *counted.lock().unwrap() += 1;
            let commit = || async {
                let mut attempts = noted.lock().unwrap();
                *attempts += 1;
                if *attempts < 4 { Err("disk full") } else { Ok(()) }
            };
            noting.note(commit).await;
        });
        let began = tokio::time::Instant::now();
        let _rung = bell.rung().await;
        assert_eq!((*done.lock().unwrap(), *attempts.lock().unwrap()), (1, 4));
        assert_eq!(began.elapsed(), 3 * REST);

        // A node that stops does not wait for a store that never comes back.
        stop.cancel();
        under_way.note(|| async { Err("disk full") }).await;
    }
}
