//! The server of virtual time.

mod connection;
mod status;
mod table;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tieline_edge::EdgeError;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::table::Table;

pub use self::status::{ParticipantState, Status};

/// Virtual time for several processes: it moves on only when all participants are there and none has anything left to do.
///
/// Participants connect by [`VirtualClock`](tieline_edge::virtual_clock::VirtualClock). Whoever owns the server moves time, by
/// awaiting [`run_until`](Self::run_until); between two calls it stands still. A participant that is down stops time until
/// it is back, or is [dismissed](Self::dismiss).
///
/// That nothing is left to do is proved in two waves of reports: see `docs/adr/0009-virtual-time.md`.
///
/// There is no authentication: bind it to loopback.
///
/// ```
/// use tieline_edge::virtual_clock::VirtualClock;
/// use tieline_sim::TimeServer;
/// use tieline_types::Clock as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let midnight = "2026-06-10T00:00:00Z".parse()?;
/// let server = TimeServer::bind("127.0.0.1:0".parse()?, midnight, ["charger"]).await?;
/// let (clock, busy) = VirtualClock::connect(server.address(), "charger").await?;
/// // Time stands still when the last clone is gone: a participant stays as long as time is to go on.
/// let own = clock.clone();
/// let arrives = tokio::spawn(async move {
///     let wait = own.wait_until("2026-06-10T17:30:00Z".parse()?);
///     drop(busy);
///     let _busy = wait.await;
///     Ok::<_, jiff::Error>(own.now())
/// });
/// server.run_until("2026-06-11T00:00:00Z".parse()?).await;
/// assert_eq!(arrives.await??, "2026-06-10T17:30:00Z".parse()?);
/// # Ok(()) }
/// ```
pub struct TimeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    speed: Option<NonZeroU32>,
    /// When time moved last, in real time. Held by whoever moves it.
    moved: Mutex<Instant>,
    _listening: DropGuard,
}

/// What the owner and the connections share.
struct Shared {
    table: watch::Sender<Table>,
    said: watch::Sender<Said>,
}

/// What all participants are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    now: Timestamp,
    /// Waits for this instant end: everybody shows it.
    ends: Timestamp,
    round: u64,
}

impl TimeServer {
    /// Listens at `address`; time stands at `start`, and does so until all `participants` have come.
    ///
    /// Needs a tokio runtime, which it leaves a task in.
    pub async fn bind<Name: Into<String>>(
        address: SocketAddr,
        start: Timestamp,
        participants: impl IntoIterator<Item = Name>,
    ) -> Result<Self, EdgeError> {
        let failed = |source| EdgeError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let table = Table::new(start, participants.into_iter().map(Into::into));
        let said = Said { now: start, ends: start, round: 0 };
        let shared = Arc::new(Shared { table: watch::Sender::new(table), said: watch::Sender::new(said) });
        let stop = CancellationToken::new();
        let listening = connection::listen(listener, Arc::clone(&shared), stop.clone());
        tokio::spawn(listening);
        let moved = Mutex::new(Instant::now());
        Ok(Self { address, shared, speed: None, moved, _listening: stop.drop_guard() })
    }

    /// Lets at most so many virtual seconds pass in each real one. Without it time goes as fast as its participants do.
    pub fn with_speed(mut self, virtual_seconds_per_second: NonZeroU32) -> Self {
        self.speed = Some(virtual_seconds_per_second);
        self
    }

    /// Where participants connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.shared.table.borrow().now
    }

    /// Who is there, and who is waited for.
    pub fn status(&self) -> Status {
        self.shared.table.borrow().status()
    }

    /// Waits for one more participant from now on.
    pub fn expect(&self, name: impl Into<String>) {
        let name = name.into();
        self.shared.table.send_modify(|table| table.expect(name));
    }

    /// Waits for a participant no longer, whether it is there or not.
    pub fn dismiss(&self, name: &str) {
        self.shared.table.send_modify(|table| table.dismiss(name));
    }

    /// Lets time pass until it is `until`, or later already, and nobody has anything left to do at that instant.
    ///
    /// It does not end while a participant is missing or busy; [`status`](Self::status) tells who. Dropping the future leaves time
    /// where it is.
    pub async fn run_until(&self, until: Timestamp) {
        let mut moved = self.moved.lock().await;
        let mut table = self.shared.table.subscribe();
        loop {
            self.begin(&mut table).await;
            let next = self.stillness(&mut table).await;
            let now = self.now();
            if now >= until {
                return;
            }
            let target = next.map_or(until, |next| next.min(until));
            let earliest = self.speed.map(|speed| *moved + at_speed(now, target, speed));
            if let Some(earliest) = earliest.filter(|earliest| *earliest > Instant::now()) {
                sleep_until(earliest).await;
                // Somebody may have become busy meanwhile, by something from outside.
                continue;
            }
            self.shared.table.send_modify(|table| table.move_to(target));
            self.shared.said.send_modify(|said| said.now = target);
            *moved = Instant::now();
        }
    }

    /// Lets the present instant begin once everybody shows it, so that nobody is given work by somebody who is ahead.
    async fn begin(&self, table: &mut watch::Receiver<Table>) {
        let now = self.now();
        if self.shared.said.borrow().ends != now {
            seen(table, |table| table.is_shown().then_some(())).await;
            self.shared.said.send_modify(|said| said.ends = now);
        }
    }

    /// [`run_until`](Self::run_until) so much later than now; by nothing, it waits until nothing is left to do now.
    pub async fn advance(&self, by: SignedDuration) {
        let until = self.now().checked_add(by).unwrap_or(Timestamp::MAX);
        self.run_until(until).await;
    }

    /// Waits for a moment at which nobody had anything left to do, and gives the earliest instant that somebody waits for.
    async fn stillness(&self, table: &mut watch::Receiver<Table>) -> Option<Timestamp> {
        loop {
            // The first wave comes by itself. Its reports were made at different moments, so they prove nothing together.
            let before = seen(table, |table| table.is_still().then(|| table.stillnesses())).await;
            // The second is asked for after all of the first have come. Whoever has been still without a break since its first
            // report was so at this moment, and if that is everybody, nothing was on its way.
            let mut round = 0;
            self.shared.said.send_modify(|said| {
                said.round += 1;
                round = said.round;
            });
            let proof = seen(table, |table| {
                if !table.is_still() {
                    return Some(None);
                }
                let same = || (table.stillnesses() == before).then(|| table.next_wait());
                table.has_answered(round).then(same)
            });
            if let Some(next) = proof.await {
                return next;
            }
        }
    }
}

/// Looks at the table whenever it has changed, until something is seen.
async fn seen<T>(table: &mut watch::Receiver<Table>, look: impl Fn(&Table) -> Option<T>) -> T {
    loop {
        if let Some(seen) = look(&table.borrow_and_update()) {
            return seen;
        }
        table.changed().await.expect("whoever looks owns the table's sender, too");
    }
}

/// How long the way from `now` to `target` takes at the most.
fn at_speed(now: Timestamp, target: Timestamp, speed: NonZeroU32) -> Duration {
    Duration::try_from(now.duration_until(target)).unwrap_or_default() / speed.get()
}

impl fmt::Debug for TimeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeServer")
            .field("address", &self.address)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
