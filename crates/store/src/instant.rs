//! Instants as the stores keep them: whole nanoseconds of the Unix epoch in 64 bits.

use jiff::Timestamp;

/// Nanoseconds of the Unix epoch. An instant beyond the range, which ends in the year 2262, counts as its end.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

/// The instant as it will be read back.
pub(crate) fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds(at))).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_instants_count_as_the_ends_of_the_range() {
        assert_eq!(nanoseconds(Timestamp::MAX), i64::MAX);
        assert_eq!(nanoseconds(Timestamp::MIN), i64::MIN);
        let now = Timestamp::from_nanosecond(1_780_000_000_123_456_789).unwrap();
        assert_eq!(kept(now), now);
        assert_eq!(kept(kept(Timestamp::MAX)), kept(Timestamp::MAX));
    }
}
