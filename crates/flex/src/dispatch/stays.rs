use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Departure;
use crate::floor::seconds;

/// How many stays are remembered. With more, what was learned before counts half: drivers change.
const REMEMBERED: u32 = 10_000;

/// The stated departures that are met are counted by the share of the stated stay that had passed, in steps of 20 per mille
/// up to four times the stay.
const SHARE: Bins = Bins { width: 20, count: 200 };

/// Stays are counted by their length, in steps of 15 minutes up to a day.
const LENGTH: Bins = Bins { width: 900, count: 96 };

/// What is reckoned with before anything was learned, as stays that were never seen, by their share of the stated stay in per
/// mille. Some leave much earlier, many about then, most of the rest later.
const SHARES_BEFORE: [(i64, u32); 7] =
    [(300, 1), (500, 2), (700, 2), (900, 3), (1_000, 6), (1_100, 4), (1_500, 2)];

/// The same by their length in seconds: short halts, half days, and working days or nights.
const LENGTHS_BEFORE: [(i64, u32); 5] = [(3_600, 4), (7_200, 4), (14_400, 4), (28_800, 6), (36_000, 2)];

/// A stay that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// When the EV came.
    pub arrival: Timestamp,
    /// When it left.
    pub departure: Timestamp,
    /// When its driver said that it would leave; `None` if the driver said nothing.
    pub stated: Option<Timestamp>,
}

/// How long drivers stay: of those who stated a departure, which part of the stated stay; of the others, how long, by the local
/// hour of arrival.
///
/// It is learned from stays that are over, starts from a guess that some 20 stays outweigh, knows no driver, and holds some
/// thousand counts at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayDistribution {
    #[serde(with = "jiff::fmt::serde::tz::required")]
    zone: TimeZone,
    shares: BTreeMap<u16, u32>,
    lengths: BTreeMap<i8, BTreeMap<u16, u32>>,
}

impl StayDistribution {
    /// Nothing learned yet. The zone's hours are those that count.
    pub fn new(zone: TimeZone) -> Self {
        let lengths = LENGTH.counts(&LENGTHS_BEFORE);
        Self {
            zone,
            shares: SHARE.counts(&SHARES_BEFORE),
            lengths: (0..24).map(|hour| (hour, lengths.clone())).collect(),
        }
    }

    /// Learns from a stay. One that ends before it begins is none.
    pub fn learn(&mut self, stay: &Stay) {
        let length = stay.departure.as_second() - stay.arrival.as_second();
        if length <= 0 {
            return;
        }
        if let Some(stated) = stated_stay(stay.stated, stay.arrival) {
            count(&mut self.shares, SHARE.of(length.saturating_mul(1_000) / stated));
        }
        // The hours before and after learn half as much.
        let hour = self.hour(stay.arrival);
        for hour in [(hour + 23) % 24, hour, hour, (hour + 1) % 24] {
            count(self.lengths.entry(hour).or_default(), LENGTH.of(length));
        }
    }

    /// The departure to reckon with for an EV that is still here at `at`: the instant by which `percent` (1 to 99) of those
    /// like it leave. A known departure stays as it is. [`Departure::Unknown`] where nothing can be said: it was here
    /// longer than any, or nobody knows when it came and what it intends.
    ///
    /// Without an `arrival`, what a stated stay has left counts as all of it.
    pub fn reckoned(
        &self,
        departure: Departure,
        arrival: Option<Timestamp>,
        at: Timestamp,
        percent: u8,
    ) -> Departure {
        let stated = match departure {
            Departure::Known(known) => return Departure::Known(known),
            Departure::Stated(stated) => stated_stay(Some(stated), arrival.unwrap_or(at)),
            Departure::Unknown => None,
        };
        let reckoned = match (stated, arrival) {
            (Some(stated), arrival) => {
                let arrival = arrival.unwrap_or(at);
                let elapsed = seconds(arrival, at).saturating_mul(1_000) / stated;
                let share = SHARE.early(&self.shares, elapsed, percent);
                share.map(|share| (arrival, share.saturating_mul(stated) / 1_000))
            }
            (None, Some(arrival)) => {
                let lengths = self.lengths.get(&self.hour(arrival));
                let length = lengths.and_then(|lengths| LENGTH.early(lengths, seconds(arrival, at), percent));
                length.map(|length| (arrival, length))
            }
            (None, None) => None,
        };
        reckoned
            .and_then(|(arrival, stay)| arrival.checked_add(SignedDuration::from_secs(stay)).ok())
            .map_or(Departure::Unknown, |leaves| Departure::Stated(leaves.max(at)))
    }

