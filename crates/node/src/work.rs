//! The node's loops: each does what is due, then sleeps until something rings or a time comes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tieline_store::StoreError;
use tieline_types::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

/// How long a loop rests after the store refused it.
const REST: Duration = Duration::from_secs(1);

/// Wakes one loop. Ringing while it works makes it look again; ringing twice is ringing once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<Notify>);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

/// The bells of all loops. Whoever commits a change set rings those whose tables it touched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bells {
    /// The inbox has something to decide.
    pub(crate) inbox: Bell,
    /// The outbox has something to deliver.
    pub(crate) outbox: Bell,
    /// A timer was set.
    pub(crate) timers: Bell,
    /// A set-point waits for its charger, or a charger came.
    pub(crate) set_points: Bell,
}

/// What a turn of a loop leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There may be more to do at once.
    Again,
    /// Nothing is due before this instant; with `None`, nothing is waiting at all.
    Until(Option<Timestamp>),
}

/// Turns until `stop`; a store that fails is reported and tried again.
pub(crate) async fn turn_until_stopped<F, Fut>(
    name: &'static str,
    clock: Arc<dyn Clock>,
    bell: Bell,
    stop: CancellationToken,
    mut turn: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Turn, StoreError>>,
{
    while !stop.is_cancelled() {
        let rest = match turn().await {
            Ok(Turn::Again) => continue,
            Ok(Turn::Until(instant)) => instant,
            Err(failure) => {
                error!(work = name, cause = %failure, retry = failure.retry(), "the store refused; trying again");
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
        };
        tokio::select! {
            () = bell.0.notified() => {}
            () = wait(&*clock, rest) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn wait(clock: &dyn Clock, until: Option<Timestamp>) {
    match until {
        Some(instant) => clock.wait_until(instant).await,
        None => std::future::pending().await,
    }
}
