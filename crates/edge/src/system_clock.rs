use std::time::Duration;

use jiff::Timestamp;
use tieline_types::{Busy, Clock};

/// How long to sleep at most before looking at the wall clock again, which may have been set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The machine's wall clock.
///
/// A wait follows the wall clock: after the clock was set, or the machine was asleep, it ends within ten seconds of
/// its instant. Waiting needs a tokio runtime with time enabled.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
        Timestamp::now()
    }

    fn wait_until(&self, at: Timestamp) -> tieline_types::WaitUntil<'_> {
        Box::pin(async move {
            loop {
                // Negative once the instant has come.
                let Ok(left) = Duration::try_from(self.now().duration_until(at)) else {
                    return Busy::unheeded();
                };
                if left.is_zero() {
                    return Busy::unheeded();
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[tokio::test]
    async fn waits_until_the_instant_and_not_for_the_past() {
        let clock = SystemClock;
        let _busy = clock.wait_until(Timestamp::MIN).await;
        let at = clock.now() + SignedDuration::from_millis(30);
        let _busy = clock.wait_until(at).await;
        assert!(clock.now() >= at);
    }
}
