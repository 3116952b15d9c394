use tieline_flex::backtest::{Day, Outcome, Rule, Setting};

/// What the columns mean.
pub(super) const LEGEND: &str = "\
short      kWh that drivers lack at their real departure, against what they took; and sessions that lack more than 0.5 kWh; per day
peak       greatest mean power of a step after the order, as a share of the day's normal peak: 95th percentile of the days, and the greatest
kept       the share of the ordered energy that was withheld
departure  real: known in advance, as no rule can; stated: what the driver said; -: not known, or not asked
energy     taken: what the EV took in the end, as no rule can know; asked: what the driver asked for; -: not known, or not asked
release    capped: after the order, those that were held back stay together under the day's peak so far";

/// What was tried.
pub(super) fn heading(setting: &Setting, days: &[Day], read: usize) -> String {
    let sessions: usize = days.iter().map(|day| day.sessions.len()).sum();
    format!(
        "An order from {} to {} ({}) on {} days with {sessions} sessions ({} left out), chargers of {}, steps of {:#}.",
        setting.from.strftime("%H:%M"),
        setting.until.strftime("%H:%M"),
        setting.zone.iana_name().unwrap_or("a zone without a name"),
        days.len(),
        read - sessions,
        setting.supply.maximum(),
        setting.step,
    )
}

/// The heading of a table.
pub(super) fn columns(percent: u8) -> String {
    let order = format!("cap at {percent} % of the baseline");
    format!(
        "{order:<32}{:<11}{:<8}{:<9}{:>10}{:>14}{:>11}{:>11}{:>9}",
        "departure", "energy", "release", "short kWh", "short > 0.5", "peak p95", "greatest", "kept"
    )
}

/// A rule, and what it did.
pub(super) fn row(rule: &Rule, outcome: &Outcome) -> String {
    let kept = outcome.kept() * rust_decimal::Decimal::ONE_HUNDRED;
    let row = format!(
        "{:<32}{:<11}{:<8}{:<9}{:>10.2}{:>14.2}{:>11.3}{:>11.3}{:>7.1} %",
        rule.sharing,
        rule.departure,
        rule.energy,
        if rule.release { "capped" } else { "-" },
        outcome.short_per_day(),
        outcome.short_sessions_per_day(),
        outcome.peak_after_p95(),
        outcome.peak_after_greatest(),
        kept,
    );
    if *rule == Rule::NODE { format!("{row}  <- the node's") } else { row }
}
