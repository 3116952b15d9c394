//! The calls that wait for their turn on a session.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use ocpp_kit::rpc::CallError;
use ocpp_kit::types::MessageId;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{CallFailure, EndReason};

/// The payload of a CALLRESULT and the id that it answers.
pub(crate) type Answered = Result<(Box<RawValue>, MessageId), CallFailure>;

/// A CALL that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) action: Cow<'static, str>,
    pub(crate) payload: Box<RawValue>,
    pub(crate) timeout: Duration,
    /// When it has waited too long.
    pub(crate) until: Instant,
    /// The peer asked for it, so that the boot gate does not apply.
    pub(crate) triggered: bool,
    pub(crate) answer: oneshot::Sender<Answered>,
}

/// What the session's task is asked for, shared between the task and all handles.
#[derive(Debug)]
pub(crate) struct Calls {
    max: usize,
    state: Mutex<State>,
    changed: AtomicBool,
    task: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Waiting>,
    sends: VecDeque<(Cow<'static, str>, Box<RawValue>)>,
    rejected: Vec<(MessageId, CallError)>,
    close: Option<EndReason>,
    ended: bool,
}

impl Calls {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, state: Mutex::default(), changed: AtomicBool::new(false), task: AtomicWaker::new() }
    }

    /// Queues a CALL.
    pub(crate) fn push(&self, call: Waiting) -> Result<(), CallFailure> {
        self.change(|state, max| {
            // A call whose caller has gone away does not hold a place.
            if state.calls.len() + state.sends.len() >= max {
                state.calls.retain(|call| !call.answer.is_closed());
            }
            if state.calls.len() + state.sends.len() >= max {
                return Err(CallFailure::QueueFull);
            }
            state.calls.push_back(call);
            Ok(())
        })
    }

    /// Queues a SEND.
    pub(crate) fn push_send(
        &self,
        action: Cow<'static, str>,
        payload: Box<RawValue>,
    ) -> Result<(), CallFailure> {
        self.change(|state, max| {
            if state.calls.len() + state.sends.len() >= max {
                return Err(CallFailure::QueueFull);
            }
            state.sends.push_back((action, payload));
            Ok(())
        })
    }

    /// Asks to tell the peer that its CALLRESULT is unusable.
    pub(crate) fn reject_result(&self, id: MessageId, error: CallError) {
        let _ = self.change(|state, max| {
            if state.rejected.len() < max {
                state.rejected.push((id, error));
            }
            Ok(())
        });
    }

    /// Asks to close the session. The first reason counts.
    pub(crate) fn close(&self, reason: EndReason) {
        let _ = self.change(|state, _| {
            state.close.get_or_insert(reason);
            Ok(())
        });
    }

    fn change(
        &self,
        change: impl FnOnce(&mut State, usize) -> Result<(), CallFailure>,
    ) -> Result<(), CallFailure> {
        let mut state = self.lock();
        if state.ended {
            return Err(CallFailure::Disconnected);
        }
        change(&mut state, self.max)?;
        drop(state);
        self.changed.store(true, Ordering::Release);
        self.task.wake();
        Ok(())
    }

    /// Whether anything was asked for since the last time; otherwise the task is woken when it is.
    pub(crate) fn poll_changed(&self, cx: &Context<'_>) -> bool {
        if self.changed.swap(false, Ordering::Acquire) {
            return true;
        }
        self.task.register(cx.waker());
        self.changed.swap(false, Ordering::Acquire)
    }

    /// Takes the first CALL that may be sent now and whose caller still waits.
    pub(crate) fn pop(&self, may_be_sent: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let mut state = self.lock();
        state.calls.retain(|call| !call.answer.is_closed());
        let index = state.calls.iter().position(may_be_sent)?;
        state.calls.remove(index)
    }

    /// Takes what is not a CALL: SENDs, unusable results, the wish to close.
    pub(crate) fn take_others(&self) -> Others {
        let mut state = self.lock();
        Others {
            sends: std::mem::take(&mut state.sends),
            rejected: std::mem::take(&mut state.rejected),
            close: state.close.take(),
        }
    }

    /// Fails the calls that have waited too long and tells when the next one will have.
    pub(crate) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let mut index = 0;
        while index < state.calls.len() {
            if state.calls[index].until <= now
                && let Some(call) = state.calls.remove(index)
            {
                let _ = call.answer.send(Err(CallFailure::QueueTimedOut));
            } else {
                index += 1;
            }
        }
        state.calls.iter().map(|call| call.until).min()
    }

    /// Ends the session for all handles: what waits fails, and so does all that follows.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut *state);
        state.ended = true;
        drop(state);
        // Dropped outside the lock: a caller that is woken may call again at once.
        drop(waiting);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the task is asked for besides CALLs.
pub(crate) struct Others {
    pub(crate) sends: VecDeque<(Cow<'static, str>, Box<RawValue>)>,
    pub(crate) rejected: Vec<(MessageId, CallError)>,
    pub(crate) close: Option<EndReason>,
}
