//! Whether a monitor speaks, from one value of its variable to the next.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Monitor, MonitorKind, Origin};
use crate::charge_point::timers::{aligned, later};
use crate::types::Decimal;

/// What a monitor remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The CSMS has been told that the threshold is exceeded, or the target missed.
    exceeded: bool,
    /// The value when the monitor was set or has spoken last.
    reference: Option<String>,
    /// When it speaks next. It begins anew with a restart.
    #[serde(skip)]
    pub(super) due: Option<Timestamp>,
}

/// How a variable is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Its actual value; empty where there is none or it can't be read.
    pub(crate) actual: String,
    pub(crate) target: Option<String>,
    /// It is a number, by its type.
    pub(crate) is_numeric: bool,
}

/// A monitor has spoken.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: i32,
    pub(crate) monitoring: i32,
    pub(crate) monitor: Monitor,
    pub(crate) origin: Origin,
    pub(crate) value: String,
    /// The value is no longer beyond the threshold.
    pub(crate) cleared: bool,
    pub(crate) transaction: Option<String>,
}

/// What a monitor says of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Triggered,
    Cleared,
}

impl Memory {
    /// Begins with this value.
    pub(super) fn begin(&mut self, seen: &Seen) {
        self.reference = Some(seen.actual.clone()).filter(|actual| !actual.is_empty());
        self.due = None;
    }

    /// No transaction is running for which the monitor was set.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What follows from how the variable is.
    pub(super) fn weigh(&mut self, monitor: &Monitor, seen: &Seen) -> Option<Spoken> {
        // A value that is not known (yet) neither exceeds anything nor clears it.
        if seen.actual.is_empty() {
            return None;
        }
        match monitor.kind {
            MonitorKind::UpperThreshold => self.cross(number(&seen.actual)? > monitor.value),
            MonitorKind::LowerThreshold => self.cross(number(&seen.actual)? < monitor.value),
            MonitorKind::Delta => self.move_on(monitor, seen),
            MonitorKind::TargetDelta | MonitorKind::TargetDeltaRelative => self.miss(monitor, seen),
            MonitorKind::Periodic | MonitorKind::PeriodicClockAligned => None,
        }
    }

    /// N07.FR.16 and FR.17: beyond the threshold, not on it; N07.FR.02: back again.
    fn cross(&mut self, exceeds: bool) -> Option<Spoken> {
        let exceeded = std::mem::replace(&mut self.exceeded, exceeds);
        match (exceeded, exceeds) {
            (false, true) => Some(Spoken::Triggered),
            (true, false) => Some(Spoken::Cleared),
            _ => None,
        }
    }

    /// N07.FR.18 and FR.19.
    fn move_on(&mut self, monitor: &Monitor, seen: &Seen) -> Option<Spoken> {
        let Some(reference) = &self.reference else {
            self.reference = Some(seen.actual.clone());
            return None;
        };
        let has_moved = if seen.is_numeric {
            distance(number(&seen.actual)?, number(reference)?).is_none_or(|moved| moved > monitor.value)
        } else {
            *reference != seen.actual
        };
        has_moved.then(|| {
            self.reference = Some(seen.actual.clone());
            Spoken::Triggered
        })
    }

    /// Further from the target than it may be, for the first time or by so much more.
    fn miss(&mut self, monitor: &Monitor, seen: &Seen) -> Option<Spoken> {
        let (actual, target) = (number(&seen.actual)?, number(seen.target.as_deref()?)?);
        let allowed = if monitor.kind == MonitorKind::TargetDeltaRelative {
            target.checked_abs()?.checked_mul(monitor.value)?
        } else {
            monitor.value
        };
        let misses = distance(actual, target).is_none_or(|missed| missed > allowed);
        let is_known = std::mem::replace(&mut self.exceeded, misses);
        let has_moved = || {
            let told = self.reference.as_deref().and_then(number);
            told.is_none_or(|told| distance(actual, told).is_none_or(|moved| moved > allowed))
        };
        (misses && (!is_known || has_moved())).then(|| {
            self.reference = Some(seen.actual.clone());
            Spoken::Triggered
        })
    }

