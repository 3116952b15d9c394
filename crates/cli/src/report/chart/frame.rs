use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use tieline_types::{Power, TimeSpan};

use super::path::Path;
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
        let power_ticks = ticks(low, high, 7);
        let ends = (power_ticks.first().copied().unwrap_or(low), power_ticks.last().copied().unwrap_or(high));
        let power = Scale::new(ends, (Length::pixels(bottom), Length::pixels(top)));
        Self { time: time_scale(span), power, span, power_ticks }
    }

    /// Where an instant and a power meet.
    pub(super) fn point(&self, at: Timestamp, power: Power) -> (Length, Length) {
        (self.time.at(at.as_second()), self.power.at(power.watts()))
    }

    /// A line that holds each power for its span. Where a span does not follow the one before, it begins anew.
    pub(super) fn steps(&self, powers: impl IntoIterator<Item = (TimeSpan, Power)>) -> Path {
        let mut path = Path::default();
        let mut end = None;
        for (span, power) in powers {
            let ((from, level), (to, _)) = (self.point(span.start(), power), self.point(span.end(), power));
            if end == Some(span.start()) {
                path.upright(level);
            } else {
                path.begin(from, level);
            }
            path.across(to);
            end = Some(span.end());
        }
        path
    }

    /// The area between two powers for each span.
    pub(super) fn areas(&self, bounds: impl IntoIterator<Item = (TimeSpan, Power, Power)>) -> Path {
        let mut path = Path::default();
        for (span, one, other) in bounds {
            path.rectangle(self.point(span.start(), one), self.point(span.end(), other));
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
    let labels = hour_labels(span, clock).into_iter().map(|(at, label)| (time.at(at.as_second()), label));
    html! {
        g.axis {
            @for (x, label) in apart(labels) {
                line.hour x1=(x) x2=(x) y1=(top) y2=(Length(bottom.0 + 40)) {}
                text x=(x) y=(Length(bottom.0 + 180)) text-anchor="middle" { (label) }
            }
        }
    }
}

/// Of labels that are centred on their places, from left to right, those that do not run into the one before.
pub(super) fn apart<T: AsRef<str>>(
    labels: impl IntoIterator<Item = (Length, T)>,
) -> impl Iterator<Item = (Length, T)> {
    let mut end = None;
    labels.into_iter().filter(move |(place, label)| {
        // Half a label: seven pixels for two letters, and some room.
        let half = i64::try_from(label.as_ref().chars().count()).unwrap_or(i64::MAX / 100) * 35 + 30;
        let fits = end.is_none_or(|end| place.0.saturating_sub(half) >= end);
        if fits {
            end = Some(place.0.saturating_add(half));
        }
        fits
    })
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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::report::day::Day;
    use crate::report::sample;

    fn frame(day: &Day) -> Frame {
        let powers = [Power::from_watts(-1_000), Power::from_watts(3_000)];
        Frame::new(day.span().unwrap(), powers, 10, 410)
    }

    #[test]
    fn a_step_line_holds_each_power_and_begins_anew_after_a_gap() {
        let day = sample::day(date(2026, 6, 4), 0, 1);
        let powers = [(0, 0), (1, 3_000), (3, -1_000)];
        let line =
            frame(&day).steps(powers.map(|(isp, watts)| (day.isps[isp].span, Power::from_watts(watts))));
        assert_eq!(line.to_string(), "M64 310H74.8V10H85.7M96.5 410H107.3");
    }

    #[test]
    fn an_area_lies_between_its_powers() {
        let day = sample::day(date(2026, 6, 4), 0, 1);
        let (high, low) = (Power::from_watts(2_000), Power::from_watts(1_000));
        let area = frame(&day).areas([(day.isps[95].span, high, low)]);
        assert_eq!(area.to_string(), "M1093.2 110H1104V210H1093.2Z");
    }

    #[test]
    fn every_day_fills_the_width_with_isps_of_equal_width() {
        for (date, count) in [(date(2026, 3, 29), 92), (date(2026, 6, 4), 96), (date(2026, 10, 25), 100)] {
            let day = sample::day(date, 0, 1);
            let frame = frame(&day);
            let place = |at: Timestamp| frame.time.at(at.as_second());
            assert_eq!(day.isps.len(), count);
            assert_eq!(place(day.isps[0].span.start()), Length::pixels(LEFT));
            assert_eq!(place(day.isps[count - 1].span.end()), Length::pixels(RIGHT));
            let width = (RIGHT - LEFT) * 10 / i64::try_from(count).unwrap();
            for isp in &day.isps {
                let drawn = place(isp.span.end()).0 - place(isp.span.start()).0;
                assert!((width..=width + 1).contains(&drawn), "ISP {}: {drawn}", isp.number);
            }
        }
    }

    #[test]
    fn hours_that_come_twice_or_never_are_labelled_as_they_are() {
        let labels = |date| {
            let day = sample::day(date, 0, 1);
            hour_labels(day.span().unwrap(), &Clock::of(&day))
                .into_iter()
                .map(|(_, label)| label)
                .collect::<Vec<_>>()
        };
        let usual = labels(date(2026, 6, 4));
        assert_eq!(usual.len(), 13);
        assert_eq!((usual[0].as_str(), usual[1].as_str(), usual[12].as_str()), ("00:00", "02:00", "24:00"));
        let spring = labels(date(2026, 3, 29));
        assert_eq!(spring[..3], ["00:00 CET", "04:00 CEST", "06:00 CEST"]);
        let autumn = labels(date(2026, 10, 25));
        assert_eq!(autumn[..4], ["00:00 CEST", "02:00 CEST", "02:00 CET", "04:00 CET"]);
    }

    #[test]
    fn labels_that_would_run_into_each_other_are_left_out() {
        let labels = [(0, "one"), (50, "two"), (150, "three"), (600, "four")];
        let shown = apart(labels.map(|(pixel, label)| (Length::pixels(pixel), label)));
        assert_eq!(shown.map(|(_, label)| label).collect::<Vec<_>>(), ["one", "two", "three", "four"]);
        let crowded = apart((0..100).map(|pixel| (Length::pixels(pixel), "label")));
        assert_eq!(crowded.map(|(place, _)| place.0 / 10).collect::<Vec<_>>(), [0, 41, 82]);
    }

    #[test]
    fn a_span_of_years_has_few_labels() {
        let day = sample::day(date(2026, 6, 4), 0, 1);
        let start = day.isps[0].span.start();
        let span = TimeSpan::new(start, start + SignedDuration::from_hours(100_000)).unwrap();
        assert!(hour_labels(span, &Clock::of(&day)).len() <= MOST_LABELS);
    }
}
