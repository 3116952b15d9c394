use jiff::Timestamp;
use maud::{Markup, html};
use tieline_types::{Power, TimeSpan};

use super::Chart;
use super::frame::{LEFT, RIGHT, apart, hours, time_scale};
use super::path::Path;
use super::scale::{Length, Scale};
use crate::report::day::{Day, Session};
use crate::report::figures::{Class, permille};
use crate::report::label::{Clock, kilowatt_hours, kilowatts, percent, shortened};

/// More rows would be thinner than a pixel or the chart higher than a screen; of more sessions some are left out.
const MOST_ROWS: usize = 300;
/// How many parts of the day a row is coloured in: of five minutes, on most days.
const CELLS: i64 = 288;
/// How many steps of power have a colour of their own.
const LEVELS: i64 = 5;
const TOP: i64 = 30;

/// When each car was there, and how hard it charged.
pub(in crate::report) fn charging(day: &Day, span: TimeSpan, clock: &Clock) -> Markup {
    let (shown, every) = rows(day, span);
    let count = i64::try_from(shown.len()).unwrap_or(i64::MAX).max(1);
    // Ten pixels for a few cars, two for hundreds.
    let row = Length((Length::pixels(600).0 / count).clamp(20, 120));
    let bottom = Length(Length::pixels(TOP).0 + row.0 * count);
    let time = time_scale(span);
    let most = shown.iter().flat_map(|session| session.trace.iter().map(|draw| draw.power.watts()));
    let most = most.max().unwrap_or(0).max(1);
    let placed = || shown.iter().enumerate().map(|(index, session)| (place(index, row), *session));
    let orders = || {
        let spans = day.orders.iter().filter_map(|order| Some((day.span_of(order.isps)?, &order.reference)));
        spans.map(|(span, reference)| {
            let (x, end) = ends(time, span.start(), span.end());
            (x, end, shortened(reference))
        })
    };
    let drawn = html! {
        g.orders {
            @for (x, end, reference) in orders() {
                rect.window x=(x) y=(TOP) width=(Length(end.0 - x.0)) height=(Length(bottom.0 - TOP * 10)) {
                    title { (reference) }
                }
            }
            @for (middle, reference) in apart(orders().map(|(x, end, reference)| (Length(i64::midpoint(x.0, end.0)), reference))) {
                text.order-label x=(middle) y=(TOP - 8) text-anchor="middle" { (reference) }
            }
        }
        (hours(span, time, clock, (bottom, Length::pixels(TOP))))
        path.stay d=(stays(placed(), time, row)) {}
        @for level in 1..=LEVELS {
            path class={ "level-" (level) } d=(strips(placed(), span, row, most, level)) {}
        }
        path.stated d=(stated(placed(), span, time, row)) {}
        g.axis { text x=(LEFT - 8) y=(TOP + 12) text-anchor="end" { (shown.len()) " cars" } }
        g.short { @for (y, session) in placed() {
            @if Class::of(session) != Class::Served {
                circle cx=(RIGHT + 8) cy=(Length(y.0 + row.0 / 2)) r="3" {}
            }
        } }
        g.strips { @for (y, session) in placed() {
            rect.strip x=(LEFT) y=(y) width=(RIGHT - LEFT) height=(row) { title { (said(session, clock)) } }
        } }
    };
    let labels: Vec<String> = (1..=LEVELS).map(|level| label(level, most)).collect();
    let mut legend = vec![("stay", "plugged in")];
    let classes = ["level-1", "level-2", "level-3", "level-4", "level-5"];
    legend.extend(classes.into_iter().zip(labels.iter().map(String::as_str)));
    legend.push(("stated", "stated departure"));
    legend.push(("short", "short by 0.5 kWh or more"));
    Chart {
        id: "chart-charging",
        title: "Charging, car by car",
        description: "A row for each session, in the order of arrival: how long the car was there, when it charged, and how hard.",
        height: bottom.0 / 10 + 28,
        legend: &legend,
        note: (every > 1).then(|| {
            let all = day.sessions.len();
            format!("{} of {all} sessions: of each {every} the first, in the order of arrival. The table has all.", shown.len())
        }),
    }
    .figure(&drawn)
}

