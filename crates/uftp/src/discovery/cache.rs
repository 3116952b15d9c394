//! What was found, as long as it holds.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tieline_types::Clock;
use tokio::sync::{Semaphore, watch};

use super::DiscoveryError;

/// How long what was looked up is kept, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// A participant is kept so long at least, whatever its records say. Default: 30 seconds.
    pub shortest: Duration,
    /// A participant is kept so long at the most, whatever its records say. Default: 24 hours, for which an old key stays
    /// published beside a new one.
    pub longest: Duration,
    /// That there is no such participant is kept so long at least. Default: 10 seconds.
    pub absent_shortest: Duration,
    /// That there is no such participant is kept so long at the most. Default: 15 minutes.
    pub absent_longest: Duration,
    /// How long after a failed look-up the same is not tried again. Default: 5 seconds.
    pub failed: Duration,
    /// A participant whose signature fits none of the kept keys is looked up again, if the last time is so long ago: this
    /// bounds what forged signatures can cause. Default: 1 minute.
    pub again_after: Duration,
    /// How many participants are kept, those that do not exist included. Default: 4096.
    pub entries: usize,
    /// How many look-ups may be under way; further ones fail at once. Default: 64.
    pub at_once: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            shortest: Duration::from_secs(30),
            longest: Duration::from_hours(24),
            absent_shortest: Duration::from_secs(10),
            absent_longest: Duration::from_mins(15),
            failed: Duration::from_secs(5),
            again_after: Duration::from_mins(1),
            entries: 4096,
            at_once: 64,
        }
    }
}

/// What a look-up found, and how long its source says that it holds.
#[derive(Clone, Debug)]
pub(super) struct Fresh<V> {
    /// `None` if there is no such participant.
    pub(super) value: Option<V>,
    pub(super) life: Duration,
}

/// Keeps what look-ups find. Look-ups of the same key at the same time are one. A clone shares what is kept.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    shared: Arc<Shared<K, V>>,
}

#[derive(Debug)]
struct Shared<K, V> {
    clock: Arc<dyn Clock>,
    config: CacheConfig,
    entries: Mutex<BTreeMap<K, Entry<V>>>,
    at_once: Arc<Semaphore>,
}

type Outcome<V> = Result<Option<V>, DiscoveryError>;

#[derive(Debug)]
struct Entry<V> {
    kept: Option<Kept<V>>,
    failed: Option<(Timestamp, DiscoveryError)>,
    under_way: Option<watch::Receiver<Option<Outcome<V>>>>,
}

impl<V> Default for Entry<V> {
    fn default() -> Self {
        Self { kept: None, failed: None, under_way: None }
    }
}

#[derive(Debug)]
struct Kept<V> {
    value: Option<V>,
    since: Timestamp,
    until: Timestamp,
}

impl<V> Entry<V> {
    fn holds(&self, now: Timestamp) -> Option<&Kept<V>> {
        self.kept.as_ref().filter(|kept| now < kept.until)
    }

    fn failure(&self, now: Timestamp) -> Option<&DiscoveryError> {
        self.failed.as_ref().filter(|(until, _)| now < *until).map(|(_, error)| error)
    }

    /// Which entry goes first when there is no room: one that says nothing any more, then an absence, then the one that is over next.
    fn worth(&self, now: Timestamp) -> (u8, Timestamp) {
        match self.holds(now) {
            _ if self.under_way.is_some() => (3, Timestamp::MAX),
            None => (0, Timestamp::MIN),
            Some(kept) if kept.value.is_none() => (1, kept.until),
            Some(kept) => (2, kept.until),
        }
    }
}

