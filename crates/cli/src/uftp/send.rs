//! One message to a participant, and its answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use tieline_edge::listener::PlainListener;
use tieline_edge::tls::ClientTls;
use tieline_edge::{HttpClient, Ids as _, RandomIds, ServeConfig, SystemClock};
use tieline_types::{Clock as _, Domain};
use tieline_uftp::server::{
    FixedAddressBook, Inbox, InboxError, KnownParticipant, Receipt, Receiver, ReceiverConfig,
};
use tieline_uftp::{
    Client, Delivery, Endpoint, Participant, Payload, Received, Revision, Role, SignedMessage, Tolerance,
    VerifyingKey, parse,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::document::{Defaults, payload};
use super::lookup::role;
use super::{read, read_key};

/// Exit code: the message was rejected, or not taken.
const REJECTED: u8 = 3;
/// Exit code: there was no answer in time.
const NO_ANSWER: u8 = 5;

/// Post a message and wait for its answer. Nothing is kept: a node does better.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 it was accepted; 3 rejected or not taken; 5 no answer came in time.")]
pub(crate) struct Send {
    /// The signing key's file, as `keygen` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The sender's domain.
    #[arg(long)]
    domain: Domain,
    /// The sender's role: AGR, CRO or DSO.
    #[arg(long, value_parser = role)]
    role: Role,
    /// The recipient's role.
    #[arg(long, value_parser = role, value_name = "ROLE")]
    to_role: Role,
    /// The recipient's domain.
    #[arg(long, value_name = "DOMAIN")]
    to: Domain,
    /// Where the recipient takes messages.
    #[arg(long, value_name = "URL")]
    endpoint: Endpoint,
    /// The recipient's public key, by which its answer is believed.
    #[arg(long, value_name = "KEY")]
    public_key: Vec<VerifyingKey>,
    /// Where the recipient posts its answer to: the sender's own address. Without it no answer is waited for.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// How long the answer is waited for, in seconds.
    #[arg(long, default_value_t = 60)]
    wait: u64,
    /// The message as XML, complete, or as JSON with the names of the wire, in which headers are filled in; standard input
    /// without it.
    message: Option<PathBuf>,
}

impl Send {
    pub(super) async fn execute(&self) -> anyhow::Result<ExitCode> {
        let key = read_key(&self.key)?;
        let document = payload(&read(self.message.as_deref())?, &self.defaults())?;
        let message = parse(&document, &Tolerance::LENIENT).context("it is no valid message")?;
        ensure!(*message.recipient() == self.to, "the message is for {}", message.recipient());
        let envelope = SignedMessage::seal(self.domain.clone(), self.role, &document, &key).to_xml();
        let mut answers = self.listen.map(|address| self.listen(address)).transpose()?;

        let http = HttpClient::new(ClientTls::platform());
        let plain = self.endpoint.uri().scheme_str() == Some("http");
        let http = if plain { http.allowing_plain_text() } else { http }.build()?;
        let header = message.header();
        println!("{} {} to {}", message.message_type(), header.message_id, self.endpoint);
        match Client::new(http).post(&self.endpoint, envelope).await {
            Delivery::Delivered => println!("delivered"),
            Delivery::Temporary { cause, .. } => {
                println!("not taken now: {cause}");
                return Ok(ExitCode::from(REJECTED));
            }
            Delivery::Permanent { cause, .. } => {
                println!("refused: {cause}");
                return Ok(ExitCode::from(REJECTED));
            }
            other => bail!("{other:?}"),
        }
        match &mut answers {
            Some(answers) => self.answer(&message, answers).await,
            None => Ok(ExitCode::SUCCESS),
        }
    }

    fn defaults(&self) -> Defaults {
        vec![
            ("Version", Revision::LATEST.version.to_string()),
            ("SenderDomain", self.domain.to_string()),
            ("RecipientDomain", self.to.to_string()),
            ("TimeStamp", SystemClock.now().to_string()),
            ("MessageID", RandomIds.uuid().to_string()),
            ("ConversationID", RandomIds.uuid().to_string()),
        ]
    }

    /// Takes what the recipient posts.
    fn listen(&self, address: SocketAddr) -> anyhow::Result<mpsc::Receiver<Received>> {
        ensure!(!self.public_key.is_empty(), "an answer is believed only by a --public-key");
        let (post, posted) = mpsc::channel(16);
        let known = KnownParticipant::new(self.public_key.clone()).tolerating(Tolerance::LENIENT);
        let book = FixedAddressBook::new().with(self.to_role, self.to.clone(), known);
        let own = Participant { role: self.role, domain: self.domain.clone() };
        let config = ReceiverConfig::new(vec![own]);
        let receiver = Receiver::new(Posted(post), book, Arc::new(SystemClock), config);
        let listener = PlainListener::bind(address).with_context(|| address.to_string())?;
        tokio::spawn(tieline_edge::serve(
            listener,
            receiver,
            ServeConfig::default(),
            CancellationToken::new(),
        ));
        Ok(posted)
    }

    async fn answer(
        &self,
        message: &Payload,
        answers: &mut mpsc::Receiver<Received>,
    ) -> anyhow::Result<ExitCode> {
        let header = message.header();
        let answers_it = |found: &Payload| match found.response() {
            Some((id, _)) => id == header.message_id,
            None => {
                Some(found.message_type()) == message.message_type().answer()
                    && found.header().conversation_id == header.conversation_id
            }
        };
        let waited = async {
            while let Some(received) = answers.recv().await {
                println!("\n{}", String::from_utf8_lossy(&received.payload_bytes));
                if answers_it(&received.payload) {
                    return Some(received);
                }
            }
            None
        };
        let answer = tokio::time::timeout(Duration::from_secs(self.wait), waited).await.ok().flatten();
        let Some(answer) = answer else {
            println!("no answer within {} seconds", self.wait);
            return Ok(ExitCode::from(NO_ANSWER));
        };
        let rejected = answer.payload.response().is_some_and(|(_, response)| !response.is_accepted());
        Ok(if rejected { ExitCode::from(REJECTED) } else { ExitCode::SUCCESS })
    }
}

/// Hands on what is posted.
struct Posted(mpsc::Sender<Received>);

impl Inbox for Posted {
    async fn accept(&self, received: Received) -> Result<Receipt, InboxError> {
        let taken = self.0.send(received).await;
        taken.map_err(|gone| InboxError::Storage(Box::new(gone)))?;
        Ok(Receipt::Stored)
    }
}
