//! The lines that a run has to prove.

use std::fmt;

use anyhow::{Result, ensure};

/// A ratio and the bound that it has to keep.
#[derive(Debug, Clone)]
pub struct Line {
    what: String,
    ratio: f64,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Line {
    /// `ratio` must not be less than `bound`.
    pub fn at_least(bound: f64, ratio: f64, what: impl Into<String>) -> Self {
        Self { what: what.into(), ratio, bound: Bound::AtLeast(bound) }
    }

    /// `ratio` must not be more than `bound`.
    pub fn at_most(bound: f64, ratio: f64, what: impl Into<String>) -> Self {
        Self { what: what.into(), ratio, bound: Bound::AtMost(bound) }
    }

    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.ratio >= bound,
            Bound::AtMost(bound) => self.ratio <= bound,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let (side, bound) = match self.bound {
            Bound::AtLeast(bound) => ("at least", bound),
            Bound::AtMost(bound) => ("at most", bound),
        };
        write!(f, "{}: {:.2} ({side} {bound}): {verdict}", self.what, self.ratio)
    }
}

/// Prints the lines. It is an error if one is missed.
pub fn conclude(lines: &[Line]) -> Result<()> {
    println!();
    for line in lines {
        println!("- {line}");
    }
    let missed = lines.iter().filter(|line| !line.is_met()).count();
    ensure!(missed == 0, "{missed} of {} lines missed", lines.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_good_side() {
        assert!(Line::at_least(2.0, 2.0, "x").is_met());
        assert!(Line::at_most(2.0, 2.0, "x").is_met());
        assert!(!Line::at_least(2.0, 1.9, "x").is_met());
        assert!(!Line::at_most(2.0, 2.1, "x").is_met());
        assert!(!Line::at_most(2.0, f64::NAN, "x").is_met());
        assert!(conclude(&[Line::at_least(2.0, 1.9, "x")]).is_err());
    }
}
