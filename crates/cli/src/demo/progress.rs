use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A bar over the day, with the phase that it is in (USEF: plan, validate, operate, settle).
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    zone: TimeZone,
    start: Timestamp,
    phase: &'static str,
}

impl Progress {
    pub(super) fn new(zone: TimeZone, start: Timestamp, end: Timestamp) -> Self {
        let bar = ProgressBar::new(seconds(start, end));
        let style = ProgressStyle::with_template("  {msg:<24} {bar:48.blue} {prefix}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, zone, start, phase: "" }
    }

    /// Says what time it is, and in what phase that is.
    pub(super) fn at(&mut self, now: Timestamp, phase: &'static str) {
        if phase != self.phase {
            self.phase = phase;
            self.say(&format!("\n  {phase}"));
            self.bar.set_message(phase);
        }
        self.bar.set_position(seconds(self.start, now));
        self.bar.set_prefix(self.local(now));
    }

    /// A line above the bar.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }

    pub(super) fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    to.as_second().abs_diff(from.as_second())
}