    fn hour(&self, at: Timestamp) -> i8 {
        at.to_zoned(self.zone.clone()).hour()
    }
}

/// The stated stay in seconds, if it is one of a minute or more.
fn stated_stay(stated: Option<Timestamp>, arrival: Timestamp) -> Option<i64> {
    Some(seconds(arrival, stated?)).filter(|stay| *stay >= 60)
}

fn count(counts: &mut BTreeMap<u16, u32>, bin: u16) {
    let seen = counts.entry(bin).or_default();
    *seen = seen.saturating_add(1);
    if counts.values().fold(0_u32, |sum, seen| sum.saturating_add(*seen)) > REMEMBERED {
        counts.retain(|_, seen| {
            *seen /= 2;
            *seen > 0
        });
    }
}

/// Bins of equal width from 0 on; one more holds all that is longer.
#[derive(Clone, Copy)]
struct Bins {
    width: i64,
    count: u16,
}

impl Bins {
    fn of(self, value: i64) -> u16 {
        u16::try_from(value / self.width).unwrap_or(u16::MAX).min(self.count)
    }

    fn counts(self, seen: &[(i64, u32)]) -> BTreeMap<u16, u32> {
        let mut counts = BTreeMap::new();
        for (value, times) in seen {
            *counts.entry(self.of(*value)).or_default() += times;
        }
        counts
    }

