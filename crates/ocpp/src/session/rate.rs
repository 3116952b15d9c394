//! How many messages a peer may send.

use std::time::Duration;

use tokio::time::Instant;

/// How many messages a peer may send. Beyond that nothing is read from it until it may again: nothing is lost, the peer's own
/// network slows it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRate {
    /// In the long run, in a second; at least 1.
    pub per_second: u32,
    /// At once, after a silence; at least 1.
    pub burst: u32,
}

impl MessageRate {
    fn each(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }
}

/// What a peer has used of its rate: the instant at which all that it sent would have been in time.
#[derive(Debug)]
pub(super) struct Rate {
    limit: Option<MessageRate>,
    in_time: Instant,
}

impl Rate {
    pub(super) fn new(limit: Option<MessageRate>, now: Instant) -> Self {
        Self { limit, in_time: now }
    }

    /// A message has come. Until when none is to be read, if the rate is used up.
    pub(super) fn used_up(&mut self, now: Instant) -> Option<Instant> {
        let limit = self.limit?;
        self.in_time = self.in_time.max(now) + limit.each();
        let until = self.in_time.checked_sub(limit.each() * (limit.burst.max(1) - 1))?;
        (until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_is_borne_and_then_the_rate() {
        let begin = Instant::now();
        let mut rate = Rate::new(Some(MessageRate { per_second: 10, burst: 3 }), begin);
        assert_eq!(rate.used_up(begin), None);
        assert_eq!(rate.used_up(begin), None);
        let until = rate.used_up(begin).unwrap();
        assert_eq!(until, begin + Duration::from_millis(100));
        assert_eq!(rate.used_up(until), Some(until + Duration::from_millis(100)));
        // A silence gives the burst back, and no more.
        let later = begin + Duration::from_mins(1);
        assert_eq!([(); 3].map(|()| rate.used_up(later).is_some()), [false, false, true]);
        let mut free = Rate::new(None, begin);
        assert!((0..1000).all(|_| free.used_up(begin).is_none()));
    }
}
