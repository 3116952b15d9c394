//! `tieline backtest`: what an order would have done to the drivers of recorded sessions.

mod sessions_file;
mod table;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tieline_flex::backtest::{Rule, Setting, days, rules, run};
use tieline_flex::{Expectation, Supply};

use sessions_file::Limits;

#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// The sessions: a CSV file with a header, plain or gzipped, with the columns `arrival`, `departure` and `delivered_energy
    /// (kWh)`, and where they are known `requested_energy (kWh)`, `estimated_departure` and `claimed`. Times have an offset.
    #[arg(long, value_name = "FILE")]
    sessions: PathBuf,
    /// The zone of the site.
    #[arg(long, value_name = "ZONE", default_value = "America/Los_Angeles", value_parser = zone)]
    zone: TimeZone,
    /// The local time at which each day's order begins.
    #[arg(long, value_name = "TIME", default_value = "09:00")]
    from: Time,
    /// The local time at which it ends.
    #[arg(long, value_name = "TIME", default_value = "10:00")]
    until: Time,
    /// To what each order holds the sessions, in percent of what they would have drawn.
    #[arg(long, value_name = "PERCENT", default_value = "50,20", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    cap: Vec<u8>,
    /// How often the limits are set anew, besides when an EV comes or goes: from 1 minute to 1 hour.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    step: SignedDuration,
    /// The chargers: amperes, volts and, if not 1, phases.
    #[arg(long, value_name = "AMPERES/VOLTS[/PHASES]", default_value = "32/208", value_parser = chargers)]
    chargers: Supply,
    /// Days with fewer sessions are left out.
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    fewest_sessions: usize,
    /// Try Saturdays and Sundays, too.
    #[arg(long)]
    weekends: bool,
    /// The node reckons with departures by which this many percent of the drivers have left.
    #[arg(long, value_name = "PERCENT", default_value_t = Expectation::ONE_IN_FIVE)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=99))]
    leave_by: u8,
    /// Try the node's own rule alone.
    #[arg(long)]
    node_only: bool,
    /// Refuse a file with more sessions.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    most_sessions: usize,
    /// Refuse a file that has more bytes when it is unpacked.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 28)]
    most_bytes: u64,
}

impl Backtest {
    pub(crate) fn execute(&self) -> anyhow::Result<()> {
        let limits = Limits { sessions: self.most_sessions, bytes: self.most_bytes };
        let sessions = sessions_file::read(&self.sessions, limits)
            .with_context(|| self.sessions.display().to_string())?;
        let setting = Setting {
            zone: self.zone.clone(),
            from: self.from,
            until: self.until,
            step: self.step,
            supply: self.chargers,
            fewest_sessions: self.fewest_sessions,
            workdays_only: !self.weekends,
        };
        let days = days(&sessions, &setting)?;
        if days.is_empty() {
            bail!("no day has {} sessions that begin and end on it", self.fewest_sessions.max(1));
        }
        println!("{}", table::heading(&setting, &days, sessions.len()));
        let node = Rule::node(self.leave_by);
        let rules = if self.node_only { vec![node] } else { rules(self.leave_by) };
        for percent in &self.cap {
            println!("\n{}", table::columns(*percent));
            for rule in &rules {
                println!("{}", table::row(*rule, &run(&days, &setting, *rule, *percent), *rule == node));
            }
        }
        println!("\n{}", table::LEGEND);
        Ok(())
    }
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|cause| cause.to_string())
}

fn chargers(text: &str) -> Result<Supply, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (amperes, volts, phases) = match parts[..] {
        [amperes, volts] => (amperes, volts, "1"),
        [amperes, volts, phases] => (amperes, volts, phases),
        _ => {
            return Err(
                "expected amperes/volts or amperes/volts/phases, such as 32/208 or 16/230/3".to_owned()
            );
        }
    };
    let number = |text: &str| text.parse::<u16>().map_err(|cause| format!("{text:?}: {cause}"));
    let phases = phases.parse::<u8>().map_err(|cause| format!("{phases:?}: {cause}"))?;
    Supply::in_watts(phases, number(volts)?, number(amperes)?).map_err(|cause| cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chargers_are_amperes_volts_and_phases() {
        assert_eq!(chargers("32/208").unwrap().maximum().watts(), 6_656);
        assert_eq!(chargers("16/230/3").unwrap().maximum().watts(), 11_040);
        for wrong in ["", "32", "32/208/1/1", "5/208", "32/0", "32/208/4", "32 A/208 V"] {
            assert!(chargers(wrong).is_err(), "{wrong}");
        }
    }
}
