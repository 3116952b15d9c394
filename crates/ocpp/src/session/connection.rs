//! The task of one session: it alone owns the socket and the protocol engine.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ocpp_kit::engine::{
    self, Engine, EngineConfig, HeartbeatPolicy, IncomingRequest, Input, Output, RetryPolicy, Role, Timer,
};
use ocpp_kit::message::MessageKind;
use ocpp_kit::rpc::CallError;
use ocpp_kit::types::MessageId;
use tieline_edge::websocket::{self, Message as Frame, WebSocket};
use tieline_service::{After, Head, Incoming, Reply};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::calls::{Answered, Waiting};
use super::peer::later;
use super::rate::Rate;
use super::running::{AfterWork, Handled, Handlers};
use super::timers::Timers;
use super::{CallFailure, EndReason, Peer, Session, refused};
use crate::fault;
use crate::message_ids::{EngineIds, MessageIds};
use crate::protocol::{Answer, Message, Ocpp};

/// One connection with its engine, its handlers and its handles.
pub(crate) struct Connection<S, Io> {
    socket: WebSocket<Io>,
    engine: Engine,
    role: Role,
    service: S,
    peer: Peer,
    /// The instant that the engine counts from.
    origin: Instant,
    timers: Timers,
    handlers: Handlers,
    after: AfterWork,
    /// What is to be written, in this order.
    to_write: Vec<Frame>,
    /// Work to start once all that is to be written now has been flushed.
    after_flush: Vec<(After, Head<Ocpp>)>,
    outstanding: Option<Outstanding>,
    rate: Rate,
    /// The peer has used up its rate: nothing is read from it.
    paused: bool,
    /// A waiting CALL may have become possible.
    look_for_calls: bool,
}

/// Our CALL that the peer has not answered.
struct Outstanding {
    token: engine::CallToken,
    timeout: Duration,
    /// Whether its deadline runs: it was flushed.
    running: bool,
    answer: oneshot::Sender<Answered>,
}

enum Event {
    Received(Option<Result<Frame, websocket::Error>>),
    Handled(Handled),
    Asked,
    Timer,
}

