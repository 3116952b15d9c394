use maud::{Markup, html};

use super::Chart;
use super::frame::{RIGHT, WIDTH};
use super::scale::{Length, Scale};
use crate::report::figures::Figures;

/// Where the bars begin, in pixels from the left.
const BARS: i64 = 270;
const ROW: i64 = 26;

/// How many drivers got how much of what they asked for. Nothing on a day without drivers.
pub(in crate::report) fn served(figures: &Figures) -> Markup {
    let counts = figures.classes.map(|(class, count)| (class, i64::try_from(count).unwrap_or(i64::MAX)));
    let sessions = counts.iter().map(|(_, count)| *count).fold(0, i64::saturating_add);
    if sessions == 0 {
        return Markup::default();
    }
    let scale = Scale::new((0, sessions), (Length::pixels(BARS), Length::pixels(RIGHT - 60)));
    let drawn = html! {
        g.axis {
            @for ((class, count), row) in counts.iter().zip(0..) {
                @let y = 6 + row * ROW;
                @let end = scale.at(*count);
                text.name x=(BARS - 10) y=(y + ROW / 2) dy="0.1em" text-anchor="end" { (class.label()) }
                rect.served[row == 0].unserved[row != 0] x=(BARS) y=(y) height=(ROW - 8)
                    width=(Length(end.0 - BARS * 10)) data-count=(count) {}
                text.value x=(Length(end.0 + 80)) y=(y + ROW / 2) dy="0.1em" { (count) }
            }
            line.zero x1=(BARS) x2=(BARS) y1="0" y2=(6 + ROW * 5) {}
        }
    };
    Chart {
        id: "chart-served",
        title: "What the drivers got",
        description: "Drivers by how much they got of the energy that they asked for.",
        height: 12 + ROW * 5,
        legend: &[],
        note: None,
    }
    .figure(&drawn)
}

const _: () = assert!(BARS < RIGHT && RIGHT < WIDTH);