impl<K, V> Cache<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(clock: Arc<dyn Clock>, config: CacheConfig) -> Self {
        let at_once = Arc::new(Semaphore::new(config.at_once.min(Semaphore::MAX_PERMITS)));
        Self { shared: Arc::new(Shared { clock, config, entries: Mutex::default(), at_once }) }
    }

    /// What is kept of `key`, or what `ask` finds.
    pub(super) async fn get<F>(&self, key: K, ask: impl FnOnce() -> F) -> Outcome<V>
    where
        F: Future<Output = Result<Fresh<V>, DiscoveryError>> + Send + 'static,
    {
        let under_way = {
            let mut entries = self.shared.lock();
            let now = self.shared.clock.now();
            if let Some(entry) = entries.get(&key) {
                if let Some(kept) = entry.holds(now) {
                    return Ok(kept.value.clone());
                }
                if let Some(failure) = entry.failure(now) {
                    return Err(failure.clone());
                }
            }
            self.begin(&mut entries, key, now, ask)?
        };
        outcome(under_way).await
    }

    /// What `ask` finds, though something is kept of `key`, unless that is too new: then it is what is kept, which others may
    /// have looked up meanwhile. What is kept stays until something newer is found.
    pub(super) async fn get_again<F>(&self, key: K, ask: impl FnOnce() -> F) -> Outcome<V>
    where
        F: Future<Output = Result<Fresh<V>, DiscoveryError>> + Send + 'static,
    {
        let under_way = {
            let mut entries = self.shared.lock();
            let now = self.shared.clock.now();
            if let Some(entry) = entries.get(&key) {
                if let Some(failure) = entry.failure(now) {
                    return Err(failure.clone());
                }
                let again_after = self.shared.config.again_after;
                let new = entry.holds(now).filter(|kept| now < later(kept.since, again_after));
                if let Some(kept) = new.filter(|_| entry.under_way.is_none()) {
                    return Ok(kept.value.clone());
                }
            }
            self.begin(&mut entries, key, now, ask)?
        };
        outcome(under_way).await
    }

    /// The look-up of `key` that is under way, or a new one. It goes on though nobody waits for it: what it finds is kept.
    fn begin<F>(
        &self,
        entries: &mut BTreeMap<K, Entry<V>>,
        key: K,
        now: Timestamp,
        ask: impl FnOnce() -> F,
    ) -> Result<watch::Receiver<Option<Outcome<V>>>, DiscoveryError>
    where
        F: Future<Output = Result<Fresh<V>, DiscoveryError>> + Send + 'static,
    {
        if let Some(under_way) = entries.get(&key).and_then(|entry| entry.under_way.as_ref()) {
            // One whose task is gone has left no outcome behind.
            if under_way.has_changed().is_ok() {
                return Ok(under_way.clone());
            }
        }
        let permit =
            Arc::clone(&self.shared.at_once).try_acquire_owned().map_err(|_| DiscoveryError::Busy)?;
        if !entries.contains_key(&key) {
            self.shared.make_room(entries, now);
        }
        let (tell, under_way) = watch::channel(None);
        entries.entry(key.clone()).or_default().under_way = Some(under_way.clone());
        let (shared, asked) = (Arc::clone(&self.shared), ask());
        // Virtual time stands still until the answer is there.
        let busy = shared.clock.busy();
        tokio::spawn(async move {
            let found = asked.await;
            shared.note(key, &found);
            // Nobody may be left who waits.
            let _ = tell.send(Some(found.map(|fresh| fresh.value)));
            drop((permit, busy));
        });
        Ok(under_way)
    }
}

async fn outcome<V: Clone>(mut under_way: watch::Receiver<Option<Outcome<V>>>) -> Outcome<V> {
    match under_way.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        _ => Err(DiscoveryError::BrokenOff),
    }
}

impl<K: Ord + Clone, V: Clone> Shared<K, V> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Entry<V>>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, key: K, found: &Result<Fresh<V>, DiscoveryError>) {
        let mut entries = self.lock();
        let now = self.clock.now();
        let entry = entries.entry(key).or_default();
        entry.under_way = None;
        match found {
            Ok(fresh) => {
                let until = later(now, self.life_of(fresh));
                entry.kept = Some(Kept { value: fresh.value.clone(), since: now, until });
                entry.failed = None;
            }
            Err(error) => entry.failed = Some((later(now, self.config.failed), error.clone())),
        }
        drop(entries);
    }

    fn life_of(&self, fresh: &Fresh<V>) -> Duration {
        let config = &self.config;
        let (shortest, longest) = match fresh.value {
            Some(_) => (config.shortest, config.longest),
            None => (config.absent_shortest, config.absent_longest),
        };
        fresh.life.max(shortest).min(longest)
    }

    fn make_room(&self, entries: &mut BTreeMap<K, Entry<V>>, now: Timestamp) {
        if entries.len() < self.config.entries {
            return;
        }
        let first = entries.iter().min_by_key(|(_, entry)| entry.worth(now)).map(|(key, _)| key.clone());
        if let Some(first) = first {
            entries.remove(&first);
        }
    }
}

fn later(than: Timestamp, by: Duration) -> Timestamp {
    than.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
