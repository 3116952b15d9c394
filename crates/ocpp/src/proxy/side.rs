//! One of the two connections of a relay.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tieline_edge::websocket::{Error, Message, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::Limits;
use crate::session::{EndReason, Timers, later};

/// How many messages wait for the network, at the most, before nothing more is read for it.
const CONGESTED: usize = 16;

pub(super) struct Side<Io> {
    pub(super) socket: WebSocket<Io>,
    queue: VecDeque<Message>,
    /// Something was written and not flushed.
    unflushed: bool,
    /// When the network must have taken what is written.
    taken_until: Option<Instant>,
    pub(super) timers: Timers,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Side<Io> {
    pub(super) fn new(socket: WebSocket<Io>, limits: &Limits) -> Self {
        let timers = Timers::new(limits);
        Self { socket, queue: VecDeque::new(), unflushed: false, taken_until: None, timers }
    }

    pub(super) fn push(&mut self, message: Message) {
        self.queue.push_back(message);
    }

    pub(super) fn is_congested(&self) -> bool {
        self.queue.len() >= CONGESTED
    }

    /// Hands what is queued to the network; ready once it has all of it, if it did not before.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, limits: &Limits) -> Poll<Result<(), Error>> {
        if self.queue.is_empty() && !self.unflushed {
            return Poll::Pending;
        }
        let written = self.poll_write_all(cx);
        match written {
            Poll::Ready(_) => self.due_by(None),
            Poll::Pending if self.taken_until.is_none() => self.due_by(Some(later(limits.write_timeout))),
            Poll::Pending => {}
        }
        written
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.queue.is_empty() {
            ready!(self.socket.poll_ready(cx))?;
            if let Some(message) = self.queue.pop_front() {
                self.socket.start_send(message)?;
                self.unflushed = true;
            }
        }
        self.poll_flush(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.socket.poll_flush(cx);
        if flushed.is_ready() {
            self.unflushed = false;
        }
        flushed
    }

    fn due_by(&mut self, at: Option<Instant>) {
        self.taken_until = at;
        self.timers.engine(at);
    }

    /// Looks whether the other end is still there.
    pub(super) fn look(&mut self, now: Instant, limits: &Limits) -> Result<(), EndReason> {
        if self.taken_until.is_some_and(|until| until <= now) {
            return Err(EndReason::WriteTimedOut);
        }
        if self.timers.due(now, limits)?.ping {
            self.push(Message::Ping(Bytes::new()));
            self.timers.pinged(now);
        }
        Ok(())
    }
}
