use jiff::Timestamp;
use tieline_types::{Energy, TimeSpan};

use crate::ChargingSession;

/// A session on its way through a plan: what it still wants when a span starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course<'a> {
    pub(crate) session: &'a ChargingSession,
    missing: Option<Energy>,
}

/// What a session can be given in one span, in watts that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// Less leaves the driver short; 0 if it can pause.
    pub(crate) floor: i64,
    /// The least besides 0.
    pub(crate) minimum: i64,
    /// The most; 0 if it wants nothing.
    pub(crate) maximum: i64,
}

impl<'a> Course<'a> {
    pub(crate) fn new(session: &'a ChargingSession) -> Self {
        Self { session, missing: session.energy_missing() }
    }

    /// What can be given in `span`.
    pub(crate) fn range(&self, span: TimeSpan) -> Range {
        let minimum = self.session.supply.minimum().watts();
        let full = self.session.supply.maximum().watts();
        let left = self.session.departure.at().is_some_and(|departure| departure <= span.start());
        let satisfied = self.missing.is_some_and(|missing| missing.watt_seconds() <= 0);
        if left || satisfied {
            return Range { floor: 0, minimum, maximum: 0 };
        }
        Range { floor: self.floor(span, minimum, full), minimum, maximum: self.session.supply.told(full) }
    }

    /// What it takes in `span` by itself: no more than it can use up before it is full, so that others at its connection
    /// can have the rest.
    pub(crate) fn appetite(&self, span: TimeSpan) -> Range {
        let range = Range { floor: 0, ..self.range(span) };
        let present = seconds(span.start(), self.end_in(span));
        if range.maximum == 0 || present == 0 {
            return Range { maximum: 0, ..range };
        }
        let used_up = rounded_up(self.drawn(span, range.maximum), present);
        Range { maximum: used_up.clamp(range.minimum, range.maximum), ..range }
    }

    /// What must be given in `span` so that full power afterwards is still enough.
    fn floor(&self, span: TimeSpan, minimum: i64, full: i64) -> i64 {
        let (Some(missing), Some(departure)) = (self.missing, self.session.departure.at()) else { return 0 };
        let later = seconds(span.end(), departure).saturating_mul(full);
        let now = seconds(span.start(), span.end().min(departure));
        let owed = missing.watt_seconds().saturating_sub(later);
        if owed <= 0 || now == 0 {
            return 0;
        }
        let needed = rounded_up(owed, now);
        if needed >= full {
            return self.session.supply.told(full);
        }
        let needed = needed.max(minimum);
        if self.session.supply.told(needed) == needed {
            needed
        } else {
            self.session.supply.next_told(needed)
        }
    }

    /// Goes on to the end of `span` at a limit of `watts`.
    pub(crate) fn advance(&mut self, span: TimeSpan, watts: i64) {
        let drawn = self.drawn(span, watts);
        self.missing = self.missing.map(|missing| Energy::from_watt_seconds(missing.watt_seconds() - drawn));
    }

    /// What it draws over `span` at a limit of `watts`, in watt seconds: less than the limit lets it where it gets all it
    /// wants, or leaves, before the end.
    pub(crate) fn drawn(&self, span: TimeSpan, watts: i64) -> i64 {
        let drawn = seconds(span.start(), self.end_in(span)).saturating_mul(watts);
        self.missing.map_or(drawn, |missing| drawn.min(missing.watt_seconds().max(0)))
    }

    /// The end of `span`, or the departure if that is earlier.
    fn end_in(&self, span: TimeSpan) -> Timestamp {
        self.session.departure.at().map_or(span.end(), |departure| departure.min(span.end()))
    }
}

/// Whole seconds from `start` to `end`; 0 if it is not after.
pub(crate) fn seconds(start: Timestamp, end: Timestamp) -> i64 {
    (end.as_second() - start.as_second()).max(0)
}

/// `energy` over `seconds`, neither of them negative.
fn rounded_up(energy: i64, seconds: i64) -> i64 {
    energy / seconds + i64::from(energy % seconds > 0)
}
