use crate::Chance;

/// A distribution of whole numbers, told by its quantiles: between two of them every number is as likely as any other.
///
/// What is known of drivers is known as quantiles, and so no shape has to be assumed. Drawing takes integers alone.
///
/// ```
/// use tieline_sim::{Chance, Quantiles};
///
/// // Half of the cars come before 9:00, none before 7:00 or after 12:00.
/// let arrival = Quantiles::new([(0, 7 * 60), (500, 9 * 60), (1000, 12 * 60)])?;
/// assert_eq!(arrival.mean(), (8 * 60 + 10 * 60 + 30) / 2);
/// let minute = arrival.draw(&mut Chance::of(1, "arrival", 0));
/// assert!((7 * 60..=12 * 60).contains(&minute));
/// # Ok::<(), tieline_sim::QuantilesError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// Each a share in per mille, and the value that so many draws don't exceed.
    points: Vec<(u16, i64)>,
}

/// Numbers that are no quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quantiles go from 0 to 1000 per mille, shares rise, and values within ±10^15 don't fall")]
pub struct QuantilesError;

const LARGEST: i64 = 1_000_000_000_000_000;

impl Quantiles {
    /// The distribution with these quantiles: a share in per mille, and the value that so many draws don't exceed.
    pub fn new(points: impl IntoIterator<Item = (u16, i64)>) -> Result<Self, QuantilesError> {
        let points: Vec<(u16, i64)> = points.into_iter().collect();
        let ends =
            points.first().map(|first| first.0) == Some(0) && points.last().map(|last| last.0) == Some(1000);
        let rises = points.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
        let small = points.iter().all(|(_, value)| (-LARGEST..=LARGEST).contains(value));
        if ends && rises && small { Ok(Self { points }) } else { Err(QuantilesError) }
    }

    /// The distribution with these values at 0, 2, 10, 25, 50, 75, 90, 98 and 100 %.
    pub(super) fn at_nine(values: [i64; 9]) -> Self {
        let shares = [0, 20, 100, 250, 500, 750, 900, 980, 1000];
        Self::new(shares.into_iter().zip(values))
            .expect("the tables of this crate are quantiles, as its tests say")
    }

    /// A value.
    pub fn draw(&self, chance: &mut Chance) -> i64 {
        const FINE: u64 = 1 << 32;
        self.value(chance.below(1000 * FINE), FINE)
    }

    /// The value that this share of draws, in per mille, does not exceed.
    pub fn quantile(&self, per_mille: u16) -> i64 {
        self.value(u64::from(per_mille.min(1000)), 1)
    }

    /// The mean of all draws, rounded down.
    pub fn mean(&self) -> i64 {
        let twice: i128 = self
            .points
            .windows(2)
            .map(|two| i128::from(two[1].0 - two[0].0) * (i128::from(two[0].1) + i128::from(two[1].1)))
            .sum();
        i64::try_from(twice.div_euclid(2000)).expect("a mean is no larger than the largest value")
    }

    /// The value at a share that is given in parts of a per mille.
    fn value(&self, share: u64, parts: u64) -> i64 {
        let position = |point: &(u16, i64)| u64::from(point.0) * parts;
        let next = self.points.partition_point(|point| position(point) < share).max(1);
        let (from, to) = (&self.points[next - 1], &self.points[next]);
        let above = i128::from(share - position(from)) * i128::from(to.1 - from.1);
        let value = i128::from(from.1) + above.div_euclid(i128::from(position(to) - position(from)));
        i64::try_from(value).expect("it lies between two values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_distribution_is_refused() {
        for points in [
            vec![],
            vec![(0, 1)],
            vec![(0, 1), (999, 2)],
            vec![(1, 1), (1000, 2)],
            vec![(0, 2), (1000, 1)],
            vec![(0, 1), (500, 1), (500, 2), (1000, 3)],
            vec![(0, i64::MIN), (1000, i64::MAX)],
        ] {
            assert_eq!(Quantiles::new(points.clone()), Err(QuantilesError), "{points:?}");
        }
        assert_eq!(Quantiles::new([(0, 4), (1000, 4)]).unwrap().draw(&mut Chance::of(1, "", 0)), 4);
    }

    #[test]
    fn draws_have_the_mean_and_the_quantiles_that_were_stated() {
        let distribution = Quantiles::new([(0, -500), (250, 0), (900, 1000), (1000, 5000)]).unwrap();
        let mut chance = Chance::of(1, "draws", 0);
        let mut draws: Vec<i64> = (0..100_000).map(|_| distribution.draw(&mut chance)).collect();
        draws.sort_unstable();
        assert_eq!(distribution.mean(), -63 + 325 + 300);
        let mean = draws.iter().sum::<i64>() / 100_000;
        assert!((mean - distribution.mean()).abs() < 10, "{mean}");
        for per_mille in [100, 250, 500, 750, 900, 990] {
            let found = draws[usize::from(per_mille) * 100];
            let stated = distribution.quantile(per_mille);
            assert!((found - stated).abs() < 40, "{per_mille}: {found} for {stated}");
        }
    }
}
