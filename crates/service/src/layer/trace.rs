use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use jiff::Timestamp;
use pin_project_lite::pin_project;
use tieline_types::Clock;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Level, Span};

use crate::log::Clipped;
use crate::{Head, Incoming, Outcome, Protocol, Reply};

/// Logs every message with its sender and its outcome.
///
/// The event's fields are `protocol`, `peer`, `version`, `action`, `message_id`, `outcome` (`accepted`, `refused`,
/// `failed` for the error of an inner layer, `abandoned` if the transport or an outer layer gave up), for a refusal
/// `code` and `cause`, and with [`Trace::timed_by`] the `duration`. What the handler logs is inside a span `message`
/// with the first five.
///
/// An accepted message is logged at `debug`, everything else at `info`. Texts that come from the peer are shortened, and
/// their control characters escaped.
///
/// Add it last, so that it is outermost and sees what the other layers answer.
#[derive(Clone, Debug)]
pub struct Trace {
    accepted: Level,
    refused: Level,
    clock: Option<Arc<dyn Clock>>,
}

impl Trace {
    /// The layer with its default levels and without durations.
    pub fn new() -> Self {
        Self { accepted: Level::DEBUG, refused: Level::INFO, clock: None }
    }

    /// Logs accepted messages at this level.
    pub fn accepted_at(mut self, level: Level) -> Self {
        self.accepted = level;
        self
    }

    /// Logs all other messages at this level.
    pub fn refused_at(mut self, level: Level) -> Self {
        self.refused = level;
        self
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.clock.as_ref()?.now())
    }

    /// Measures by this clock how long a message is handled.
    pub fn timed_by(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl<Inner> Layer<Inner> for Trace {
    type Service = TraceService<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        TraceService { trace: self.clone(), inner }
    }
}

/// The service of the layer [`Trace`].
#[derive(Clone, Debug)]
pub struct TraceService<Inner> {
    trace: Trace,
    inner: Inner,
}

impl<P, Inner> Service<Incoming<P>> for TraceService<Inner>
where
    P: Protocol,
    Inner: Service<Incoming<P>, Response = Reply<P>>,
{
    type Response = Reply<P>;
    type Error = Inner::Error;
    type Future = TraceFuture<P, Inner::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming<P>) -> Self::Future {
        let head = incoming.head.without_extensions();
        let span = tracing::info_span!(
            "message",
            protocol = P::NAME,
            peer = %Clipped(head.peer()),
            version = %head.version(),
            action = %Clipped(head.action()),
            message_id = %Clipped(head.message_id()),
        );
        let begin = self.trace.now();
        let inner = span.in_scope(|| self.inner.call(incoming));
        TraceFuture { inner, span, record: Record { head, begin, trace: self.trace.clone(), done: false } }
    }
}

pin_project! {
    /// The future of the layer [`Trace`].
    pub struct TraceFuture<P: Protocol, F> {
        // Dropped before `record`, so that what it logs comes first.
        #[pin]
        inner: F,
        span: Span,
        record: Record<P>,
    }
}

impl<P, F, E> Future for TraceFuture<P, F>
where
    P: Protocol,
    F: Future<Output = Result<Reply<P>, E>>,
{
    type Output = Result<Reply<P>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let done = std::task::ready!(this.span.in_scope(|| this.inner.poll(cx)));
        match &done {
            Ok(reply) => match P::outcome(&reply.answer) {
                Outcome::Accepted => this.record.write(this.record.trace.accepted, "accepted", None),
                Outcome::Refused { code, cause } => {
                    this.record.write(this.record.trace.refused, "refused", Some((&code, &cause)));
                }
            },
            Err(_) => this.record.write(this.record.trace.refused, "failed", None),
        }
        Poll::Ready(done)
    }
}

/// What is logged of one message, once.
struct Record<P: Protocol> {
    head: Head<P>,
    begin: Option<Timestamp>,
    trace: Trace,
    done: bool,
}

macro_rules! event_at {
    ($level:expr, $($fields:tt)*) => {
        match $level {
            Level::TRACE => tracing::event!(Level::TRACE, $($fields)*),
            Level::DEBUG => tracing::event!(Level::DEBUG, $($fields)*),
            Level::INFO => tracing::event!(Level::INFO, $($fields)*),
            Level::WARN => tracing::event!(Level::WARN, $($fields)*),
            Level::ERROR => tracing::event!(Level::ERROR, $($fields)*),
        }
    };
}

impl<P: Protocol> Record<P> {
    fn write(&mut self, level: Level, outcome: &str, refusal: Option<(&str, &str)>) {
        self.done = true;
        let end = self.trace.now();
        let duration = end.zip(self.begin).map(|(end, begin)| end.duration_since(begin));
        event_at!(
            level,
            protocol = P::NAME,
            peer = %Clipped(self.head.peer()),
            version = %self.head.version(),
            action = %Clipped(self.head.action()),
            message_id = %Clipped(self.head.message_id()),
            outcome,
            code = refusal.map(|(code, _)| tracing::field::display(Clipped(code))),
            cause = refusal.map(|(_, cause)| tracing::field::display(Clipped(cause))),
            duration = duration.map(tracing::field::debug),
            "message"
        );
    }
}

impl<P: Protocol> Drop for Record<P> {
    fn drop(&mut self) {
        if !self.done {
            self.write(self.trace.refused, "abandoned", None);
        }
    }
}
