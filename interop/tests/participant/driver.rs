//! What a test tells a participant of ours, and what it hears of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tieline_uftp::cro::{Keeper, MemoryRegister, ReferencePolicy};
use tieline_uftp::value::MessageId;
use tieline_uftp::{Payload, Rejected, RejectionReason};

/// A step of a message that a handler was called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The first: it is decided on, or an answer is noted.
    PreProcess,
    /// The second.
    Process,
}

/// The state of a participant's handlers.
#[derive(Debug, Clone)]
pub(crate) struct Driver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handled: Mutex<Vec<(Step, Payload)>>,
    demanded: Mutex<Option<RejectionReason>>,
    takes: Mutex<Duration>,
    reference: Keeper<MemoryRegister>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    pub(crate) fn new(time_zone: TimeZone) -> Self {
        Self(Arc::new(Inner {
            handled: Mutex::default(),
            demanded: Mutex::default(),
            takes: Mutex::default(),
            reference: Keeper::new(ReferencePolicy::new(time_zone), MemoryRegister::new()),
        }))
    }

    /// The next request that breaks no rule is rejected for this reason.
    pub(crate) fn reject_next(&self, reason: &str) {
        *lock(&self.0.demanded) = Some(RejectionReason::other(reason));
    }

    /// So long each second step takes.
    pub(crate) fn take(&self, time: Duration) {
        *lock(&self.0.takes) = time;
    }

    pub(crate) fn takes(&self) -> Duration {
        *lock(&self.0.takes)
    }

    /// What the participant keeps as a common reference operator.
    pub(crate) fn reference(&self) -> &Keeper<MemoryRegister> {
        &self.0.reference
    }

    pub(crate) fn note(&self, step: Step, message: Payload) {
        lock(&self.0.handled).push((step, message));
    }

    /// The rejection that a test has asked for, once.
    pub(crate) fn demanded(&self) -> Result<(), Rejected> {
        lock(&self.0.demanded).take().map_or(Ok(()), |reason| Err(reason.into()))
    }

    /// Everything that handlers were called for in this step, in this order.
    pub(crate) fn handled(&self, step: Step) -> Vec<Payload> {
        let handled = lock(&self.0.handled);
        handled.iter().filter(|(known, _)| *known == step).map(|(_, message)| message.clone()).collect()
    }

    /// How often a handler was called for this message in this step.
    pub(crate) fn times(&self, step: Step, id: MessageId) -> usize {
        let handled = lock(&self.0.handled);
        handled.iter().filter(|(known, message)| *known == step && message.header().message_id == id).count()
    }
}
