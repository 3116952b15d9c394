//! Which charging stations are connected.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tieline_types::{Busy, Clock};
use tokio::sync::broadcast;

use crate::session::{EndReason, Session};
use crate::{Identity, Peer, Version};

/// The sessions of a CSMS: at most one per charging station, always the newest.
///
/// A station that connects anew supersedes its own older session, which is closed; whatever that one does while it
/// ends, it cannot remove the new one. Cloning gives another handle on the same registry.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sessions: RwLock<Sessions>,
    /// Each with the guard of whatever its listeners do about it.
    events: broadcast::Sender<(SessionEvent, Busy)>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_identity: BTreeMap<Identity, Peer>,
    last_generation: u64,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// An empty registry that keeps up to 1,024 events for each of its listeners.
    pub fn new() -> Self {
        Self::with_event_capacity(1024)
    }

    /// An empty registry that keeps up to this many events, at least one, for each of its listeners.
    pub fn with_event_capacity(capacity: usize) -> Self {
        let events = broadcast::Sender::new(capacity.max(1));
        Self(Arc::new(Inner { sessions: RwLock::default(), events }))
    }

    /// The session of a charging station, if it is connected.
    pub fn get(&self, identity: &str) -> Option<Peer> {
        self.read().by_identity.get(identity).cloned()
    }

    /// All sessions, ordered by identity.
    pub fn connected(&self) -> Vec<Peer> {
        self.read().by_identity.values().cloned().collect()
    }

    /// How many charging stations are connected.
    pub fn len(&self) -> usize {
        self.read().by_identity.len()
    }

    /// Whether no charging station is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happens from now on.
    pub fn events(&self) -> SessionEvents {
        SessionEvents { receiver: self.0.events.subscribe(), held: Busy::unheeded() }
    }

    /// Closes all sessions, as when shutting down.
    pub fn close_all(&self) {
        for peer in self.connected() {
            peer.0.calls.close(EndReason::ShuttingDown);
        }
    }

    /// The number of a session that is about to be opened. Who asked later is the newer one, however long opening takes.
    pub(crate) fn next_generation(&self) -> u64 {
        let mut sessions = self.write();
        sessions.last_generation += 1;
        sessions.last_generation
    }

    /// Adds a session. Of two sessions of one station the newer one stays, and the other is closed.
    pub(crate) fn register(&self, session: Session, clock: Arc<dyn Clock>) -> Registration {
        let peer = Peer(Arc::new(session));
        let mut sessions = self.write();
        let newer = |known: &Peer| known.generation() > peer.generation();
        let superseded = if sessions.by_identity.get(peer.identity().as_str()).is_some_and(newer) {
            Some(peer.clone())
        } else {
            sessions.by_identity.insert(peer.identity().clone(), peer.clone())
        };
        // Sent under the lock, so that the events of one station come in the order of what happened.
        let _ = self.0.events.send((SessionEvent::Connected(SessionInfo::of(&peer)), clock.busy()));
        drop(sessions);
        if let Some(superseded) = superseded {
            superseded.0.calls.close(EndReason::Superseded);
        }
        Registration { registry: self.clone(), peer, reason: EndReason::Dropped, clock }
    }

    fn read(&self) -> RwLockReadGuard<'_, Sessions> {
        self.0.sessions.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Sessions> {
        self.0.sessions.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a session in its registry. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Registry,
    peer: Peer,
    reason: EndReason,
    clock: Arc<dyn Clock>,
}

impl Registration {
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Gives the place up for this reason.
    pub(crate) fn end(mut self, reason: EndReason) {
        self.reason = reason;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let reason = std::mem::replace(&mut self.reason, EndReason::Dropped);
        let identity = self.peer.identity();
        let mut sessions = self.registry.write();
        if sessions.by_identity.get(identity).is_some_and(|peer| peer.generation() == self.peer.generation())
        {
            sessions.by_identity.remove(identity);
        }
        let event = SessionEvent::Disconnected(SessionInfo::of(&self.peer), reason);
        let _ = self.registry.0.events.send((event, self.clock.busy()));
    }
}

/// Something that happened to a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A charging station connected.
    Connected(SessionInfo),
    /// A session ended. Its station may be connected already by a session of a later generation.
    Disconnected(SessionInfo, EndReason),
    /// So many events were dropped because the listener was too slow. [`Registry::connected`] tells what is now.
    Missed(u64),
}

/// What identifies a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The charging station.
    pub identity: Identity,
    /// The version that was agreed.
    pub version: Version,
    /// The number of the session; later sessions have higher ones.
    pub generation: u64,
    /// The station's network address, where it is known.
    pub remote_address: Option<SocketAddr>,
}

impl SessionInfo {
    fn of(peer: &Peer) -> Self {
        Self {
            identity: peer.identity().clone(),
            version: peer.version(),
            generation: peer.generation(),
            remote_address: peer.remote_address(),
        }
    }
}

/// The events of a [`Registry`], from when they were asked for.
///
/// A virtual clock (see [`Builder::clock`](crate::csms::Builder::clock)) stands still from when something happened until its event was
/// dealt with: the next one was asked for, or this was dropped.
#[derive(Debug)]
pub struct SessionEvents {
    receiver: broadcast::Receiver<(SessionEvent, Busy)>,
    /// The guard of the event that was given last.
    held: Busy,
}

impl SessionEvents {
    /// The next event; `None` once the registry is gone. Cancel safe.
    pub async fn next(&mut self) -> Option<SessionEvent> {
        self.held = Busy::unheeded();
        match self.receiver.recv().await {
            Ok((event, busy)) => {
                self.held = busy;
                Some(event)
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(SessionEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
