use std::cmp::Reverse;

use super::{printable, section, table};
use crate::report::day::{Day, Session};
use crate::report::figures::{Class, Figures, missing, permille};
use crate::report::label::{Clock, kilowatt_hours, percent};

/// How many of those who miss most are named.
const NAMED: usize = 10;
/// The longest bar, in characters.
const BAR: usize = 40;

/// How much of what they asked for the drivers got, and who misses most.
pub(super) fn drivers(day: &Day, figures: &Figures, clock: &Clock) -> String {
    let mut shares = table(&["of what was asked for", "drivers", ""], 1..2);
    for (class, count) in figures.classes {
        shares.add_row([class.label(), count.to_string(), bar(count, day.sessions.len())]);
    }
    let title = format!(
        "Energy per driver: {} of {} kWh asked for ({})",
        kilowatt_hours(figures.got),
        kilowatt_hours(figures.asked),
        figures.got_permille().map_or_else(|| "nobody asked".to_owned(), |share| percent(Some(share))),
    );
    let mut text = section(&title, &shares);
    let mut short: Vec<&Session> =
        day.sessions.iter().filter(|session| Class::of(session) != Class::Served).collect();
    short.sort_by_key(|session| (Reverse(missing(session)), session.arrival, &session.charger));
    if short.is_empty() {
        return text;
    }
    let heads = [
        "charger",
        "OCPP",
        "behaviour",
        "arrival",
        "departure",
        "stated",
        "asked, kWh",
        "got, kWh",
        "got, %",
    ];
    let mut worst = table(&heads, 6..9);
    for session in short.iter().take(NAMED) {
        worst.add_row(row(session, clock));
    }
    let title = match short.len() {
        all if all > NAMED => format!("The {NAMED} of {all} short of energy who miss most"),
        _ => "Who is short of energy".to_owned(),
    };
    text.push_str(&section(&title, &worst));
    text
}

fn row(session: &Session, clock: &Clock) -> [String; 9] {
    [
        printable(&session.charger),
        printable(&session.ocpp),
        printable(&session.behaviour),
        clock.time(session.arrival),
        clock.time(session.departure),
        session.stated_departure.map(|stated| clock.time(stated)).unwrap_or_default(),
        kilowatt_hours(session.asked),
        kilowatt_hours(session.got),
        percent(permille(session.got, session.asked)).trim_end_matches(" %").to_owned(),
    ]
}

/// Nobody has no bar, somebody has at least one character.
fn bar(count: usize, all: usize) -> String {
    "█".repeat((count * BAR).div_ceil(all.max(1)))
}
