//! A market party that is no node: it posts what a test tells it to, and keeps what is posted to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::routing::post;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use jiff::Timestamp;
use tieline_edge::HttpClient;
use tieline_edge::tls::ClientTls;
use tieline_node::Ids as _;
use tieline_store::{Received, SqliteOptions, SqliteStore, Store as _};
use tieline_types::{Clock as _, ManualClock};
use tieline_uftp::message::Response;
use tieline_uftp::value::{ConversationId, DateTime, MessageId};
use tieline_uftp::{
    Client, Delivery, Endpoint, Header, Limits, Payload, Role, SignedMessage, SigningKey, Tolerance, Version,
    parse,
};
use tokio::net::TcpListener;

use crate::daemon::{CountedIds, eventually, loopback, peer};

const PATH: &str = "/shapeshifter/api/v3/message";

pub(crate) struct Party {
    pub(crate) role: Role,
    pub(crate) domain: String,
    pub(crate) key: SigningKey,
    pub(crate) mailbox: Mailbox,
    ids: CountedIds,
    clock: ManualClock,
    client: Client,
}

/// What was posted to a party.
#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) address: SocketAddr,
    posted: Arc<Mutex<Vec<Bytes>>>,
    status: Arc<AtomicU16>,
    retry_after: Arc<AtomicU64>,
    asked: Arc<AtomicUsize>,
}

/// Stands for the status of no answer at all.
const SILENCE: u16 = 0;

impl Party {
    pub(crate) async fn new(role: Role, domain: &str, clock: &ManualClock) -> Self {
        let seed = domain.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&seed.to_be_bytes());
        let http = HttpClient::new(ClientTls::platform()).allowing_plain_text().build().unwrap();
        Self {
            role,
            domain: domain.to_owned(),
            key: SigningKey::from_seed(&secret),
            mailbox: Mailbox::open().await,
            ids: CountedIds::new(seed),
            clock: clock.clone(),
            client: Client::new(http),
        }
    }

    /// This party in the configuration of a node.
    pub(crate) fn entry(&self) -> String {
        peer(&self.domain, self.role.as_str(), self.mailbox.address, &self.key)
    }

    /// The header of a new message in a new conversation.
    pub(crate) fn header(&self, recipient: &str) -> Header {
        Header {
            version: Version::V3_1_0,
            sender_domain: self.domain.parse().unwrap(),
            recipient_domain: recipient.parse().unwrap(),
            time_stamp: DateTime::utc(self.clock.now()),
            message_id: self.message_id(),
            conversation_id: ConversationId::from(self.ids.uuid()),
        }
    }

    pub(crate) fn message_id(&self) -> MessageId {
        MessageId::from(self.ids.uuid())
    }

    pub(crate) async fn post(&self, to: SocketAddr, message: impl Into<Payload>) -> Delivery {
        self.post_bytes(to, self.seal(&message.into())).await
    }

    /// The envelope names this party, whoever the message names.
    pub(crate) fn seal(&self, message: &Payload) -> Vec<u8> {
        let domain = self.domain.parse().unwrap();
        SignedMessage::seal(domain, self.role, &message.to_xml(), &self.key).to_xml()
    }

    /// A message of this party in the inbox of a node that took it at an instant and has not decided it.
    pub(crate) async fn leave_in(&self, database: &Path, message: impl Into<Payload>, at: Timestamp) {
        let message = message.into();
        let header = message.header();
        let received = Received {
            protocol: "uftp",
            peer: format!("{} {}", self.role, self.domain),
            recipient: header.recipient_domain.to_string(),
            message_id: header.message_id.to_string(),
            conversation: header.conversation_id.to_string(),
            label: message.message_type().as_str().to_owned(),
            raw: self.seal(&message).into(),
            body: message.to_xml().into(),
            note: String::new(),
            received_at: at,
        };
        let store = SqliteStore::open(database, SqliteOptions::default()).unwrap();
        store.receive(received).await.unwrap();
    }

    pub(crate) async fn post_bytes(&self, to: SocketAddr, sealed: Vec<u8>) -> Delivery {
        let endpoint: Endpoint = format!("http://{to}{PATH}").parse().unwrap();
        self.client.post(&endpoint, sealed).await
    }

    /// The answer to the message with this id.
    pub(crate) async fn answer(&self, to: MessageId) -> Response {
        self.mailbox.wait(&format!("the answer to {to}"), |payload| answer_to(payload, to)).await
    }

    /// All answers so far to the message with this id.
    pub(crate) fn answers(&self, to: MessageId) -> Vec<Response> {
        self.mailbox.payloads().iter().filter_map(|payload| answer_to(payload, to)).collect()
    }
}

fn answer_to(payload: &Payload, id: MessageId) -> Option<Response> {
    let (to, response) = payload.response()?;
    (to == id).then(|| response.clone())
}

impl Mailbox {
    async fn open() -> Self {
        let listener = TcpListener::bind((loopback(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mailbox = Self {
            address,
            posted: Arc::default(),
            status: Arc::new(AtomicU16::new(200)),
            retry_after: Arc::default(),
            asked: Arc::default(),
        };
        let own = mailbox.clone();
        let app =
            axum::Router::new().route(PATH, post(move |body: Bytes| async move { own.take(body).await }));
        tokio::spawn(async move { axum::serve(listener, app).await });
        mailbox
    }

    async fn take(&self, body: Bytes) -> (StatusCode, [(HeaderName, HeaderValue); 1]) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let status = self.status.load(Ordering::SeqCst);
        if status == SILENCE {
            std::future::pending::<()>().await;
        }
        if status == 200 {
            self.posted.lock().unwrap().push(body);
        }
        let retry_after = self.retry_after.load(Ordering::SeqCst);
        (StatusCode::from_u16(status).unwrap(), [(RETRY_AFTER, retry_after.into())])
    }

    /// Takes connections and posts from now on and never answers.
    pub(crate) fn fall_silent(&self) {
        self.answer_with(SILENCE);
    }

    /// With every answer it asks to wait for so many seconds from now on.
    pub(crate) fn ask_to_wait(&self, seconds: u64) {
        self.retry_after.store(seconds, Ordering::SeqCst);
    }

    /// How often something was posted, whatever became of it.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Answers every post with this status from now on; only what is answered with 200 is kept.
    pub(crate) fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn envelopes(&self) -> Vec<Bytes> {
        self.posted.lock().unwrap().clone()
    }

    pub(crate) fn payloads(&self) -> Vec<Payload> {
        self.envelopes().iter().map(|envelope| opened(envelope)).collect()
    }

    /// Waits until so many have come of what `wanted` gives, and gives them in the order in which they came.
    pub(crate) async fn wait_for<T>(
        &self,
        what: &str,
        count: usize,
        wanted: impl Fn(&Payload) -> Option<T>,
    ) -> Vec<T> {
        eventually(what, async || {
            let found: Vec<T> = self.payloads().iter().filter_map(&wanted).collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }

    pub(crate) async fn wait<T>(&self, what: &str, wanted: impl Fn(&Payload) -> Option<T>) -> T {
        eventually(what, async || self.payloads().iter().find_map(&wanted)).await
    }
}

/// What is in an envelope.
pub(crate) fn opened(envelope: &[u8]) -> Payload {
    let signed = SignedMessage::parse(envelope, &Limits::default()).unwrap();
    let tolerance =
        Tolerance { eighteen_digit_ean: true, absent_portfolio_elements: true, ..Tolerance::STRICT };
    parse(&signed.sealed()[64..], &tolerance).unwrap()
}
