//! What a number of operations took.

use std::ops::AddAssign;
use std::time::Duration;

/// A count of operations and the time that they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many operations were finished.
    pub count: u32,
    /// User and system time of the process that did them.
    pub cpu: Duration,
    /// The time that passed meanwhile.
    pub wall: Duration,
}

impl Usage {
    /// CPU time of one operation, in microseconds.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.count)
    }

    /// Operations per second of CPU time.
    pub fn per_cpu_second(&self) -> f64 {
        f64::from(self.count) / self.cpu.as_secs_f64()
    }

    /// Operations per second.
    pub fn per_second(&self) -> f64 {
        f64::from(self.count) / self.wall.as_secs_f64()
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.cpu += other.cpu;
        self.wall += other.wall;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_from_the_sums() {
        let mut usage = Usage { count: 10, cpu: Duration::from_millis(10), wall: Duration::from_millis(30) };
        usage += Usage { count: 30, cpu: Duration::from_millis(30), wall: Duration::from_millis(10) };
        assert!((usage.cpu_micros() - 1_000.0).abs() < 1e-9);
        assert!((usage.per_cpu_second() - 1_000.0).abs() < 1e-9);
        assert!((usage.per_second() - 1_000.0).abs() < 1e-9);
    }
}
