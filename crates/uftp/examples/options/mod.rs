//! What the examples have in common: their flags, their clock, and what they print.

use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_edge::listener::{Listener as _, PlainListener};
use tieline_edge::tls::ClientTls;
use tieline_edge::{HttpClient, ServeConfig, SystemClock};
use tieline_types::{Busy, Clock, Domain, IspCalendar, IspDuration, WaitUntil};
use tieline_uftp::rules::Terms;
use tieline_uftp::server::{FixedAddressBook, KnownParticipant};
use tieline_uftp::service::{RoleRoutes, RoleType, Running, Setup};
use tieline_uftp::storage::MemoryStorage;
use tieline_uftp::{Client, Participant, Role, SigningKey, Tolerance};
use tokio_util::sync::CancellationToken;

/// The flags of every example.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Where peers post to, at the path /shapeshifter/api/v3/message.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// In whose name to sign.
    #[arg(long)]
    domain: Domain,
    /// The private key: its Base64, or a file that holds it.
    #[arg(long)]
    key: String,
    /// A participant to know: its role, domain, public key and URL, joined by commas.
    #[arg(long = "peer")]
    peers: Vec<Peer>,
    /// Evaluate rules as of this instant, and go on from there: to replay recorded messages.
    #[arg(long)]
    now: Option<Timestamp>,
}

/// A participant in the shape `ROLE,DOMAIN,PUBLIC_KEY,URL`.
#[derive(Debug, Clone)]
struct Peer {
    participant: Participant,
    known: KnownParticipant,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(4, ',').collect();
        let [role, domain, key, url] = parts[..] else {
            return Err("expected ROLE,DOMAIN,PUBLIC_KEY,URL".to_owned());
        };
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let role: Role = role.parse().map_err(|error| words(&error))?;
        let domain = domain.parse().map_err(|error| words(&error))?;
        let known = KnownParticipant::new(vec![key.parse().map_err(|error| words(&error))?])
            .at(url.parse().map_err(|error| words(&error))?)
            .tolerating(Tolerance::LENIENT);
        Ok(Self { participant: Participant { role, domain }, known })
    }
}

/// A participant at work, in memory.
pub(crate) type Example<R> = Running<R, MemoryStorage, FixedAddressBook>;

impl Options {
    /// The participants in a role.
    pub(crate) fn peers(&self, role: Role) -> Vec<Domain> {
        let of_role = self.peers.iter().filter(|peer| peer.participant.role == role);
        of_role.map(|peer| peer.participant.domain.clone()).collect()
    }

    /// The clock: the machine's, or one that began at `--now` when it was made.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self.now {
            Some(now) => Arc::new(Since(now.duration_since(SystemClock.now()))),
            None => Arc::new(SystemClock),
        }
    }

    /// Starts a participant with these handlers and serves it until the process ends; `at_line` is called with each line of
    /// standard input.
    pub(crate) async fn run<R: RoleType>(
        &self,
        handlers: impl Into<RoleRoutes<R>>,
        clock: Arc<dyn Clock>,
        at_line: impl AsyncFn(&Example<R>) -> Result<()>,
    ) -> Result<()> {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
        let text = if Path::new(&self.key).is_file() {
            std::fs::read_to_string(&self.key)?
        } else {
            self.key.clone()
        };
        let key: SigningKey = text.parse().context("--key is neither a key nor a file with one")?;
        let book = self.peers.iter().fold(FixedAddressBook::new(), |book, peer| {
            let Participant { role, domain } = peer.participant.clone();
            book.with(role, domain, peer.known.clone())
        });
        let http = HttpClient::new(ClientTls::platform()).allowing_plain_text().build()?;
        let terms = Arc::new(Terms::new(calendar()?));
        let storage = Arc::new(MemoryStorage::new());
        let mut setup =
            Setup::new(self.domain.clone(), key, handlers, book, storage, terms, Client::new(http));
        setup.clock = clock;
        let running = setup.start();

        let listener = PlainListener::bind(self.listen)?;
        tracing::info!(role = %R::ROLE, domain = %self.domain, address = %listener.local_addr()?, "listening");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(running.serve(listener, ServeConfig::default(), stop.clone()));
        let (lines, mut read) = tokio::sync::mpsc::channel(1);
        std::thread::spawn(move || {
            let read = std::io::stdin().lines().map_while(Result::ok);
            read.for_each(|_| lines.blocking_send(()).unwrap_or(()));
        });
        while read.recv().await.is_some() {
            at_line(&running).await?;
        }
        tokio::signal::ctrl_c().await?;
        stop.cancel();
        serving.await?;
        running.stop().await;
        Ok(())
    }
}

/// Days of Amsterdam in quarter-hours.
pub(crate) fn calendar() -> Result<IspCalendar> {
    Ok(IspCalendar::new(TimeZone::get("Europe/Amsterdam")?, IspDuration::PT15M))
}

/// The machine's clock, so much ahead.
#[derive(Debug)]
struct Since(SignedDuration);

impl Clock for Since {
    fn now(&self) -> Timestamp {
        SystemClock.now().checked_add(self.0).unwrap_or(Timestamp::MAX)
    }

    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_> {
        let at = at.checked_sub(self.0).unwrap_or(Timestamp::MAX);
        Box::pin(async move {
            let _waited = SystemClock.wait_until(at).await;
            Busy::unheeded()
        })
    }
}
