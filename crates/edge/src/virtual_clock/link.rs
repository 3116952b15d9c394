//! The task that keeps a virtual clock in step with its server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tieline_types::{Clock as _, ManualClock, Stillness};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::VirtualClockError;
use super::wire::{FromParticipant, FromServer, Lines, VERSION};

/// How long the server may take to accept the connection, and again to say the time; in real time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause before the first attempt to connect again. It doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) type ServerLines = Lines<FromServer, FromParticipant>;

/// Connects, says hello and is told the time.
pub(super) async fn join(
    server: SocketAddr,
    name: &str,
) -> Result<(ServerLines, Timestamp), VirtualClockError> {
    let silent = |_| VirtualClockError::Silent { server };
    let socket = timeout(PATIENCE, TcpStream::connect(server)).await.map_err(silent)?;
    let socket = socket.map_err(|source| VirtualClockError::Unreachable { server, source })?;
    let mut lines = ServerLines::over(socket)?;
    lines.say(&FromParticipant::Hello { version: VERSION, name: name.to_owned() }).await?;
    match timeout(PATIENCE, lines.next()).await.map_err(silent)? {
        Some(Ok(FromServer::Time { now })) => Ok((lines, now)),
        Some(Ok(FromServer::Refused { cause })) => Err(VirtualClockError::Refused(cause)),
        Some(Ok(FromServer::End { .. } | FromServer::Probe { .. })) | None => Err(VirtualClockError::Ended),
        Some(Err(error)) => Err(error.into()),
    }
}

/// A participant's end of the connection.
pub(super) struct Link {
    pub(super) server: SocketAddr,
    pub(super) name: Arc<str>,
    pub(super) clock: ManualClock,
}

impl Link {
    /// Follows the server, which has said that it is `now`, and connects again whenever that ends.
    pub(super) async fn run(self, mut lines: ServerLines, mut now: Timestamp) {
        loop {
            let Err(cause) = self.follow(&mut lines, now).await;
            warn!(name = %self.name, server = %self.server, cause = %Causes(&cause), "virtual time stands still");
            (lines, now) = self.join_again().await;
            info!(name = %self.name, server = %self.server, "virtual time goes on");
        }
    }

    async fn join_again(&self) -> (ServerLines, Timestamp) {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            match join(self.server, &self.name).await {
                Ok(joined) => return joined,
                Err(cause) if !cause.retry() => {
                    warn!(name = %self.name, server = %self.server, cause = %Causes(&cause), "no virtual time");
                }
                Err(_) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Shows what the server says, and reports every stillness once.
    async fn follow(&self, lines: &mut ServerLines, now: Timestamp) -> Result<Infallible, VirtualClockError> {
        // The activity of the stillness that the server knows of.
        let mut known = self.show(lines, now).await?;
        loop {
            tokio::select! {
                biased;
                said = lines.next() => match said.ok_or(VirtualClockError::Ended)?? {
                    FromServer::Time { now } => known = self.show(lines, now).await?,
                    FromServer::End { now } => self.begin(now)?,
                    FromServer::Probe { round } => {
                        let still = self.clock.stillness();
                        known = still.map(|still| still.activity).or(known);
                        report(lines, Some(round), still).await?;
                    }
                    FromServer::Refused { cause } => return Err(VirtualClockError::Refused(cause)),
                },
                still = self.clock.still(known) => {
                    known = Some(still.activity);
                    report(lines, None, Some(still)).await?;
                }
            }
        }
    }

    /// Gives the activity of the stillness that the server was told of.
    async fn show(&self, lines: &mut ServerLines, told: Timestamp) -> Result<Option<u64>, VirtualClockError> {
        let now = self.clock.now();
        if told < now {
            return Err(VirtualClockError::OutOfStep { told, now });
        }
        self.clock.show(told);
        let still = self.clock.stillness();
        lines.say(&FromParticipant::Shows { now: told, still }).await?;
        Ok(still.map(|still| still.activity))
    }

    fn begin(&self, told: Timestamp) -> Result<(), VirtualClockError> {
        let now = self.clock.now();
        if told != now {
            return Err(VirtualClockError::OutOfStep { told, now });
        }
        self.clock.set(now);
        Ok(())
    }
}

async fn report(
    lines: &mut ServerLines,
    round: Option<u64>,
    still: Option<Stillness>,
) -> Result<(), VirtualClockError> {
    Ok(lines.say(&FromParticipant::Report { round, still }).await?)
}

/// An error with its causes.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}
