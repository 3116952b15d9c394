//! The node's loops: each does what is due, then sleeps until something rings or a time comes.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tieline_store::StoreError;
use tieline_types::{Busy, Clock, WaitUntil};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

/// How long a loop rests after the store refused it.
const REST: Duration = Duration::from_secs(1);

/// Wakes one loop. Ringing while it works makes it look again; ringing twice is ringing once.
///
/// From the ringing until the loop has taken the turn that it causes, virtual time stands still.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<Ringing>);

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
    pub(crate) fn of(clock: &Arc<dyn Clock>) -> Self {
        let (clock, sound, state) = (Arc::clone(clock), Notify::new(), Mutex::new(Rung::Unheard));
        Self(Arc::new(Ringing { clock, sound, state }))
    }

    pub(crate) fn ring(&self) {
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

/// The bells of all loops. Whoever commits a change set rings those whose tables it touched.
#[derive(Clone, Debug)]
pub(crate) struct Bells {
    /// The inbox has something to decide.
    pub(crate) inbox: Bell,
    /// The outbox has something to deliver.
    pub(crate) outbox: Bell,
    /// A timer was set.
    pub(crate) timers: Bell,
    /// A set-point waits for its charger, or a charger came.
    pub(crate) set_points: Bell,
}

impl Bells {
    pub(crate) fn of(clock: &Arc<dyn Clock>) -> Self {
        Self {
            inbox: Bell::of(clock),
            outbox: Bell::of(clock),
            timers: Bell::of(clock),
            set_points: Bell::of(clock),
        }
    }
}

/// What a turn of a loop leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There may be more to do at once.
    Again,
    /// Nothing is due before this instant; with `None`, nothing is waiting at all.
    Until(Option<Timestamp>),
}

/// What was begun by a turn and goes on beside the loop.
///
/// A turn asks what is under way *before* it reads its table. Whatever ended since then may still stand in what it read as
/// something to do; it is left for the next turn, which its end has rung for.
#[derive(Debug)]
pub(crate) struct UnderWay<K>(Arc<Mutex<BTreeSet<K>>>);

impl<K: Ord + Clone> UnderWay<K> {
    pub(crate) fn now(&self) -> BTreeSet<K> {
        self.keys().clone()
    }

    /// False if it has begun already.
    pub(crate) fn start(&self, key: K) -> bool {
        self.keys().insert(key)
    }

    pub(crate) fn end(&self, key: &K) {
        self.keys().remove(key);
    }

    fn keys(&self) -> MutexGuard<'_, BTreeSet<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for UnderWay<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for UnderWay<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Turns until `stop`; a store that fails is reported and tried again.
///
/// `busy` is held over the first turn. Virtual time stands still while the loop turns, and also while it rests from a failure.
pub(crate) async fn turn_until_stopped<F, Fut>(
    name: &'static str,
    clock: Arc<dyn Clock>,
    bell: Bell,
    stop: CancellationToken,
    mut busy: Busy,
    mut turn: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Turn, StoreError>>,
{
    bell.listen();
    while !stop.is_cancelled() {
        let wait = match turn().await {
            Ok(Turn::Again) => continue,
            Ok(Turn::Until(instant)) => instant.map(|instant| clock.wait_until(instant)),
            Err(failure) => {
                error!(work = name, cause = %failure, retry = failure.retry(), "the store refused; trying again");
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = stop.cancelled() => {}
                }
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
                Ok(left.await.unwrap())
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
}
