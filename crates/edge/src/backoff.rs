use std::time::Duration;

/// How long to wait before the next attempt: it grows by a factor up to a maximum, with jitter below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The pause after the first attempt.
    pub first: Duration,
    /// The longest pause.
    pub max: Duration,
}

impl Backoff {
    /// Pauses from `first`, doubling up to `max`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// The pause after `attempts` attempts (1 or more): between half of the doubled pause and all of it, where
    /// `random` chooses.
    pub fn after(self, attempts: u32, random: u64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.max);
        let half = whole / 2;
        let half_nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        half + Duration::from_nanos(if half_nanos == 0 { 0 } else { random % half_nanos })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_maximum_and_jitters_below() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        for (attempts, whole) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            for random in [0, 1, 999_999_999, u64::MAX] {
                let pause = backoff.after(attempts, random);
                assert!(pause >= Duration::from_secs(whole) / 2, "{attempts} {random} {pause:?}");
                assert!(pause <= Duration::from_secs(whole), "{attempts} {random} {pause:?}");
            }
        }
        assert_eq!(Backoff::new(Duration::ZERO, Duration::ZERO).after(3, 7), Duration::ZERO);
    }
}
