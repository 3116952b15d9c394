use std::fmt;

/// A length on a chart in tenths of a pixel, written in pixels. Whole numbers, so that a day is drawn the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Length(pub(super) i64);

impl Length {
    pub(super) const fn pixels(pixels: i64) -> Self {
        Self(pixels * 10)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, tenth) = (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10);
        let sign = if self.0 < 0 { "-" } else { "" };
        if tenth == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{tenth}") }
    }
}

/// Takes values to places on a chart, in proportion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    values: (i64, i64),
    places: (Length, Length),
}

impl Scale {
    /// The scale on which `values.0` lies at `places.0` and `values.1` at `places.1`.
    pub(super) fn new(values: (i64, i64), places: (Length, Length)) -> Self {
        Self { values, places }
    }

    /// Where a value lies; one beyond the scale lies at its end.
    pub(super) fn at(&self, value: i64) -> Length {
        let (low, high) = (i128::from(self.values.0), i128::from(self.values.1));
        let (from, to) = (i128::from(self.places.0.0), i128::from(self.places.1.0));
        let along = i128::from(value).clamp(low.min(high), low.max(high)) - low;
        let length = (high - low).max(1);
        let distance = (along * (to - from).abs() * 2 + length) / (length * 2);
        let place = from + distance * (to - from).signum();
        Length(i64::try_from(place).unwrap_or(self.places.1.0))
    }

    /// The places of the ends.
    pub(super) fn places(&self) -> (Length, Length) {
        self.places
    }
}

/// Round values from the one below `low` to the one above `high`, at most `most` steps of 1, 2 or 5 times a power of ten
/// between them.
pub(super) fn ticks(low: i64, high: i64, most: i64) -> Vec<i64> {
    let (low, high) = (i128::from(low), i128::from(high.max(low)));
    let mut step = 1_i128;
    for factor in [2, 5, 10].into_iter().cycle() {
        if high.div_euclid(step) - low.div_euclid(step) < most.into() {
            break;
        }
        step = if factor == 5 { step / 2 * 5 } else { step * 2 };
    }
    let first = low.div_euclid(step);
    let last = -(-high).div_euclid(step);
    let values = (first..=last.max(first + 1)).map(|count| count * step);
    values.filter_map(|value| i64::try_from(value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_pixels() {
        for (tenths, text) in [(0, "0"), (5, "0.5"), (-5, "-0.5"), (120, "12"), (-123, "-12.3")] {
            assert_eq!(Length(tenths).to_string(), text);
        }
    }

    #[test]
    fn a_scale_is_exact_at_its_ends_and_keeps_order() {
        let up = Scale::new((-7, 93), (Length::pixels(300), Length::pixels(10)));
        assert_eq!((up.at(-7), up.at(93)), (Length::pixels(300), Length::pixels(10)));
        assert_eq!((up.at(-1000), up.at(1000)), (Length::pixels(300), Length::pixels(10)));
        assert!((-7..93).all(|value| up.at(value) > up.at(value + 1)));
        let whole = Scale::new((i64::MIN, i64::MAX), (Length(0), Length(1000)));
        assert_eq!(
            (whole.at(i64::MIN), whole.at(0), whole.at(i64::MAX)),
            (Length(0), Length(500), Length(1000))
        );
        let point = Scale::new((4, 4), (Length(0), Length(1000)));
        assert!(point.at(4) <= Length(1000));
    }

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        assert_eq!(ticks(0, 231_400, 6), [0, 50_000, 100_000, 150_000, 200_000, 250_000]);
        assert_eq!(ticks(-60_000, 0, 6), [-60_000, -40_000, -20_000, 0]);
        assert_eq!(ticks(0, 0, 6), [0, 1]);
        for (low, high) in [(0, 1), (-3, 8), (-1_000_001, 7), (0, 99_999), (i64::MIN, i64::MAX)] {
            let ticks = ticks(low, high, 6);
            assert!(ticks.len() <= 9, "{ticks:?}");
            assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
        }
    }
}
