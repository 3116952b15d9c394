use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use tokio::sync::Mutex as Turn;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Incoming, Protocol};

/// Keys that are forgotten together, at the least, once nobody waits for them.
const FORGOTTEN_TOGETHER: usize = 64;

/// Handles messages of one key one after the other, in the order in which they came; those of different keys, and those without a
/// key, at the same time.
///
/// ```
/// use tieline_service::echo::{Echo, Said, Say};
/// use tieline_service::{Call, Incoming, Router, Serial};
///
/// async fn on_say(Call(say): Call<Say>) -> Said {
///     Said(say.text)
/// }
///
/// // What one guest says is heard in its order.
/// let in_order = Serial::by(|incoming: &Incoming<Echo>| Some(incoming.head.peer().0));
/// let router = Router::<Echo>::new().on(on_say).layer(in_order);
/// # let _ = router;
/// ```
///
/// The order is that in which the futures are polled first: transports start the messages of a peer in the order of their arrival.
/// Under a [`Timeout`](crate::Timeout) that is outside of it, the wait counts. A handler that waits for a message with its own key to be
/// handled waits for ever: let it call its peer from [`After`](crate::After), which is outside.
pub struct Serial<K, F> {
    key: F,
    turns: Arc<Turns<K>>,
}

impl<K: Ord, F> Serial<K, F> {
    /// The layer with this key of a message; a message without one waits for nothing.
    pub fn by<P: Protocol>(key: F) -> Self
    where
        F: Fn(&Incoming<P>) -> Option<K>,
    {
        Self { key, turns: Arc::new(Turns::default()) }
    }
}

/// Whose turn it is, by key.
struct Turns<K>(Mutex<Known<K>>);

struct Known<K> {
    turns: BTreeMap<K, Weak<Turn<()>>>,
    forget_at: usize,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::new(Known { turns: BTreeMap::new(), forget_at: FORGOTTEN_TOGETHER }))
    }
}

impl<K: Ord> Turns<K> {
    fn of(&self, key: K) -> Arc<Turn<()>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.turns.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        if known.turns.len() >= known.forget_at {
            known.turns.retain(|_, turn| turn.strong_count() > 0);
            known.forget_at = (2 * known.turns.len()).max(FORGOTTEN_TOGETHER);
        }
        let turn = Arc::new(Turn::new(()));
        known.turns.insert(key, Arc::downgrade(&turn));
        turn
    }
}

impl<K, F: Clone> Clone for Serial<K, F> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), turns: Arc::clone(&self.turns) }
    }
}

impl<K, F> fmt::Debug for Serial<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serial").finish_non_exhaustive()
    }
}

impl<K, F: Clone, Inner> Layer<Inner> for Serial<K, F> {
    type Service = SerialService<K, F, Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        SerialService { serial: self.clone(), inner }
    }
}

/// The service of the layer [`Serial`].
pub struct SerialService<K, F, Inner> {
    serial: Serial<K, F>,
    inner: Inner,
}

impl<K, F: Clone, Inner: Clone> Clone for SerialService<K, F, Inner> {
    fn clone(&self) -> Self {
        Self { serial: self.serial.clone(), inner: self.inner.clone() }
    }
}

impl<K, F, Inner: fmt::Debug> fmt::Debug for SerialService<K, F, Inner> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SerialService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<P, K, F, Inner> Service<Incoming<P>> for SerialService<K, F, Inner>
where
    P: Protocol,
    K: Ord,
    F: Fn(&Incoming<P>) -> Option<K>,
    Inner: Service<Incoming<P>> + Clone + Send + 'static,
    Inner::Future: Send,
    Incoming<P>: Send,
{
    type Response = Inner::Response;
    type Error = Inner::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Inner::Response, Inner::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming<P>) -> Self::Future {
        let turn = (self.serial.key)(&incoming).map(|key| self.serial.turns.of(key));
        // The one that is ready goes; its copy stays.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let _turn = match turn {
                Some(turn) => Some(turn.lock_owned().await),
                None => None,
            };
            inner.call(incoming).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_forgotten() {
        let turns = Turns::default();
        let held = turns.of(0);
        for key in 1..10_000 {
            turns.of(key);
        }
        assert!(turns.0.lock().unwrap().turns.len() <= FORGOTTEN_TOGETHER);
        assert!(Arc::ptr_eq(&held, &turns.of(0)));
    }
}
