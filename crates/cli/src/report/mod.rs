//! A day shown: as text for a terminal, and as one HTML page that needs nothing but itself.

mod chart;
mod day;
mod figures;
mod label;
mod page;
pub(crate) mod table;

#[cfg(test)]
mod browser;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::Context as _;

pub(crate) use day::{
    Alarm, Day, Disposition, Draw, Isp, Journal, Order, Requested, Session, Settlement, Totals,
};
pub(crate) use table::{Rows, text};

/// Writes the page of a day to a file, over whatever it had.
pub(crate) fn write(day: &Day, path: &Path) -> anyhow::Result<()> {
    std::fs::write(path, page::page(day).into_string())
        .with_context(|| format!("can't write the report to {}", path.display()))
}