impl<S, Io> Connection<S, Io>
where
    S: tower::Service<Incoming<Ocpp>, Response = Reply<Ocpp>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    pub(crate) fn new(
        socket: WebSocket<Io>,
        role: Role,
        peer: Peer,
        service: S,
        ids: Arc<dyn MessageIds>,
    ) -> Box<Self> {
        let limits = Arc::clone(&peer.0.limits);
        let version = peer.version();
        let mut config = EngineConfig::new(role, version)
            .with_heartbeat(HeartbeatPolicy::Manual)
            .with_retry(RetryPolicy::none());
        config.enforce_boot_gate = limits.boot_gate;
        config.max_peer_requests = limits.max_handlers;
        if !peer.0.tolerance.concurrent_calls {
            config.inbound_concurrency = engine::InboundConcurrency::Reject;
        }
        let mut engine = Engine::new(config);
        engine.set_id_generator(Box::new(EngineIds(ids)));
        engine.handle(engine::Instant::ZERO, Input::Connected { version });
        // Boxed, since a future keeps what is moved into it twice.
        Box::new(Self {
            socket,
            engine,
            role,
            service,
            origin: Instant::now(),
            timers: Timers::new(&limits),
            rate: Rate::new(limits.message_rate, Instant::now()),
            paused: false,
            peer,
            handlers: Handlers::default(),
            after: AfterWork::default(),
            to_write: Vec::new(),
            after_flush: Vec::new(),
            outstanding: None,
            look_for_calls: false,
        })
    }

    /// Runs until the session has ended and its last handler has finished. `ended` is told as soon
    /// as it has ended.
    pub(crate) async fn run(mut self: Box<Self>, ended: impl FnOnce(EndReason)) {
        // Also when this future is dropped, no call may hang.
        let failing = FailsCalls(self.peer.clone());
        let reason = loop {
            if let Err(reason) = self.step().await {
                break reason;
            }
        };
        drop(failing);
        // Boxed, so that an open session need not keep room for its end.
        Box::pin(self.end(reason, ended)).await;
    }

    async fn end(self: Box<Self>, reason: EndReason, ended: impl FnOnce(EndReason)) {
        let Self { mut socket, peer, mut handlers, after, outstanding, .. } = *self;
        drop((after, outstanding));
        tracing::info!(
            protocol = "ocpp", peer = %peer, version = %peer.version(), generation = peer.generation(), %reason,
            "session ended"
        );
        let limits = Arc::clone(&peer.0.limits);
        let close = reason.close_frame().map(|(code, text)| (code, text.to_owned()));
        ended(reason);
        if let Some((code, text)) = close {
            let _ = timeout(limits.close_timeout, socket.close(code, &text)).await;
        }
        drop(socket);
        if timeout(limits.finish_timeout, handlers.finish()).await.is_err() {
            tracing::warn!(
                protocol = "ocpp", peer = %peer, handlers = handlers.len(),
                "handlers did not finish after their session and were cancelled"
            );
        }
    }

    /// Writes what is to be written, then waits for one event and deals with it.
    async fn step(&mut self) -> Result<(), EndReason> {
        self.write().await?;
        match poll_fn(|cx| self.poll_event(cx)).await {
            Event::Received(None) => Err(EndReason::Lost(None)),
            Event::Received(Some(Err(error))) => Err(ended_by(error)),
            Event::Received(Some(Ok(frame))) => self.received(&frame),
            Event::Handled(handled) => {
                self.take_reply(handled);
                self.settle(false);
                Ok(())
            }
            Event::Asked => self.asked(),
            Event::Timer => self.timer(),
        }
    }

    /// What comes first counts; the socket comes last, since it alone may have something at all times.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.peer.0.calls.poll_changed(cx) {
            return Poll::Ready(Event::Asked);
        }
        if let Poll::Ready(handled) = self.handlers.poll_next(cx) {
            return Poll::Ready(Event::Handled(handled));
        }
        self.after.poll(cx);
        if self.timers.poll(cx).is_ready() {
            return Poll::Ready(Event::Timer);
        }
        if self.paused {
            return Poll::Pending;
        }
        self.socket.poll_next(cx).map(Event::Received)
    }

    fn received(&mut self, frame: &Frame) -> Result<(), EndReason> {
        let now = Instant::now();
        // A binary frame is no OCPP message (Part 4 §4.1.1): it is answered like a text that is none.
        let text = match frame {
            Frame::Text(text) => text.as_str(),
            Frame::Binary(_) => "",
            Frame::Close(close) => return Err(EndReason::ClosedByPeer(close.clone())),
            _ => {
                self.timers.received(now);
                return Ok(());
            }
        };
        self.timers.message(now);
        if let Some(until) = self.rate.used_up(now) {
            self.paused = true;
            self.timers.resume(until);
        }
        self.engine.handle(self.engine_time(now), Input::Received(text));
        self.settle(true);
        Ok(())
    }

    /// Deals with all that the engine wants. `unasked`: what it wants to write first is an answer of its own.
    fn settle(&mut self, mut unasked: bool) {
        loop {
            while let Some(output) = self.engine.poll_output() {
                match output {
                    Output::Transmit(text) => {
                        if unasked {
                            refused::answer(&self.peer, &text);
                        }
                        self.to_write.push(Frame::text(text));
                    }
                    Output::Request(request) => {
                        unasked = false;
                        self.request(request);
                    }
                    other => self.output(other),
                }
            }
            if !std::mem::take(&mut self.look_for_calls) || !self.call_next() {
                return;
            }
            unasked = false;
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Outcome(outcome) => self.outcome(outcome),
            Output::Violation(violation) => refused::violation(&self.peer, &violation),
            Output::ResultRejected { id, error } => tracing::warn!(
                protocol = "ocpp", peer = %self.peer, message_id = id.as_str(), cause = %error,
                "the peer cannot use our result"
            ),
            Output::BootState(state) => {
                tracing::debug!(protocol = "ocpp", peer = %self.peer, ?state, "boot state");
                self.look_for_calls = true;
            }
            Output::SetTimer { timer: Timer::BootRetry, at } => {
                self.timers.engine(Some(self.origin + Duration::from_millis(at.as_millis())));
            }
            // The deadline of a CALL is ours, counted from its flush. The engine sends nothing on its own and keeps
            // nothing for later.
            _ => {}
        }
    }

    fn request(&mut self, request: IncomingRequest) {
        let IncomingRequest { id, action, payload, kind } = request;
        let send = kind == MessageKind::Send;
        if let Err(refusal) = self.admits(&id, &action, send) {
            if !send {
                self.respond(&id, Answer::Error(refusal));
            }
            return;
        }
        let session = &self.peer.0;
        let message = Message {
            version: session.version,
            kind,
            id: id.clone(),
            payload,
            tolerance: Arc::clone(&session.tolerance),
        };
        let mut head = Head::new(session.version, action, id.as_str().to_owned(), self.peer.clone());
        if !session.extensions.is_empty() {
            head.extensions = session.extensions.clone();
        }
        let handler = self.service.clone().oneshot(Incoming::new(head.clone(), message));
        let handler = async { handler.await.unwrap_or_else(|never| match never {}) };
        if let Some(handled) = self.handlers.start(id, head, send, handler) {
            self.take_reply(handled);
        }
    }

    /// Whether a message may go to its handler.
    fn admits(&self, id: &MessageId, action: &str, send: bool) -> Result<(), CallError> {
        let Session { tolerance, limits, .. } = &*self.peer.0;
        let refusal = if !tolerance.long_message_ids && !id.is_conforming() {
            fault::message_id_too_long()
        } else if self.after.len() + self.after_flush.len() >= limits.max_after {
            fault::internal_error("too much work is still to be done after earlier answers")
        } else if send && self.handlers.len() >= limits.max_handlers {
            fault::internal_error("too many messages are being handled")
        } else {
            return Ok(());
        };
        tracing::warn!(
            protocol = "ocpp", peer = %self.peer, action, message_id = refused::shortened(id.as_str()),
            outcome = "refused", code = refusal.code.as_wire(self.peer.version()), cause = %refusal,
            "a message was refused before it reached a handler"
        );
        Err(refusal)
    }

    fn take_reply(&mut self, handled: Handled) {
        let Handled { id, head, send, mut reply } = handled;
        let after = reply.take_after();
        if !after.is_empty() {
            self.after_flush.push((after, head));
        }
        if !send {
            self.respond(&id, reply.answer);
        }
    }

    fn respond(&mut self, id: &MessageId, answer: Answer) {
        let now = self.engine_time(Instant::now());
        let result = match answer {
            Answer::Result(payload) => self.engine.respond(now, id, &payload),
            Answer::Error(error) => self.engine.respond_error(now, id, error),
            Answer::Nothing => {
                self.engine.respond_error(now, id, fault::internal_error("there is no answer"))
            }
        };
        if let Err(error) = result {
            tracing::error!(protocol = "ocpp", peer = %self.peer, message_id = id.as_str(), %error, "no answer sent");
        }
    }

    /// Writes the next CALL that may be written, if none is outstanding. Returns whether the engine has outputs.
    fn call_next(&mut self) -> bool {
        if self.outstanding.is_some() {
            return false;
        }
        let open = self.role != Role::ChargingStation
            || !self.peer.0.limits.boot_gate
            || self.engine.boot_state().allows_traffic();
        let calls = &self.peer.0.calls;
        let Some(call) = calls.pop(|call| open || call.triggered || call.action == "BootNotification") else {
            return false;
        };
        let Waiting { action, payload, timeout, triggered, answer, .. } = call;
        let mut options = engine::CallOptions::default().persist(false).queue_when_offline(false);
        options.triggered = triggered;
        self.engine.set_call_timeout(timeout);
        match self.engine.call_with(self.engine_time(Instant::now()), &action, payload, options) {
            Ok(token) => self.outstanding = Some(Outstanding { token, timeout, running: false, answer }),
            Err(error) => {
                tracing::debug!(protocol = "ocpp", peer = %self.peer, %action, %error, "a call cannot be sent");
                let _ = answer.send(Err(CallFailure::WrongAction(action.into_owned())));
                self.look_for_calls = true;
            }
        }
        true
    }

    fn outcome(&mut self, outcome: engine::CallOutcome) {
        let engine::CallOutcome { token, id, action, result } = outcome;
        let Some(outstanding) = self.outstanding.take_if(|outstanding| outstanding.token == token) else {
            if let Err(cause) = result {
                tracing::warn!(protocol = "ocpp", peer = %self.peer, action, %cause, "a message was not sent");
            }
            return;
        };
        self.timers.answer(None);
        self.look_for_calls = true;
        let answered = match (result, id) {
            (Ok(engine::Answer::Result(payload)), Some(id)) => Ok((payload, id)),
            (Err(engine::CallFailure::Rejected(error)), _) => Err(CallFailure::Refused(error)),
            (Err(engine::CallFailure::Timeout | engine::CallFailure::RetriesExhausted), _) => {
                tracing::warn!(protocol = "ocpp", peer = %self.peer, action, "the peer did not answer in time");
                Err(CallFailure::TimedOut)
            }
            (Err(engine::CallFailure::QueueFull), _) => Err(CallFailure::QueueFull),
            (Ok(_), _) => Err(CallFailure::WrongAction(action)),
            (Err(_), _) => Err(CallFailure::Disconnected),
        };
        let _ = outstanding.answer.send(answered);
    }

    /// The handles asked for something.
    fn asked(&mut self) -> Result<(), EndReason> {
        let others = self.peer.0.calls.take_others();
        if let Some(reason) = others.close {
            return Err(reason);
        }
        let now = Instant::now();
        let time = self.engine_time(now);
        for (action, payload) in others.sends {
            let options = engine::CallOptions::default().persist(false).queue_when_offline(false);
            if let Err(cause) = self.engine.call_with(time, &action, payload, options) {
                tracing::warn!(protocol = "ocpp", peer = %self.peer, %action, %cause, "a message was not sent");
            }
        }
        for (id, error) in others.rejected {
            if let Err(cause) = self.engine.reject_result(time, &id, error) {
                tracing::warn!(protocol = "ocpp", peer = %self.peer, %cause, "a message was not sent");
            }
        }
        self.look_for_calls = true;
        self.settle(false);
        self.timers.queue(self.peer.0.calls.expire(now));
        Ok(())
    }

    fn timer(&mut self) -> Result<(), EndReason> {
        let now = Instant::now();
        let limits = Arc::clone(&self.peer.0.limits);
        let due = self.timers.due(now, &limits)?;
        if due.engine {
            self.engine.handle(self.engine_time(now), Input::Timeout);
            self.settle(false);
        }
        self.paused &= !due.resume;
        if due.ping {
            self.to_write.push(Frame::Ping(Bytes::new()));
            self.timers.pinged(now);
        }
        self.timers.queue(self.peer.0.calls.expire(now));
        self.timers.rearm(&limits);
        Ok(())
    }

    /// Writes and flushes all that is to be written, and only then starts what was to come after it.
    async fn write(&mut self) -> Result<(), EndReason> {
        if !self.to_write.is_empty() {
            let Self { socket, to_write, .. } = self;
            let mut writing = pin!(async {
                for frame in to_write.drain(..) {
                    socket.feed(frame).await?;
                }
                socket.flush().await
            });
            // Most of the time the network takes it at once, and no timer is needed.
            let written = match poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx))).await {
                Poll::Ready(written) => written,
                Poll::Pending => timeout(self.peer.0.limits.write_timeout, writing)
                    .await
                    .map_err(|_| EndReason::WriteTimedOut)?,
            };
            written.map_err(ended_by)?;
        }
        for (after, head) in self.after_flush.drain(..) {
            self.after.start(after, head);
        }
        if let Some(outstanding) = self.outstanding.as_mut().filter(|outstanding| !outstanding.running) {
            outstanding.running = true;
            self.timers.answer(Some(later(outstanding.timeout)));
        }
        Ok(())
    }

    fn engine_time(&self, now: Instant) -> engine::Instant {
        let elapsed = now.saturating_duration_since(self.origin).as_millis();
        engine::Instant::from_millis(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}

/// Fails all calls of a session when its task ends, however it ends.
pub(crate) struct FailsCalls(pub(crate) Peer);

impl Drop for FailsCalls {
    fn drop(&mut self) {
        self.0.0.calls.end();
    }
}

pub(crate) fn ended_by(error: websocket::Error) -> EndReason {
    match error {
        websocket::Error::Closed => EndReason::Lost(None),
        websocket::Error::Io(_) => EndReason::Lost(Some(Arc::new(error))),
        _ => EndReason::Misbehaved(Arc::new(error)),
    }
}