/// The sessions to show, by arrival, and of how many each is the first.
fn rows(day: &Day, span: TimeSpan) -> (Vec<&Session>, usize) {
    let present = |session: &&Session| session.arrival < span.end() && session.departure > span.start();
    let mut sessions: Vec<&Session> = day.sessions.iter().filter(present).collect();
    sessions.sort_by(|one, other| (one.arrival, &one.charger).cmp(&(other.arrival, &other.charger)));
    let every = sessions.len().div_ceil(MOST_ROWS).max(1);
    (sessions.into_iter().step_by(every).collect(), every)
}

fn place(index: usize, row: Length) -> Length {
    Length(TOP * 10 + row.0 * i64::try_from(index).unwrap_or(i64::MAX))
}

fn ends(time: Scale, from: Timestamp, to: Timestamp) -> (Length, Length) {
    (time.at(from.as_second()), time.at(to.as_second()))
}

/// Where what is drawn of a row ends; the rest keeps it apart from the next.
fn below(y: Length, row: Length) -> Length {
    Length(y.0 + (row.0 * 4 / 5).max(15))
}

fn stays<'a>(rows: impl Iterator<Item = (Length, &'a Session)>, time: Scale, row: Length) -> Path {
    let mut path = Path::default();
    for (y, session) in rows {
        let (from, to) = ends(time, session.arrival, session.departure);
        path.rectangle((from, y), (to, below(y, row)));
    }
    path
}

fn stated<'a>(
    rows: impl Iterator<Item = (Length, &'a Session)>,
    span: TimeSpan,
    time: Scale,
    row: Length,
) -> Path {
    let mut path = Path::default();
    for (y, session) in rows {
        if let Some(stated) = session.stated_departure.filter(|stated| span.contains(*stated)) {
            path.begin(time.at(stated.as_second()), y);
            path.upright(below(y, row));
        }
    }
    path
}

/// The parts of all rows in which a car charges at this level.
fn strips<'a>(
    rows: impl Iterator<Item = (Length, &'a Session)>,
    span: TimeSpan,
    row: Length,
    most: i64,
    level: i64,
) -> Path {
    let cells = Scale::new((0, CELLS), (Length::pixels(LEFT), Length::pixels(RIGHT)));
    let mut path = Path::default();
    for (y, session) in rows {
        let levels = means(session, span).into_iter().map(|mean| level_of(mean, most));
        let levels: Vec<(i64, i64)> = (0..CELLS).zip(levels).collect();
        for run in levels.chunk_by(|(_, one), (_, other)| one == other) {
            if let ([(from, found), ..], [.., (to, _)]) = (run, run)
                && *found == level
            {
                path.rectangle((cells.at(*from), y), (cells.at(to + 1), below(y, row)));
            }
        }
    }
    path
}

/// 0 for nothing, then in equal steps up to the most that any car drew.
fn level_of(power: Power, most: i64) -> i64 {
    let watts = i128::from(power.watts().max(0));
    // A mean below a hundredth of the most is the end of a charge and not a colour.
    if watts * 100 < most.into() {
        return 0;
    }
    let level = (watts * i128::from(LEVELS) + i128::from(most) - 1) / i128::from(most);
    i64::try_from(level).unwrap_or(LEVELS).clamp(1, LEVELS)
}

fn label(level: i64, most: i64) -> String {
    format!("up to {} kW", kilowatts(Power::from_watts(most / LEVELS * level)))
}

/// What a car drew in each cell of the day, as means.
fn means(session: &Session, span: TimeSpan) -> Vec<Power> {
    let (start, length) = (span.start().as_millisecond(), span.duration().as_millis());
    let cells = i128::from(CELLS);
    let edges: Vec<(i128, i128)> =
        (0..cells).map(|cell| (length * cell / cells, length * (cell + 1) / cells)).collect();
    let mut energies = vec![0_i128; edges.len()];
    let since = |at: Timestamp| i128::from(at.as_millisecond() - start).clamp(0, length);
    let ends = session.trace.iter().skip(1).map(|draw| draw.from).chain([session.departure]);
    for (draw, end) in session.trace.iter().zip(ends) {
        let (from, to) = (since(draw.from), since(end.min(session.departure)));
        let first = edges.partition_point(|(_, end)| *end <= from);
        let touched = energies.iter_mut().zip(&edges).skip(first).take_while(|(_, (start, _))| *start < to);
        for (energy, (start, end)) in touched {
            *energy += i128::from(draw.power.watts()) * (to.min(*end) - from.max(*start)).max(0);
        }
    }
    let means = energies.into_iter().zip(edges).map(|(energy, (start, end))| energy / (end - start).max(1));
    means.map(|watts| Power::from_watts(i64::try_from(watts).unwrap_or(i64::MAX))).collect()
}