    /// Whether a periodic monitor is due (N08.FR.06 and FR.07); it waits for its next time then.
    pub(super) fn is_due(&mut self, monitor: &Monitor, now: Timestamp) -> bool {
        let interval = interval(monitor);
        let next = || match monitor.kind {
            MonitorKind::PeriodicClockAligned => aligned(now, interval),
            _ => later(now, interval),
        };
        let is_due = match self.due {
            Some(due) if due > now => return false,
            due => due.is_some(),
        };
        // Without drift, unless it is late by a whole interval.
        let follows = self.due.filter(|_| monitor.kind == MonitorKind::Periodic);
        let follows = follows.and_then(|due| later(due, interval)).filter(|next| *next > now);
        self.due = follows.or_else(next);
        is_due
    }
}

/// The interval of a periodic monitor.
pub(super) fn interval(monitor: &Monitor) -> Duration {
    let seconds = monitor.value.round_to(0).map_or(0, Decimal::mantissa);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

pub(super) fn number(text: &str) -> Option<Decimal> {
    text.parse().ok()
}

/// `None`: further than numbers go.
fn distance(one: Decimal, other: Decimal) -> Option<Decimal> {
    one.checked_sub(other)?.checked_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: MonitorKind, value: &str, target: Option<&str>, actual: &[&str]) -> Vec<Option<Spoken>> {
        let monitor = Monitor::new("C", "V", kind, value.parse::<Decimal>().unwrap());
        let seen = |actual: &str| Seen {
            actual: actual.to_owned(),
            target: target.map(str::to_owned),
            is_numeric: number(actual).is_some(),
        };
        let mut memory = Memory::default();
        memory.begin(&seen(actual[0]));
        actual[1..].iter().map(|actual| memory.weigh(&monitor, &seen(actual))).collect()
    }

    const YES: Option<Spoken> = Some(Spoken::Triggered);
    const BACK: Option<Spoken> = Some(Spoken::Cleared);

    #[test]
    fn thresholds_are_exceeded_beyond_them_and_cleared_on_them() {
        let upper =
            told(MonitorKind::UpperThreshold, "60", None, &["50", "60", "60.1", "80", "60", "", "61"]);
        assert_eq!(upper, [None, YES, None, BACK, None, YES]);
        let lower = told(MonitorKind::LowerThreshold, "-5", None, &["0", "-5", "-6", "-5"]);
        assert_eq!(lower, [None, YES, BACK]);
    }

    #[test]
    fn differences_count_from_the_last_that_was_told() {
        assert_eq!(
            told(MonitorKind::Delta, "2", None, &["10", "12", "12.1", "14", "10"]),
            [None, YES, None, YES]
        );
        assert_eq!(told(MonitorKind::Delta, "9", None, &["Available", "Available", "Occupied"]), [None, YES]);
        assert_eq!(told(MonitorKind::Delta, "1", None, &["", "10", "12"]), [None, YES]);
    }

    #[test]
    fn a_target_is_missed_by_more_than_is_allowed() {
        let values = ["100", "110", "111", "112", "122", "100", "89"];
        let expected = [None, YES, None, YES, None, YES];
        assert_eq!(told(MonitorKind::TargetDelta, "10", Some("100"), &values), expected);
        assert_eq!(told(MonitorKind::TargetDeltaRelative, "0.1", Some("100"), &values), expected);
        assert_eq!(told(MonitorKind::TargetDelta, "10", None, &values), [None; 6]);
    }

    #[test]
    fn periods_do_not_drift() {
        let monitor = Monitor::new("C", "V", MonitorKind::Periodic, 60);
        let mut memory = Memory::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!memory.is_due(&monitor, at(5)));
        assert!(!memory.is_due(&monitor, at(64)));
        assert!(memory.is_due(&monitor, at(66)));
        assert_eq!(memory.due, Some(at(125)));
        assert!(memory.is_due(&monitor, at(1000)));
        assert_eq!(memory.due, Some(at(1060)));
        let aligned = Monitor::new("C", "V", MonitorKind::PeriodicClockAligned, 900);
        let mut memory = Memory::default();
        assert!(!memory.is_due(&aligned, at(5)));
        assert_eq!(memory.due, Some(at(900)));
    }
}
