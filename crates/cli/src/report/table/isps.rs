use comfy_table::Table;
use tieline_types::{Power, TimeSpan};

use super::{Rows, printable, table};
use crate::report::day::{Day, Disposition, Isp};
use crate::report::label::{Clock, kilowatts, kilowatts_or_none};

const HEADS: [&str; 9] =
    ["ISP", "local time", "baseline", "requested", "offered", "ordered", "measured", "delivered", "missed"];

/// A row for each traded ISP, or for each of the day; where nothing was traded, one row of means for all in a run.
pub(super) fn table_of(day: &Day, clock: &Clock, rows: Rows) -> Table {
    let mut table = table(&HEADS, 2..9);
    let alone = |isp: &Isp| rows == Rows::All || isp.is_traded();
    for run in day.isps.chunk_by(|one, other| !alone(one) && !alone(other)) {
        match run {
            [isp] => table.add_row(one(isp, clock)),
            [first, .., last] => table.add_row(summary(run, first, last, clock)),
            [] => &mut table,
        };
    }
    table
}

/// Why orders were missed, in a line for each run of ISPs with the same reason.
pub(super) fn shortfalls(day: &Day) -> String {
    let lines = day.isps.chunk_by(|one, other| one.shortfall == other.shortfall).filter_map(|run| {
        let (first, last) = (run.first()?, run.last()?);
        let why = printable(first.shortfall.as_deref()?);
        Some(match run.len() {
            1 => format!("  missed in ISP {}: {why}\n", first.number),
            _ => format!("  missed in ISPs {} to {}: {why}\n", first.number, last.number),
        })
    });
    lines.collect()
}

fn one(isp: &Isp, clock: &Clock) -> Vec<String> {
    let requested = isp.requested.map(|bounds| {
        let room = if bounds.disposition == Disposition::Available { "room " } else { "" };
        format!("{room}{} to {}", kilowatts(bounds.min), kilowatts(bounds.max))
    });
    vec![
        isp.number.to_string(),
        clock.span(isp.span),
        kilowatts(isp.baseline),
        requested.unwrap_or_default(),
        kilowatts_or_none(isp.offered),
        kilowatts_or_none(isp.ordered),
        kilowatts_or_none(isp.measured),
        kilowatts_or_none(isp.delivered),
        kilowatts_or_none(isp.deficiency),
    ]
}

/// Many ISPs in which nothing was traded, as means.
fn summary(run: &[Isp], first: &Isp, last: &Isp, clock: &Clock) -> Vec<String> {
    let span = TimeSpan::new(first.span.start(), last.span.end());
    let mut row = vec![String::new(); HEADS.len()];
    row[0] = format!("{} to {}", first.number, last.number);
    row[1] = span.map(|span| clock.span(span)).unwrap_or_default();
    row[2] = kilowatts_or_none(mean(run.iter().map(|isp| Some(isp.baseline))));
    row[6] = kilowatts_or_none(mean(run.iter().map(|isp| isp.measured)));
    row
}

/// `None` if one is not known.
fn mean(powers: impl Iterator<Item = Option<Power>>) -> Option<Power> {
    let (mut sum, mut count) = (0_i128, 0_i128);
    for power in powers {
        sum += i128::from(power?.watts());
        count += 1;
    }
    i64::try_from(sum.checked_div(count)?).ok().map(Power::from_watts)
}