fn said(session: &Session, clock: &Clock) -> String {
    let stated = session.stated_departure.map(|stated| format!(", stated {}", clock.time(stated)));
    format!(
        "{}, OCPP {}, {}\n{} to {}{}\nasked {} kWh, got {} kWh {}",
        session.charger,
        session.ocpp,
        session.behaviour,
        clock.time(session.arrival),
        clock.time(session.departure),
        stated.unwrap_or_default(),
        kilowatt_hours(session.asked),
        kilowatt_hours(session.got),
        permille(session.got, session.asked)
            .map(|share| format!("({})", percent(Some(share))))
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;
    use tieline_types::Energy;

    use super::*;
    use crate::report::day::Draw;
    use crate::report::sample;

    /// A car that draws 6 kW for the first hour of the span, 12 kW for the next half, and stays for two hours.
    fn session(start: Timestamp) -> Session {
        let after = |minutes| start + SignedDuration::from_mins(minutes);
        let draws = [(0, 6_000), (60, 12_000), (90, 0)];
        Session {
            charger: "CP-1".to_owned(),
            ocpp: "2.1".to_owned(),
            behaviour: "obedient".to_owned(),
            arrival: start,
            departure: after(120),
            stated_departure: None,
            asked: Energy::from_watt_hours(12_000).unwrap(),
            got: Energy::from_watt_hours(12_000).unwrap(),
            trace: draws
                .map(|(at, watts)| Draw { from: after(at), power: Power::from_watts(watts) })
                .to_vec(),
        }
    }

    #[test]
    fn the_means_of_the_cells_hold_all_energy() {
        for day in [date(2026, 6, 4), date(2026, 3, 29), date(2026, 10, 25)] {
            let span = sample::day(day, 0, 1).span().unwrap();
            let means = means(&session(span.start() + SignedDuration::from_mins(602)), span);
            let watts: i128 = means.iter().map(|mean| i128::from(mean.watts())).sum();
            let energy = watts * i128::from(span.duration().as_secs()) / i128::from(CELLS);
            // Each mean may lose less than a watt, over five minutes.
            assert!((0..i128::from(CELLS) * 300).contains(&(43_200_000 - energy)), "{energy}");
        }
    }

    #[test]
    fn what_lies_outside_the_day_is_left_out() {
        let span = sample::day(date(2026, 6, 4), 0, 1).span().unwrap();
        let before = means(&session(span.start() - SignedDuration::from_mins(60)), span);
        assert_eq!(before[..6], [Power::from_watts(12_000); 6]);
        assert!(before[6..].iter().all(|mean| *mean == Power::ZERO));
        let after = means(&session(span.end() - SignedDuration::from_mins(30)), span);
        assert!(after[..282].iter().all(|mean| *mean == Power::ZERO));
        assert_eq!(after[282..], [Power::from_watts(6_000); 6]);
        assert!(means(&session(span.end()), span).iter().all(|mean| *mean == Power::ZERO));
    }

    #[test]
    fn levels_go_up_to_the_most_in_equal_steps() {
        for (watts, level) in
            [(-5, 0), (0, 0), (99, 0), (100, 1), (2_000, 1), (2_001, 2), (10_000, 5), (20_000, 5)]
        {
            assert_eq!(level_of(Power::from_watts(watts), 10_000), level, "{watts} W");
        }
    }

    #[test]
    fn a_car_is_drawn_where_and_as_it_charged() {
        let span = sample::day(date(2026, 6, 4), 0, 1).span().unwrap();
        let session = session(span.start());
        let drawn =
            |level| strips([(Length::pixels(30), &session)].into_iter(), span, Length(100), 12_000, level);
        // A day is 1040 pixels wide: an hour is 43.3 of them.
        assert_eq!(drawn(3).to_string(), "M64 30H107.3V38H64Z");
        assert_eq!(drawn(5).to_string(), "M107.3 30H129V38H107.3Z");
        assert_eq!(drawn(1).to_string(), "");
    }
}
