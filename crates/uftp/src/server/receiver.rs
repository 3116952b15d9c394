//! The endpoint that peers post to.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tieline_edge::PeerIdentity;
use tieline_types::Clock;

use super::request::{Room, check_head, read_body};
use super::{AddressBook, AddressBookError, Inbox, InboxError, KnownParticipant, Receipt};
use crate::message::parse_with;
use crate::{Limits, MessageType, Participant, Received, Refusal, SignatureError, SignedMessage, concerns};

/// How a receiver is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverConfig {
    /// Who we are: the participants that messages may be meant for.
    pub participants: Vec<Participant>,
    /// How much of a message is looked at. `envelope_bytes` bounds the body.
    pub limits: Limits,
    /// How many bytes of bodies may be held at a time, all senders together: what has arrived of them until they are answered.
    /// Beyond it posts are answered 503. At least one envelope always finds room. Bodies that still grow, and the buffers of
    /// their connections, may take as much again. Default: 64 MiB.
    pub bodies_bytes: usize,
    /// When those are to come back that found no room. Default: 5 seconds.
    pub retry_after: Duration,
    /// How long a body may take to arrive. Default: 30 seconds.
    pub body_timeout: Duration,
    /// Whether `application/xml` is taken for `text/xml`, as some peers send it. Default: true. It is known before
    /// the peer is, so it cannot depend on it.
    pub application_xml: bool,
}

impl ReceiverConfig {
    /// The defaults for these participants.
    pub fn new(participants: Vec<Participant>) -> Self {
        Self {
            participants,
            limits: Limits::default(),
            bodies_bytes: 64 * 1024 * 1024,
            retry_after: Duration::from_secs(5),
            body_timeout: Duration::from_secs(30),
            application_xml: true,
        }
    }
}

/// Takes posted messages: a `tower` service over HTTP requests, to be put at the path of one's choice, by
/// convention [`MESSAGE_PATH`](crate::MESSAGE_PATH).
///
/// It checks, in this order: method (405), `Content-Length` (411), `Content-Type` (400), size (413), room for it (503), the envelope
/// (400), whether its sender is known (419), the signature (401; a sender whose keys were kept is looked up once more before),
/// the payload by the schema of its version (400).
/// Then the [`Inbox`] keeps the message, and the answer is 200 with an empty body; or 503 or 429 with
/// `Retry-After`. A refusal is told in plain text that names element and attribute, and logged with the peer, the
/// sender it claims to be, the message and the cause.
///
/// The address of the peer in the log comes from the [`PeerIdentity`] in the request's extensions.
pub struct Receiver<I, A> {
    shared: Arc<Shared<I, A>>,
}

struct Shared<I, A> {
    inbox: I,
    address_book: A,
    clock: Arc<dyn Clock>,
    config: ReceiverConfig,
    room: Room,
}

/// What is known of a message while it is being looked at, for the log.
#[derive(Default)]
struct Seen {
    sender: Option<Participant>,
    /// Set only once the signature has been checked.
    message: Option<(MessageType, crate::value::MessageId)>,
}

impl<I: Inbox, A: AddressBook> Receiver<I, A> {
    /// A receiver for these participants.
    pub fn new(inbox: I, address_book: A, clock: Arc<dyn Clock>, config: ReceiverConfig) -> Self {
        let room = Room::of(config.bodies_bytes.max(config.limits.envelope_bytes), config.retry_after);
        Self { shared: Arc::new(Shared { inbox, address_book, clock, config, room }) }
    }

    /// Takes the bytes of an envelope, as if they had been posted.
    pub async fn receive(&self, envelope: Bytes) -> Result<Receipt, Refusal> {
        self.shared.receive(envelope, &mut Seen::default()).await
    }
}

