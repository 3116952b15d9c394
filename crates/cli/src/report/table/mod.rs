//! A day as text for a terminal of 120 columns.

mod energy;
mod isps;
mod trade;

use std::fmt::Write as _;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::day::Day;
use super::figures::Figures;
use super::label::Clock;

/// Which ISPs have a row of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// The traded ones; those between are summed up.
    Traded,
    /// All of the day.
    All,
}

/// The day as text: what it was, each ISP, the drivers, the settlement, the journals.
pub(crate) fn text(day: &Day, rows: Rows) -> String {
    let (figures, clock) = (Figures::of(day), Clock::of(day));
    let mut text = headline(day);
    for alarm in &day.alarms {
        // Writing to a String can't fail.
        let _ = writeln!(text, "  alarm at {}: {}", clock.time(alarm.at), printable(&alarm.text));
    }
    text.push_str(&section("Mean power per ISP, kW", &isps::table_of(day, &clock, rows)));
    text.push_str(&isps::shortfalls(day));
    text.push_str(&energy::drivers(day, &figures, &clock));
    text.push_str(&trade::settlement(day, &figures));
    text.push_str(&section("Journals", &trade::journals(day)));
    text
}

fn headline(day: &Day) -> String {
    format!(
        "{}, {}: {} ISPs of {} minutes behind {}\n  \
         DSO {}, AGR {}, {} chargers, {} sessions, seed {}, played in {:.1} s\n",
        day.date,
        day.time_zone.iana_name().unwrap_or("a fixed offset"),
        day.isps.len(),
        day.isp_duration.minutes(),
        day.congestion_point,
        day.dso,
        day.agr,
        day.chargers,
        day.sessions.len(),
        day.seed,
        day.took.as_secs_f64()
    )
}

fn section(title: &str, table: &Table) -> String {
    let mut text = format!("\n{title}\n");
    for line in table.lines() {
        text.push_str("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A table whose columns from `numbers.0` to before `numbers.1` are numbers.
pub(crate) fn table(heads: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule)).set_header(heads.iter().copied());
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_cell_alignment(if numbers.contains(&index) {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    table
}

/// Text from elsewhere without what a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
