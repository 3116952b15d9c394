//! A clock that several processes share, and that moves on only when none of them has anything left to do.
//!
//! The time server is `tieline_sim`'s; here are its client, [`VirtualClock`], and the [`wire`] between the two. Why time can't move
//! while a message is on its way is in `docs/adr/0009-virtual-time.md`; in short: whoever sends is [`Busy`] until it has
//! the answer, and whoever receives becomes busy before it answers.
//!
//! Only this clock is virtual. Sockets, their time-outs and this link itself are in real time.

mod error;
mod link;
pub mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tieline_types::{Busy, Clock, ManualClock, WaitUntil};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::error::VirtualClockError;
use self::link::Link;

/// The time of a time server. Clones are one participant, which leaves when the last of them is dropped.
///
/// While the server can't be reached, time stands still here, and the server lets nobody else's go on either. The clock connects again
/// by itself.
#[derive(Clone)]
pub struct VirtualClock {
    clock: ManualClock,
    name: Arc<str>,
    _connected: Arc<DropGuard>,
}

impl VirtualClock {
    /// Joins the time server as the participant `name`, which it must expect, and learns the time.
    ///
    /// Time stands still until the guard is dropped: hold it until all that works by this clock holds guards of its own.
    /// Needs a tokio runtime, which it leaves a task in.
    pub async fn connect(server: SocketAddr, name: &str) -> Result<(Self, Busy), VirtualClockError> {
        let (lines, now) = link::join(server, name).await?;
        let clock = ManualClock::new(now);
        let busy = clock.busy();
        let name = Arc::<str>::from(name);
        let stop = CancellationToken::new();
        let link = Link { server, name: Arc::clone(&name), clock: clock.clone() };
        tokio::spawn(stop.clone().run_until_cancelled_owned(link.run(lines, now)));
        Ok((Self { clock, name, _connected: Arc::new(stop.drop_guard()) }, busy))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn wait_until(&self, at: Timestamp) -> WaitUntil<'_> {
        self.clock.wait_until(at)
    }

    fn busy(&self) -> Busy {
        self.clock.busy()
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock")
            .field("name", &self.name)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
