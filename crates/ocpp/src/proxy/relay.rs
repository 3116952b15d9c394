//! The task of one station: it owns the connections to the station and to the CSMS.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use ocpp_kit::rpc::Frame;
use ocpp_kit::types::MessageId;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tieline_edge::websocket::{Error, Message, Text, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout};

use super::frames::{Origin, ProxiedFrame};
use super::ours::{Answers, Calls, Outstanding};
use super::side::Side;
use crate::message_ids::MessageIds;
use crate::session::{EndReason, FailsCalls, Others, Waiting, ended_by, later};
use crate::{CallFailure, Peer};

/// Calls of the CSMS that wait until ours is answered, at the most, before nothing more is read from it.
const MAX_HELD: usize = 16;

pub(super) struct Relay<Down, Up> {
    station: Side<Down>,
    csms: Side<Up>,
    peer: Peer,
    ids: Arc<dyn MessageIds>,
    frames: broadcast::Sender<ProxiedFrame>,
    calls: Calls,
    /// Calls of the CSMS that wait until the station has answered ours.
    held: VecDeque<(MessageId, Text)>,
}

enum Event {
    Asked,
    Timer,
    Written(Origin, Result<(), Error>),
    Received(Origin, Option<Result<Message, Error>>),
}

impl<Down, Up> Relay<Down, Up>
where
    Down: AsyncRead + AsyncWrite + Unpin + Send,
    Up: AsyncRead + AsyncWrite + Unpin + Send,
{
    pub(super) fn new(
        station: WebSocket<Down>,
        csms: WebSocket<Up>,
        peer: Peer,
        ids: Arc<dyn MessageIds>,
        frames: broadcast::Sender<ProxiedFrame>,
    ) -> Box<Self> {
        let limits = Arc::clone(&peer.0.limits);
        Box::new(Self {
            station: Side::new(station, &limits),
            csms: Side::new(csms, &limits),
            peer,
            ids,
            frames,
            calls: Calls::default(),
            held: VecDeque::new(),
        })
    }

    /// Runs until one of the two has gone, and then closes the other.
    pub(super) async fn run(mut self: Box<Self>, ended: impl FnOnce(EndReason)) {
        let failing = FailsCalls(self.peer.clone());
        let reason = loop {
            let event = poll_fn(|cx| self.poll_event(cx)).await;
            if let Err(reason) = self.handle(event) {
                break reason;
            }
        };
        drop(failing);
        tracing::info!(
            protocol = "ocpp", peer = %self.peer, version = %self.peer.version(), generation = self.peer.generation(),
            %reason, "proxied session ended"
        );
        let limits = Arc::clone(&self.peer.0.limits);
        let Self { station, csms, .. } = *self;
        ended(reason.clone());
        let to_station = reason.close_frame();
        let to_csms = match &reason {
            EndReason::Csms(reason) => reason.close_frame(),
            reason => reason.passed_on(),
        };
        let _ = timeout(limits.close_timeout, async {
            tokio::join!(close(station.socket, to_station), close(csms.socket, to_csms))
        })
        .await;
    }

    /// What comes first counts. Nothing is read for a side whose network takes nothing.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.peer.0.calls.poll_changed(cx) {
            return Poll::Ready(Event::Asked);
        }
        let limits = &self.peer.0.limits;
        if let Poll::Ready(written) = self.station.poll_write(cx, limits) {
            return Poll::Ready(Event::Written(Origin::ChargingStation, written));
        }
        if let Poll::Ready(written) = self.csms.poll_write(cx, limits) {
            return Poll::Ready(Event::Written(Origin::Csms, written));
        }
        if self.station.timers.poll(cx).is_ready() || self.csms.timers.poll(cx).is_ready() {
            return Poll::Ready(Event::Timer);
        }
        if !self.csms.is_congested()
            && let Poll::Ready(received) = self.station.socket.poll_next(cx)
        {
            return Poll::Ready(Event::Received(Origin::ChargingStation, received));
        }
        if !self.station.is_congested() && self.held.len() < MAX_HELD {
            return self.csms.socket.poll_next(cx).map(|received| Event::Received(Origin::Csms, received));
        }
        Poll::Pending
    }

    fn handle(&mut self, event: Event) -> Result<(), EndReason> {
        match event {
            Event::Asked => self.asked(),
            Event::Timer => self.timer(),
            Event::Written(Origin::ChargingStation, written) => {
                written.map_err(ended_by)?;
                self.written();
                Ok(())
            }
            Event::Written(Origin::Csms, written) => written.map_err(csms_ended_by),
            Event::Received(Origin::ChargingStation, Some(Ok(message))) => {
                self.received_from_station(message)
            }
            Event::Received(Origin::Csms, Some(Ok(message))) => self.received_from_csms(message),
            Event::Received(Origin::ChargingStation, None) => Err(EndReason::Lost(None)),
            Event::Received(Origin::Csms, None) => Err(EndReason::Csms(Box::new(EndReason::Lost(None)))),
            Event::Received(Origin::ChargingStation, Some(Err(error))) => Err(ended_by(error)),
            Event::Received(Origin::Csms, Some(Err(error))) => Err(csms_ended_by(error)),
        }
    }

    fn received_from_station(&mut self, message: Message) -> Result<(), EndReason> {
        let now = Instant::now();
        match message {
            Message::Close(close) => return Err(EndReason::ClosedByPeer(close)),
            Message::Ping(_) | Message::Pong(_) => self.station.timers.received(now),
            Message::Text(text) => {
                self.station.timers.message(now);
                if self.is_for_csms(&text) {
                    self.tell(Origin::ChargingStation, &text);
                    self.csms.push(Message::Text(text));
                }
                self.call_next(now);
            }
            other => {
                self.station.timers.message(now);
                self.csms.push(other);
            }
        }
        Ok(())
    }

    /// Keeps the answers to calls of our own.
    fn is_for_csms(&mut self, text: &Text) -> bool {
        let version = self.peer.version();
        let (id, answered) = match Frame::parse(text.as_str(), version) {
            Ok(Frame::CallResult { id, payload }) => (id.clone(), Ok((payload.into_owned(), id))),
            Ok(Frame::CallError { id, error }) => (id, Err(CallFailure::Refused(error.to_call_error()))),
            _ => return true,
        };
        match self.calls.answered(&id) {
            Answers::Ours(Outstanding { answer, .. }) => {
                self.station.timers.answer(None);
                let _ = answer.send(answered);
                self.release();
                false
            }
            Answers::Late => {
                tracing::warn!(
                    protocol = "ocpp", peer = %self.peer, message_id = id.as_str(), "an answer came too late"
                );
                false
            }
            Answers::Theirs => true,
        }
    }

    fn received_from_csms(&mut self, message: Message) -> Result<(), EndReason> {
        let now = Instant::now();
        match message {
            Message::Close(close) => return Err(EndReason::Csms(Box::new(EndReason::ClosedByPeer(close)))),
            Message::Ping(_) | Message::Pong(_) => self.csms.timers.received(now),
            Message::Text(text) => {
                self.csms.timers.message(now);
                match Frame::parse(text.as_str(), self.peer.version()) {
                    Ok(Frame::Call { id, .. }) if self.calls.ours.is_some() => {
                        self.held.push_back((id, text));
                    }
                    Ok(Frame::Call { id, .. }) => self.pass_call(id, text, now),
                    _ => self.pass(text),
                }
            }
            other => {
                self.csms.timers.message(now);
                self.station.push(other);
            }
        }
        Ok(())
    }

    fn pass_call(&mut self, id: MessageId, text: Text, now: Instant) {
        self.calls.called(id, now);
        let until = self.calls.free_at(self.peer.0.limits.call_timeout);
        self.csms.timers.answer(until);
        self.pass(text);
    }

    fn pass(&mut self, text: Text) {
        self.tell(Origin::Csms, &text);
        self.station.push(Message::Text(text));
    }

    /// Passes on what waited for the answer to our call.
    fn release(&mut self) {
        let now = Instant::now();
        while let Some((id, text)) = self.held.pop_front() {
            self.pass_call(id, text, now);
        }
    }

    fn tell(&self, from: Origin, text: &Text) {
        if self.frames.receiver_count() == 0 {
            return;
        }
        let _ = self.frames.send(ProxiedFrame { peer: self.peer.clone(), from, text: text.clone() });
    }

    /// The handles asked for something.
    fn asked(&mut self) -> Result<(), EndReason> {
        let Others { sends, rejected, close } = self.peer.0.calls.take_others();
        if let Some(reason) = close {
            return Err(reason);
        }
        for (action, payload) in sends {
            let id = self.new_id();
            self.write(&Frame::Send { id, action, payload: Cow::Owned(payload) });
        }
        for (id, error) in rejected {
            self.write(&Frame::CallResultError { id, error: error.into() });
        }
        let now = Instant::now();
        self.call_next(now);
        self.station.timers.queue(self.peer.0.calls.expire(now));
        Ok(())
    }

    /// Writes the next of our calls, if the station may get one.
    fn call_next(&mut self, now: Instant) {
        if !self.calls.is_free(now, self.peer.0.limits.call_timeout) {
            return;
        }
        let Some(Waiting { action, payload, timeout, answer, .. }) = self.peer.0.calls.pop(|_| true) else {
            return;
        };
        let id = self.new_id();
        self.calls.ours = Some(Outstanding { id: id.clone(), timeout, until: None, answer });
        self.write(&Frame::Call { id, action, payload: Cow::<RawValue>::Owned(payload) });
    }

    /// An id that no call has which the station may still answer.
    fn new_id(&self) -> MessageId {
        loop {
            let id = MessageId::truncating(&self.ids.next_id());
            if !self.calls.is_known(&id) {
                return id;
            }
        }
    }

    fn write(&mut self, frame: &Frame<'_>) {
        match frame.to_json(self.peer.version()) {
            Ok(text) => self.station.push(Message::text(text)),
            Err(cause) => {
                tracing::error!(protocol = "ocpp", peer = %self.peer, %cause, "a message was not sent");
                if let Some(Outstanding { answer, .. }) = self.calls.ours.take() {
                    let _ = answer.send(Err(CallFailure::Disconnected));
                }
            }
        }
    }

    /// All that was to be written to the station has gone: the deadline of our call runs from now on.
    fn written(&mut self) {
        if let Some(ours) = self.calls.ours.as_mut().filter(|ours| ours.until.is_none()) {
            let until = later(ours.timeout);
            ours.until = Some(until);
            self.station.timers.answer(Some(until));
        }
    }

    fn timer(&mut self) -> Result<(), EndReason> {
        let now = Instant::now();
        let limits = Arc::clone(&self.peer.0.limits);
        self.station.look(now, &limits)?;
        self.csms.look(now, &limits).map_err(|reason| EndReason::Csms(Box::new(reason)))?;
        if let Some(Outstanding { id, answer, .. }) = self.calls.expire(now) {
            tracing::warn!(
                protocol = "ocpp", peer = %self.peer, message_id = id.as_str(), "the peer did not answer in time"
            );
            let _ = answer.send(Err(CallFailure::TimedOut));
            self.station.timers.answer(None);
            self.release();
        }
        self.call_next(now);
        self.csms.timers.answer(self.calls.free_at(limits.call_timeout));
        self.station.timers.queue(self.peer.0.calls.expire(now));
        self.station.timers.rearm(&limits);
        self.csms.timers.rearm(&limits);
        Ok(())
    }
}

fn csms_ended_by(error: Error) -> EndReason {
    EndReason::Csms(Box::new(ended_by(error)))
}

/// Closes a connection, or cuts it if there is nothing to be said.
async fn close<Io: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocket<Io>,
    said: Option<(tieline_edge::websocket::CloseCode, &str)>,
) {
    if let Some((code, reason)) = said {
        let _ = socket.close(code, reason).await;
    }
}
