//! When the task of a session must look after something although nothing happens.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use super::peer::later;
use super::{EndReason, Limits};

/// The deadlines of one session behind one timer, which is only touched when a deadline comes nearer: a message costs
/// no timer operation.
pub(crate) struct Timers {
    sleep: Pin<Box<Sleep>>,
    received: Instant,
    message: Instant,
    pinged: Option<Instant>,
    answer: Option<Instant>,
    queue: Option<Instant>,
    engine: Option<Instant>,
    resume: Option<Instant>,
}

/// What is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// The engine: an answer is missing, or it asked for it.
    pub(crate) engine: bool,
    /// A ping.
    pub(crate) ping: bool,
    /// The peer may send again.
    pub(crate) resume: bool,
}

impl Timers {
    pub(crate) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        let mut timers = Self {
            sleep: Box::pin(sleep_until(now)),
            received: now,
            message: now,
            pinged: None,
            answer: None,
            queue: None,
            engine: None,
            resume: None,
        };
        timers.rearm(limits);
        timers
    }

    /// The peer gave a sign of life.
    pub(crate) fn received(&mut self, now: Instant) {
        self.received = now;
        self.pinged = None;
    }

    /// The peer sent an OCPP message.
    pub(crate) fn message(&mut self, now: Instant) {
        self.received(now);
        self.message = now;
    }

    /// A ping was sent.
    pub(crate) fn pinged(&mut self, now: Instant) {
        self.pinged = Some(now);
    }

    /// When the outstanding CALL must have been answered.
    pub(crate) fn answer(&mut self, at: Option<Instant>) {
        self.answer = at;
        self.nearer(at);
    }

    /// When the next waiting CALL has waited too long.
    pub(crate) fn queue(&mut self, at: Option<Instant>) {
        self.queue = at;
        self.nearer(at);
    }

    /// When the engine wants to be called.
    pub(crate) fn engine(&mut self, at: Option<Instant>) {
        self.engine = at;
        self.nearer(at);
    }

    /// When the peer may send again.
    pub(crate) fn resume(&mut self, at: Instant) {
        self.resume = Some(at);
        self.nearer(Some(at));
    }

    fn nearer(&mut self, at: Option<Instant>) {
        if let Some(at) = at
            && at < self.sleep.deadline()
        {
            self.sleep.as_mut().reset(at);
        }
    }

    /// Whether to look at what is [`due`](Self::due). Not polled again before [`rearm`](Self::rearm).
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }

    /// What is due, or why the session is over.
    pub(crate) fn due(&mut self, now: Instant, limits: &Limits) -> Result<Due, EndReason> {
        let reached = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if reached(self.sign_of_life(limits)) {
            return Err(EndReason::Unresponsive);
        }
        if reached(self.next_message(limits)) {
            return Err(EndReason::Idle);
        }
        let engine = reached(self.answer) || self.engine.take_if(|at| *at <= now).is_some();
        let resume = self.resume.take_if(|at| *at <= now).is_some();
        Ok(Due { engine, ping: reached(self.next_ping(limits)), resume })
    }

    fn sign_of_life(&self, limits: &Limits) -> Option<Instant> {
        self.pinged.map(|at| at + limits.ping_timeout)
    }

    fn next_message(&self, limits: &Limits) -> Option<Instant> {
        limits.idle_timeout.map(|timeout| self.message + timeout)
    }

    fn next_ping(&self, limits: &Limits) -> Option<Instant> {
        limits.ping_interval.filter(|_| self.pinged.is_none()).map(|interval| self.received + interval)
    }

    /// Sets the timer to the next deadline.
    pub(crate) fn rearm(&mut self, limits: &Limits) {
        let next = [
            self.answer,
            self.queue,
            self.engine,
            self.resume,
            self.next_ping(limits),
            self.sign_of_life(limits),
            self.next_message(limits),
        ];
        let next = next.into_iter().flatten().min().unwrap_or_else(|| later(std::time::Duration::MAX));
        self.sleep.as_mut().reset(next);
    }
}