    /// The value that `percent` of those above `elapsed` do not exceed, each bin being filled evenly; `None` if it lies above
    /// the last bin, or nothing is above `elapsed`.
    fn early(self, counts: &BTreeMap<u16, u32>, elapsed: i64, percent: u8) -> Option<i64> {
        // How much of a bin's width is above `elapsed`, and where that begins. All in the last one is.
        let above = |bin: u16| {
            let start = i64::from(bin) * self.width;
            let from = if bin < self.count { start.max(elapsed) } else { start };
            (from, start + self.width - from)
        };
        let mass = |bin: u16, seen: u32| i64::from(seen) * above(bin).1;
        let present = || counts.range(self.of(elapsed)..);
        let all: i64 = present().map(|(bin, seen)| mass(*bin, *seen)).sum();
        let mut before = all * i64::from(percent.clamp(1, 99)) / 100;
        for (bin, seen) in present() {
            let own = mass(*bin, *seen);
            if own > before {
                return (*bin < self.count).then(|| above(*bin).0 + before / i64::from(*seen));
            }
            before -= own;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    /// Hours after a Monday's midnight in UTC.
    fn at(hours: i64) -> Timestamp {
        "2026-03-02T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(hours * HOUR)
    }

    fn nothing_learned() -> StayDistribution {
        StayDistribution::new(TimeZone::UTC)
    }

    /// Drivers who come at 8, say 18, and leave after `hours`, many times over.
    fn learned(hours: &[i64]) -> StayDistribution {
        let mut stays = nothing_learned();
        for _ in 0..100 {
            for stayed in hours {
                let (arrival, departure) = (at(8), at(8 + stayed));
                stays.learn(&Stay { arrival, departure, stated: Some(at(18)) });
            }
        }
        stays
    }

    fn leaves(stays: &StayDistribution, departure: Departure, now: i64, percent: u8) -> i64 {
        let reckoned = stays.reckoned(departure, Some(at(8)), at(now), percent).at().unwrap();
        reckoned.as_second() - at(8).as_second()
    }

    #[test]
    fn a_known_departure_stays_as_it_is() {
        let known = Departure::Known(at(12));
        assert_eq!(learned(&[2, 4]).reckoned(known, Some(at(8)), at(9), 20), known);
    }

    #[test]
    fn a_stated_departure_is_scaled_to_what_was_learned() {
        // Half of them leave after four of ten stated hours, the others after nine.
        let stays = learned(&[4, 9]);
        let early = leaves(&stays, Departure::Stated(at(18)), 8, 20);
        assert!((early - 4 * HOUR).abs() <= HOUR / 4, "{early} s");
        let late = leaves(&stays, Departure::Stated(at(18)), 8, 80);
        assert!((late - 9 * HOUR).abs() <= HOUR / 4, "{late} s");
        // Whoever states half as much leaves in half the time.
        let half = leaves(&stays, Departure::Stated(at(13)), 8, 20);
        assert!((half - 2 * HOUR).abs() <= HOUR / 8, "{half} s");
    }

    #[test]
    fn whoever_is_still_here_is_one_of_those_who_stay_longer() {
        let stays = learned(&[4, 9]);
        let early = leaves(&stays, Departure::Stated(at(18)), 13, 20);
        assert!((early - 9 * HOUR).abs() <= HOUR / 4, "{early} s");
        // Even after the stated time.
        let reckoned = stays.reckoned(Departure::Stated(at(18)), Some(at(8)), at(19), 20);
        assert!(matches!(reckoned, Departure::Stated(leaves) if leaves > at(19)), "{reckoned:?}");
    }

    #[test]
    fn where_nothing_is_stated_the_hour_of_arrival_counts() {
        let stays = learned(&[6]);
        let early = leaves(&stays, Departure::Unknown, 8, 50);
        assert!((early - 6 * HOUR).abs() <= HOUR / 4, "{early} s");
        // Nobody came at 20: the first guess holds.
        let evening = |stays: &StayDistribution| stays.reckoned(Departure::Unknown, Some(at(20)), at(20), 20);
        assert_eq!(evening(&stays), evening(&nothing_learned()));
        assert_eq!(stays.reckoned(Departure::Unknown, None, at(8), 20), Departure::Unknown);
    }

    #[test]
    fn without_an_arrival_what_is_left_counts_as_the_stated_stay() {
        let stays = learned(&[4, 9]);
        let with = stays.reckoned(Departure::Stated(at(18)), Some(at(8)), at(8), 20);
        assert_eq!(stays.reckoned(Departure::Stated(at(18)), None, at(8), 20), with);
    }

    #[test]
    fn an_early_departure_is_one_that_few_leave_before() {
        let stays = nothing_learned();
        let early = [1, 20, 50, 80].map(|percent| leaves(&stays, Departure::Stated(at(18)), 8, percent));
        assert!(early.is_sorted(), "{early:?}");
        assert!(early[1] < 10 * HOUR, "{early:?}");
        for now in 8..18 {
            assert!(leaves(&stays, Departure::Stated(at(18)), now, 1) >= (now - 8) * HOUR);
        }
    }

    #[test]
    fn whoever_stayed_longer_than_any_leaves_when_nobody_knows() {
        let stays = learned(&[4, 9]);
        assert_eq!(stays.reckoned(Departure::Unknown, Some(at(8)), at(40), 20), Departure::Unknown);
        assert_eq!(stays.reckoned(Departure::Stated(at(9)), Some(at(8)), at(40), 20), Departure::Unknown);
    }

    #[test]
    fn what_was_learned_long_ago_counts_less() {
        let mut stays = nothing_learned();
        let stay = |hours: i64| Stay { arrival: at(8), departure: at(8 + hours), stated: Some(at(18)) };
        for _ in 0..3 * REMEMBERED {
            stays.learn(&stay(2));
        }
        for _ in 0..REMEMBERED {
            stays.learn(&stay(8));
        }
        assert!(leaves(&stays, Departure::Stated(at(18)), 8, 50) > 7 * HOUR);
        assert!(stays.shares.values().sum::<u32>() <= REMEMBERED);
    }

    #[test]
    fn no_stay_is_learned_from_one_that_ends_before_it_begins() {
        let mut stays = nothing_learned();
        stays.learn(&Stay { arrival: at(8), departure: at(8), stated: Some(at(7)) });
        assert_eq!(stays, nothing_learned());
    }
}
