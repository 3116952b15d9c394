//! The server's end of a participant's connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tieline_edge::virtual_clock::wire::{FromParticipant, FromServer, Lines, MAX_NAME, VERSION, WireError};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{Said, Shared};

/// How long a new connection may take to say who it is; in real time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many connections may be open.
const MAX_CONNECTIONS: usize = 1024;

/// The pause after the system would not accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

type ParticipantLines = Lines<FromParticipant, FromServer>;

/// Takes connections until `stop`, which ends those that are open, too.
pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let mut last = 0;
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (socket, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                warn!(%cause, "no connection can be accepted now");
                sleep(PAUSE).await;
                continue;
            }
        };
        if connections.len() >= MAX_CONNECTIONS {
            warn!(%remote, "too many connections to the time server");
            continue;
        }
        last += 1;
        let connection = Connection { number: last, remote, shared: Arc::clone(&shared) };
        connections.spawn(stop.clone().run_until_cancelled_owned(connection.run(socket)));
    }
}

struct Connection {
    number: u64,
    remote: SocketAddr,
    shared: Arc<Shared>,
}

impl Connection {
    async fn run(self, socket: TcpStream) {
        let joined = match ParticipantLines::over(socket) {
            Ok(lines) => self.join(lines).await,
            Err(error) => Err(error),
        };
        match joined {
            Ok(Some((mut lines, place))) => {
                info!(name = place.name, remote = %self.remote, "joined virtual time");
                let ended = self.serve(&mut lines, &place).await;
                warn!(name = place.name, remote = %self.remote, cause = ?ended.err(), "left virtual time");
            }
            Ok(None) => {}
            Err(cause) => warn!(remote = %self.remote, %cause, "this is no participant of virtual time"),
        }
    }

    /// Hears who it is, and gives it its place if it is expected.
    async fn join(
        &self,
        mut lines: ParticipantLines,
    ) -> Result<Option<(ParticipantLines, Place)>, WireError> {
        let Ok(Some(hello)) = timeout(PATIENCE, lines.next()).await else { return Ok(None) };
        let cause = match hello? {
            FromParticipant::Hello { version, .. } if version != VERSION => {
                format!("this is version {VERSION}, not {version}")
            }
            FromParticipant::Hello { name, .. } if name.len() > MAX_NAME => {
                format!("the name is longer than {MAX_NAME} bytes")
            }
            FromParticipant::Hello { name, .. } => match Place::take(&self.shared, name, self.number) {
                Ok(place) => return Ok(Some((lines, place))),
                Err(name) => format!("nobody expects a participant `{name}`"),
            },
            FromParticipant::Shows { .. } | FromParticipant::Report { .. } => "say hello first".to_owned(),
        };
        warn!(remote = %self.remote, cause, "a participant of virtual time was refused");
        lines.say(&FromServer::Refused { cause }).await?;
        Ok(None)
    }

    /// Takes its reports and passes on what all are told, until the connection ends or has a successor.
    async fn serve(&self, lines: &mut ParticipantLines, place: &Place) -> Result<(), WireError> {
        let mut said = self.shared.said.subscribe();
        let mut told = *said.borrow_and_update();
        told.now = self.shared.table.borrow().now;
        lines.say(&FromServer::Time { now: told.now }).await?;
        // Also a newcomer's: it may have been away when they ended for the others.
        if told.ends == told.now {
            lines.say(&FromServer::End { now: told.ends }).await?;
        }
        loop {
            tokio::select! {
                heard = lines.next() => match heard {
                    Some(heard) => self.heard(&heard?, place)?,
                    None => return Ok(()),
                },
                changed = said.changed() => {
                    let new = *said.borrow_and_update();
                    if changed.is_err() || !self.shared.table.borrow().is_joined(&place.name, self.number) {
                        return Ok(());
                    }
                    self.tell(lines, place, &told, &new).await?;
                    told = new;
                }
            }
        }
    }

    fn heard(&self, message: &FromParticipant, place: &Place) -> Result<(), WireError> {
        let table = &self.shared.table;
        match *message {
            FromParticipant::Shows { now, still } => {
                table.send_modify(|table| table.shows(&place.name, self.number, now, still));
            }
            FromParticipant::Report { round, still } => {
                table.send_modify(|table| table.report(&place.name, self.number, round, still));
            }
            FromParticipant::Hello { .. } => {
                return Err(WireError::Unreadable("a second hello".to_owned()));
            }
        }
        Ok(())
    }

    /// Says what is new.
    async fn tell(
        &self,
        lines: &mut ParticipantLines,
        place: &Place,
        old: &Said,
        new: &Said,
    ) -> Result<(), WireError> {
        if new.now != old.now {
            lines.say(&FromServer::Time { now: new.now }).await?;
        }
        if new.ends != old.ends && !self.shared.table.borrow().was_still(&place.name) {
            lines.say(&FromServer::End { now: new.ends }).await?;
        }
        if new.round != old.round {
            lines.say(&FromServer::Probe { round: new.round }).await?;
        }
        Ok(())
    }
}

/// A participant's place in the table; it leaves when this is dropped.
struct Place {
    shared: Arc<Shared>,
    name: String,
    connection: u64,
}

impl Place {
    /// Gives the name back if nobody expects it.
    fn take(shared: &Arc<Shared>, name: String, connection: u64) -> Result<Self, String> {
        let mut expected = false;
        shared.table.send_modify(|table| expected = table.join(&name, connection));
        if expected { Ok(Self { shared: Arc::clone(shared), name, connection }) } else { Err(name) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.table.send_modify(|table| table.leave(&self.name, self.connection));
    }
}
