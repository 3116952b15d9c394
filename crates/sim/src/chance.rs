use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64;
use sha2::{Digest as _, Sha256};

/// A stream of draws that a seed and a name determine.
///
/// Everything that is drawn has a stream of its own, so that drawing more of one thing changes nothing of another. Draws use integers
/// alone and a generator whose values are fixed for ever (PCG64): the same seed gives the same on every machine.
#[derive(Clone, Debug)]
pub struct Chance(Pcg64);

impl Chance {
    /// The stream of this name and number under a seed.
    pub fn of(seed: u64, name: &str, number: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(number.to_be_bytes());
        hash.update(name.as_bytes());
        Self(Pcg64::from_seed(hash.finalize().into()))
    }

    /// A number from 0 up to, and not including, `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(end);
        u64::try_from(wide >> 64).expect("less than end")
    }

    /// A number from `first` to `last`, both included; `first` if `last` is less.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        let width = u64::try_from(i128::from(last) - i128::from(first)).unwrap_or(0).saturating_add(1);
        first.saturating_add_unsigned(self.below(width))
    }

    /// True so many times in a thousand.
    pub fn per_mille(&mut self, share: u16) -> bool {
        self.below(1000) < u64::from(share)
    }

    /// One of the values, each as likely as its weight; `None` if there is none with a weight.
    pub fn weighted<T: Copy>(&mut self, values: &[(T, u16)]) -> Option<T> {
        let total = values.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        values.iter().filter(|(_, weight)| *weight > 0).find_map(|(value, weight)| {
            let hit = left < u64::from(*weight);
            left = left.saturating_sub(u64::from(*weight));
            hit.then_some(*value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_fixed_for_ever() {
        let mut chance = Chance::of(7, "arrival", 3);
        let drawn: Vec<u64> = (0..4).map(|_| chance.below(1_000_000)).collect();
        assert_eq!(drawn, FIXED);
    }

    const FIXED: [u64; 4] = [497_396, 755_305, 596_582, 468_934];

    #[test]
    fn streams_differ_by_seed_name_and_number() {
        let first = |mut chance: Chance| chance.below(u64::MAX);
        let known = first(Chance::of(7, "arrival", 3));
        for other in [Chance::of(8, "arrival", 3), Chance::of(7, "stay", 3), Chance::of(7, "arrival", 4)] {
            assert_ne!(first(other), known);
        }
    }

    #[test]
    fn draws_keep_their_bounds_and_shares() {
        let mut chance = Chance::of(1, "bounds", 0);
        let draws: Vec<i64> = (0..10_000).map(|_| chance.between(-2, 2)).collect();
        assert!((-2..=2).all(|value| draws.iter().filter(|draw| **draw == value).count() > 1800));
        assert!(draws.iter().all(|draw| (-2..=2).contains(draw)));
        assert_eq!((chance.between(5, 4), chance.below(0)), (5, 0));
        let hits = (0..10_000).filter(|_| chance.per_mille(250)).count();
        assert!((2350..2650).contains(&hits), "{hits}");
        assert_eq!(chance.weighted(&[("a", 0), ("b", 3), ("c", 0)]), Some("b"));
        assert_eq!(chance.weighted(&[("a", 0)]), None);
        let third = (0..10_000).filter(|_| chance.weighted(&[(1, 1), (2, 2)]) == Some(1)).count();
        assert!((3150..3520).contains(&third), "{third}");
    }
}