impl<I: Inbox, A: AddressBook> Shared<I, A> {
    async fn receive(&self, envelope: Bytes, seen: &mut Seen) -> Result<Receipt, Refusal> {
        let limits = &self.config.limits;
        let signed = SignedMessage::parse(&envelope, limits).map_err(Refusal::Envelope)?;
        let sender = Participant { role: signed.sender_role, domain: signed.sender_domain.clone() };
        seen.sender = Some(sender.clone());

        let (known, payload_bytes) = self.open(&signed, &sender).await?;
        let payload = parse_with(&payload_bytes, &known.tolerance, limits).map_err(Refusal::Payload)?;
        seen.message = Some((payload.message_type(), payload.header().message_id));

        let concerns = concerns(&payload, &sender, &self.config.participants, &known.tolerance);
        let received_at = self.clock.now();
        let received = Received { envelope, payload_bytes, payload, sender, received_at, concerns };
        self.inbox.accept(received).await.map_err(|error| match error {
            InboxError::Busy { retry_after } => Refusal::Busy { retry_after },
            InboxError::Throttled { retry_after } => Refusal::Throttled { retry_after },
            InboxError::Storage(source) => Refusal::Storage(source),
        })
    }

    /// The payload, and what is known of who has signed it. A sender that has changed its keys is looked up again.
    async fn open(
        &self,
        signed: &SignedMessage,
        sender: &Participant,
    ) -> Result<(Arc<KnownParticipant>, Bytes), Refusal> {
        let unavailable =
            |error: AddressBookError| Refusal::KeysUnavailable { sender: sender.clone(), source: error.0 };
        let found = self.address_book.look_up(sender.role, &sender.domain).await.map_err(unavailable)?;
        let Some(known) = found else { return Err(Refusal::UnknownSender(sender.clone())) };
        let misfit = match signed.open_shared(&known.keys) {
            Ok(payload) => return Ok((known, payload)),
            Err(misfit @ SignatureError::NotSignedBy { .. }) => misfit,
            Err(other) => return Err(other.into()),
        };
        let newer =
            self.address_book.look_up_again(sender.role, &sender.domain).await.map_err(unavailable)?;
        let Some(newer) = newer.filter(|newer| newer.keys != known.keys) else { return Err(misfit.into()) };
        let payload = signed.open_shared(&newer.keys)?;
        Ok((newer, payload))
    }

    async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let peer = head.extensions.get::<PeerIdentity>().cloned();
        let most = self.config.limits.envelope_bytes;
        let mut seen = Seen::default();
        let outcome = async {
            check_head(&head.method, &head.headers, most, self.config.application_xml)?;
            let envelope = read_body(body, most, self.config.body_timeout, &self.room).await?;
            self.receive(envelope.bytes.clone(), &mut seen).await
        };
        let outcome = outcome.await;
        seen.log(peer.as_ref(), &outcome);
        match outcome {
            Ok(_) => Response::new(Full::default()),
            Err(refusal) => refused(&refusal),
        }
    }
}

impl Seen {
    fn log(&self, peer: Option<&PeerIdentity>, outcome: &Result<Receipt, Refusal>) {
        let peer = peer.map(tracing::field::display);
        let role = self.sender.as_ref().map(|sender| tracing::field::display(sender.role));
        let domain = self.sender.as_ref().map(|sender| tracing::field::display(&sender.domain));
        let message = self.message.map(|(kind, _)| tracing::field::display(kind));
        let message_id = self.message.map(|(_, id)| tracing::field::display(id));
        match outcome {
            Ok(receipt) => {
                tracing::debug!(peer, role, domain, message, message_id, ?receipt, "message received");
            }
            Err(refusal) => {
                let status = refusal.status().as_u16();
                let source = std::error::Error::source(refusal).map(tracing::field::display);
                tracing::warn!(peer, role, domain, message, message_id, status, cause = %refusal, source, "message refused");
            }
        }
    }
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(refusal.to_string()));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if refusal.status() == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(pause) = refusal.retry_after() {
        let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

impl<I, A> Clone for Receiver<I, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<I, A> fmt::Debug for Receiver<I, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl<I, A, B> tower_service::Service<Request<B>> for Receiver<I, A>
where
    I: Inbox,
    A: AddressBook,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}
