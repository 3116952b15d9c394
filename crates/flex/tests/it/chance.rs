//! Numbers as if by chance, the same on every run.

/// SplitMix64.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included; `least` if that is more.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        let Ok(count) = u64::try_from(most - least + 1) else { return least };
        if count == 0 { least } else { least + i64::try_from(self.next() % count).unwrap() }
    }
}
