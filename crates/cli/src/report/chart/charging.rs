use jiff::Timestamp;
use maud::{Markup, html};
use tieline_types::{Power, TimeSpan};

use super::Chart;
use super::frame::{LEFT, RIGHT, hours, time_scale};
use super::scale::{Length, Scale};
use crate::report::day::{Day, Session};
use crate::report::figures::{Class, permille};
use crate::report::label::{Clock, kilowatt_hours, kilowatts, percent};

/// More rows would be thinner than a pixel or the chart higher than a screen; of more sessions some are left out.
const MOST_ROWS: usize = 300;
/// How many parts of the day a row is coloured in: of five minutes, on most days.
const CELLS: usize = 288;
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
    let drawn = html! {
        g.orders {
            @for order in &day.orders {
                @if let Some(span) = day.span_of(order.isps) {
                    @let (x, end) = ends(time, span.start(), span.end());
                    rect.window x=(x) y=(TOP) width=(Length(end.0 - x.0)) height=(Length(bottom.0 - TOP * 10)) {}
                    text.order-label x=(Length(i64::midpoint(x.0, end.0))) y=(TOP - 8) text-anchor="middle" { (order.reference) }
                }
            }
        }
        (hours(span, time, clock, (bottom, Length::pixels(TOP))))
        path.stay d=(stays(placed(), time, row)) {}
        @for level in 1..=LEVELS {
            path class={ "level-" (level) } d=(strips(placed(), span, row, most, level)) {}
        }
        path.stated d=(stated(placed(), span, time, row)) {}
        g.axis { text x=(LEFT - 8) y=(TOP + 12) text-anchor="end" { "cars" } }
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
    let mut legend = vec![("stay", "there, not charging")];
    let classes = ["level-1", "level-2", "level-3", "level-4", "level-5"];
    legend.extend(classes.into_iter().zip(labels.iter().map(String::as_str)));
    legend.push(("stated", "departure as stated"));
    legend.push(("short", "missed at least 0.5 kWh"));
    Chart {
        id: "chart-charging",
        title: "Charging, car by car",
        description: "A row for each session, in the order of arrival: how long the car was there, when it charged, and how hard.",
        height: bottom.0 / 10 + 34,
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

/// What is drawn of a row's height; the rest keeps it apart from the next.
fn thickness(row: Length) -> Length {
    Length((row.0 * 4 / 5).max(15))
}

fn stays<'a>(rows: impl Iterator<Item = (Length, &'a Session)>, time: Scale, row: Length) -> String {
    let high = thickness(row);
    rows.map(|(y, session)| {
        let (from, to) = ends(time, session.arrival, session.departure);
        format!("M{from} {y}H{to}v{high}H{from}Z")
    })
    .collect()
}

fn stated<'a>(
    rows: impl Iterator<Item = (Length, &'a Session)>,
    span: TimeSpan,
    time: Scale,
    row: Length,
) -> String {
    rows.filter_map(|(y, session)| {
        let stated = session.stated_departure.filter(|stated| span.contains(*stated))?;
        Some(format!("M{} {y}v{}", time.at(stated.as_second()), thickness(row)))
    })
    .collect()
}

/// The parts of all rows in which a car charges at this level.
fn strips<'a>(
    rows: impl Iterator<Item = (Length, &'a Session)>,
    span: TimeSpan,
    row: Length,
    most: i64,
    level: i64,
) -> String {
    let cells = Scale::new((0, CELLS as i64), (Length::pixels(LEFT), Length::pixels(RIGHT)));
    let high = thickness(row);
    let mut path = String::new();
    for (y, session) in rows {
        let levels: Vec<i64> = means(session, span).iter().map(|mean| level_of(*mean, most)).collect();
        let mut cell = 0;
        for run in levels.chunk_by(|one, other| one == other) {
            let end = cell + run.len() as i64;
            if run.first() == Some(&level) {
                let (from, to) = (cells.at(cell), cells.at(end));
                path.push_str(&format!("M{from} {y}H{to}v{high}H{from}Z"));
            }
            cell = end;
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
    let bound = |level| kilowatts(Power::from_watts(most / LEVELS * level));
    format!("{} to {} kW", bound(level - 1), bound(level))
}

/// What a car drew in each cell of the day, as means.
fn means(session: &Session, span: TimeSpan) -> Vec<Power> {
    let (start, length) = (span.start().as_millisecond(), span.duration().as_millis());
    let edge = |cell: usize| length * cell as i128 / CELLS as i128;
    let mut energy = vec![0_i128; CELLS];
    let ends = session.trace.iter().skip(1).map(|draw| draw.from).chain([session.departure]);
    for (draw, end) in session.trace.iter().zip(ends) {
        let since = |at: Timestamp| i128::from(at.as_millisecond() - start).clamp(0, length);
        let (from, to) = (since(draw.from), since(end.min(session.departure)));
        let mut cell = usize::try_from(from * CELLS as i128 / length.max(1)).unwrap_or(0);
        while cell < CELLS && edge(cell) < to {
            let time = to.min(edge(cell + 1)) - from.max(edge(cell));
            energy[cell] += i128::from(draw.power.watts()) * time.max(0);
            cell += 1;
        }
    }
    let mean = |(cell, energy): (usize, i128)| energy / (edge(cell + 1) - edge(cell)).max(1);
    let means = energy.into_iter().enumerate().map(mean);
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
