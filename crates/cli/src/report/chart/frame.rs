use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use tieline_types::{Power, TimeSpan};

use super::scale::{Length, Scale, ticks};
use crate::report::label::{Clock, kilowatts};

/// The width of every chart, in pixels.
pub(super) const WIDTH: i64 = 1120;
/// Where the plots begin, in pixels from the left.
pub(super) const LEFT: i64 = 64;
/// Where they end.
pub(super) const RIGHT: i64 = WIDTH - 16;

/// Labels of the hours that fit beside each other; those of a day on which clocks change are longer.
const MOST_LABELS: usize = 14;
/// How far labels of hours may be apart, in minutes.
const STEPS: [i64; 8] = [15, 30, 60, 120, 180, 240, 360, 720];

/// The plot of powers over time.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) time: Scale,
    pub(super) power: Scale,
    span: TimeSpan,
    power_ticks: Vec<i64>,
}

impl Frame {
    /// A plot between `top` and `bottom`, in pixels, that shows these powers, and zero.
    pub(super) fn new(
        span: TimeSpan,
        powers: impl IntoIterator<Item = Power>,
        top: i64,
        bottom: i64,
    ) -> Self {
        let (mut low, mut high) = (0, 0);
        for power in powers {
            low = low.min(power.watts());
            high = high.max(power.watts());
        }
        let power_ticks = ticks(low, high, 6);
        let ends = (power_ticks.first().copied().unwrap_or(low), power_ticks.last().copied().unwrap_or(high));
        let power = Scale::new(ends, (Length::pixels(bottom), Length::pixels(top)));
        Self { time: time_scale(span), power, span, power_ticks }
    }

    /// Where an instant and a power meet.
    pub(super) fn point(&self, at: Timestamp, power: Power) -> (Length, Length) {
        (self.time.at(at.as_second()), self.power.at(power.watts()))
    }

    /// A line that holds each power for its span. Where a span does not follow the one before, it begins anew.
    pub(super) fn steps(&self, powers: impl IntoIterator<Item = (TimeSpan, Power)>) -> String {
        let mut path = String::new();
        let mut end = None;
        for (span, power) in powers {
            let ((from, level), (to, _)) = (self.point(span.start(), power), self.point(span.end(), power));
            if end == Some(span.start()) {
                path.push_str(&format!("V{level}H{to}"));
            } else {
                path.push_str(&format!("M{from} {level}H{to}"));
            }
            end = Some(span.end());
        }
        path
    }

    /// The area between two powers for each span.
    pub(super) fn areas(&self, bounds: impl IntoIterator<Item = (TimeSpan, Power, Power)>) -> String {
        let mut path = String::new();
        for (span, one, other) in bounds {
            let ((from, high), (to, low)) = (self.point(span.start(), one), self.point(span.end(), other));
            path.push_str(&format!("M{from} {high}H{to}V{low}H{from}Z"));
        }
        path
    }

    /// The grid, and the labels of both axes.
    pub(super) fn axes(&self, clock: &Clock) -> Markup {
        let zero = self.power.at(0);
        html! {
            g.axis {
                @for tick in &self.power_ticks {
                    @let level = self.power.at(*tick);
                    line.zero[*tick == 0].grid[*tick != 0] x1=(LEFT) x2=(RIGHT) y1=(level) y2=(level) {}
                    text x=(LEFT - 8) y=(level) dy="0.32em" text-anchor="end" { (kilowatts(Power::from_watts(*tick)).trim_end_matches(".0")) }
                }
                text.unit x=(LEFT - 8) y=(Length(self.power.places().1.0 - 160)) text-anchor="end" { "kW" }
            }
            (hours(self.span, self.time, clock, self.power.places()))
            line.zero x1=(LEFT) x2=(RIGHT) y1=(zero) y2=(zero) {}
        }
    }

    /// A strip over the whole height for a span: what is under the pointer there says `title`.
    pub(super) fn strip(&self, span: TimeSpan, title: &str) -> Markup {
        let (bottom, top) = self.power.places();
        let (from, to) = (self.time.at(span.start().as_second()), self.time.at(span.end().as_second()));
        html! {
            rect.strip x=(from) y=(top) width=(Length(to.0 - from.0)) height=(Length(bottom.0 - top.0)) {
                title { (title) }
            }
        }
    }
}

/// Where the instants of a span lie.
pub(super) fn time_scale(span: TimeSpan) -> Scale {
    let seconds = (span.start().as_second(), span.end().as_second());
    Scale::new(seconds, (Length::pixels(LEFT), Length::pixels(RIGHT)))
}

/// The labels of full hours under a plot, and their lines through it.
pub(super) fn hours(span: TimeSpan, time: Scale, clock: &Clock, (bottom, top): (Length, Length)) -> Markup {
    html! {
        g.axis {
            @for (at, label) in hour_labels(span, clock) {
                @let x = time.at(at.as_second());
                line.hour x1=(x) x2=(x) y1=(top) y2=(Length(bottom.0 + 40)) {}
                text x=(x) y=(Length(bottom.0 + 180)) text-anchor="middle" { (label) }
            }
        }
    }
}

/// Instants at which the local clock shows a round time, and what it shows.
fn hour_labels(span: TimeSpan, clock: &Clock) -> Vec<(Timestamp, String)> {
    let quarter = SignedDuration::from_mins(15);
    let seconds = span.start().as_second();
    let first = Timestamp::from_second(seconds + (-seconds).rem_euclid(quarter.as_secs()));
    let first = first.unwrap_or(span.start());
    // A day has about a hundred quarters; whoever says that it lasts for years gets labels for its beginning.
    let quarters = (0..200).filter_map(|count| first.checked_add(quarter * count).ok());
    let instants: Vec<Timestamp> = quarters.take_while(|at| *at <= span.end()).collect();
    let round = |step: i64| {
        let instants = instants.iter().filter(move |at| clock.minute(**at) % step == 0);
        instants.copied().collect::<Vec<_>>()
    };
    let fitting = STEPS.into_iter().map(round).find(|labels| labels.len() <= MOST_LABELS);
    let fitting = fitting.unwrap_or_default().into_iter();
    fitting.map(|at| (at, if at == span.end() { clock.end(at) } else { clock.time(at) })).collect()
}
