use std::fmt::{self, Write as _};

use super::scale::Length;

/// What an SVG path draws: its `d`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// Begins a line, at the left.
    pub(super) fn begin(&mut self, x: Length, y: Length) {
        self.add(format_args!("M{x} {y}"));
    }

    /// Goes on to the side.
    pub(super) fn across(&mut self, x: Length) {
        self.add(format_args!("H{x}"));
    }

    /// Goes on up or down.
    pub(super) fn upright(&mut self, y: Length) {
        self.add(format_args!("V{y}"));
    }

    /// A rectangle between two corners.
    pub(super) fn rectangle(&mut self, (left, top): (Length, Length), (right, bottom): (Length, Length)) {
        self.add(format_args!("M{left} {top}H{right}V{bottom}H{left}Z"));
    }

    fn add(&mut self, piece: fmt::Arguments<'_>) {
        self.0.write_fmt(piece).expect("a String takes all that is written to it");
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
