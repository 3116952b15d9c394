use rust_decimal::{Decimal, RoundingStrategy};
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
        "An order from {} to {} ({}). Days: {}; sessions: {sessions}, {} left out; chargers: {}; steps: {:#}.",
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
pub(super) fn row(rule: Rule, outcome: &Outcome, is_node: bool) -> String {
    let row = format!(
        "{:<32}{:<11}{:<8}{:<9}{:>10}{:>14}{:>11}{:>11}{:>7} %",
        rule.sharing,
        rule.departure,
        rule.energy,
        if rule.release { "capped" } else { "-" },
        rounded(outcome.short_per_day(), 2),
        rounded(outcome.short_sessions_per_day(), 2),
        rounded(outcome.peak_after_p95(), 3),
        rounded(outcome.peak_after_greatest(), 3),
        rounded(outcome.kept() * Decimal::ONE_HUNDRED, 1),
    );
    if is_node { format!("{row}  <- the node's") } else { row }
}

/// With so many digits, as text. Formatting a decimal with a precision would cut it.
fn rounded(number: Decimal, digits: u32) -> String {
    let mut number = number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    number.rescale(digits);
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_keep_their_digits() {
        let rounded = |text: &str, digits| rounded(text.parse().unwrap(), digits);
        assert_eq!([rounded("6.656", 2), rounded("0.005", 2), rounded("1", 3)], ["6.66", "0.01", "1.000"]);
    }
}
