use std::borrow::Cow;

/// A set of whole numbers as intervals, both ends included, in order, with a gap between each two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums(Cow<'static, [(i64, i64)]>);

impl Sums {
    /// What nothing adds up to.
    pub(super) const ZERO: Self = Self(Cow::Borrowed(&[(0, 0)]));

    /// The intervals, in any order.
    pub(super) fn of(intervals: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut intervals: Vec<(i64, i64)> = intervals.into_iter().collect();
        #[expect(
            clippy::stable_sort_primitive,
            reason = "sums come as sorted runs, which only the stable sort uses"
        )]
        intervals.sort();
        intervals.dedup_by(|(start, end), (_, end_before)| {
            let joins = *start <= end_before.saturating_add(1);
            if joins {
                *end_before = (*end_before).max(*end);
            }
            joins
        });
        intervals.shrink_to_fit();
        Self(Cow::Owned(intervals))
    }

    /// How many intervals there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All sums of a number of this set and one of the other, up to `cap`.
    pub(super) fn plus(&self, other: &Self, cap: i64) -> Self {
        let (few, many) = if self.len() < other.len() { (self, other) } else { (other, self) };
        let mut sums = Vec::with_capacity(few.len() * many.len());
        for (start, end) in few.0.iter() {
            let pairs = many.0.iter().map(|(other_start, other_end)| (start + other_start, end + other_end));
            let pairs = pairs.take_while(|(start, _)| *start <= cap);
            sums.extend(pairs.map(|(start, end)| (start, end.min(cap))));
        }
        Self::of(sums)
    }

    pub(super) fn contains(&self, number: i64) -> bool {
        self.at_most(number) == Some(number)
    }

    /// Whether a number of this set and one of `others` add up to `sum`.
    pub(super) fn adds_up_to(&self, sum: i64, others: &Self) -> bool {
        self.0.iter().any(|(start, end)| others.at_most(sum - start).is_some_and(|other| other >= sum - end))
    }

    /// At most so many of its intervals, those around `number`.
    pub(super) fn nearest(&self, number: i64, most: usize) -> Cow<'_, Self> {
        if self.len() <= most {
            return Cow::Borrowed(self);
        }
        let before = self.0.partition_point(|(start, _)| *start <= number);
        let first = before.saturating_sub(most.div_ceil(2)).min(self.len() - most);
        Cow::Owned(Self(Cow::Owned(self.0[first..first + most].to_vec())))
    }

    /// The greatest number up to `most`.
    pub(super) fn at_most(&self, most: i64) -> Option<i64> {
        let before = self.0.partition_point(|(start, _)| *start <= most);
        self.0[..before].last().map(|(_, end)| most.min(*end))
    }

    /// The least number from `least` on.
    pub(super) fn at_least(&self, least: i64) -> Option<i64> {
        let before = self.0.partition_point(|(_, end)| *end < least);
        self.0.get(before).map(|(start, _)| least.max(*start))
    }

    /// The number nearest to `wish` that adds up to `sum` with one of `others`; the smaller of two.
    pub(super) fn part_of(&self, sum: i64, others: &Self, wish: i64) -> Option<i64> {
        let single = self.0.iter().filter(|(start, end)| start == end).map(|(number, _)| *number);
        let single = single.filter(|number| others.contains(sum - number));
        let wide = self.0.iter().filter(|(start, end)| start < end).flat_map(|(start, end)| {
            others.0.iter().filter_map(move |(other_start, other_end)| {
                let (least, most) = ((*start).max(sum - other_end), (*end).min(sum - other_start));
                (least <= most).then(|| wish.clamp(least, most))
            })
        });
        single.chain(wide).min_by_key(|number| (wish.abs_diff(*number), *number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums() -> impl Strategy<Value = Sums> {
        let interval = (0_i64..60, 0_i64..4).prop_map(|(start, length)| (start, start + length));
        prop::collection::vec(interval, 0..12).prop_map(Sums::of)
    }

    proptest! {
        #[test]
        fn a_sum_is_added_up_to_where_the_sums_contain_it(one in sums(), other in sums(), sum in -5_i64..140) {
            prop_assert_eq!(one.adds_up_to(sum, &other), one.plus(&other, i64::MAX).contains(sum));
        }

        /// However few are kept: the number itself, or what is next to it below, or if there is none what is next above.
        #[test]
        fn what_is_next_to_a_number_is_kept(sums in sums(), number in -5_i64..70, most in 1_usize..14) {
            let kept = sums.nearest(number, most);
            prop_assert_eq!(kept.len(), sums.len().min(most));
            prop_assert!(kept.0.iter().all(|interval| sums.0.contains(interval)));
            let next = sums.at_most(number).or_else(|| sums.at_least(number));
            prop_assert!(next.is_none_or(|next| kept.contains(next)), "{kept:?} around {number} of {sums:?}");
        }
    }

    #[test]
    fn intervals_that_touch_are_one() {
        assert_eq!(Sums::of([(5, 7), (0, 0), (8, 9), (6, 6)]).0.as_ref(), [(0, 0), (5, 9)]);
    }

    #[test]
    fn sums_are_those_of_every_pair_up_to_the_cap() {
        let one = Sums::of([(0, 0), (4, 6)]);
        assert_eq!(one.plus(&one, i64::MAX).0.as_ref(), [(0, 0), (4, 6), (8, 12)]);
        assert_eq!(one.plus(&one, 9).0.as_ref(), [(0, 0), (4, 6), (8, 9)]);
    }

    #[test]
    fn the_nearest_on_either_side_is_found() {
        let sums = Sums::of([(0, 0), (4, 6), (9, 9)]);
        assert_eq!([0, 3, 5, 8, 20].map(|most| sums.at_most(most)), [0, 0, 5, 6, 9].map(Some));
        assert_eq!(sums.at_most(-1), None);
        assert_eq!([-3, 1, 5, 7].map(|least| sums.at_least(least)), [0, 4, 5, 9].map(Some));
        assert_eq!(sums.at_least(10), None);
        assert!(sums.contains(9) && !sums.contains(8));
    }

    #[test]
    fn a_part_is_as_near_to_the_wish_as_the_others_allow() {
        let own = Sums::of([(0, 0), (4, 10)]);
        let others = Sums::of([(0, 0), (3, 5)]);
        assert_eq!(own.part_of(9, &others, 7), Some(6));
        assert_eq!(own.part_of(9, &others, 8), Some(9));
        assert_eq!(own.part_of(3, &others, 7), Some(0));
        assert_eq!(own.part_of(20, &others, 7), None);
    }
}
