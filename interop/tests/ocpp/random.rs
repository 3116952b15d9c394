//! Chance that is the same from run to run.

/// The generator xorshift64*.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for this name.
    pub(crate) fn of(name: &str) -> Self {
        // FNV-1a.
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below the limit, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a number of 64 bits");
        usize::try_from((self.next() >> 16) % limit).expect("it is below a usize")
    }

    /// A number between two, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = i128::from(most) - i128::from(least) + 1;
        let offset = i128::from(self.next()) % span;
        i64::try_from(i128::from(least) + offset).expect("it lies between two numbers of 64 bits")
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
