use jiff::Timestamp;
use tieline_types::{Energy, TimeSpan};

use crate::{ChargingSession, Steering};

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
        let supply = self.session.supply;
        let (least, full) = (supply.minimum().watts(), self.full());
        let maximum = supply.told_at_least(full.max(least)).min(supply.told(supply.maximum().watts()));
        // An EV that takes less than 6 A takes that, or nothing.
        let minimum = if full < least { supply.told_at_least(full) } else { least };
        let maximum = if full < least { minimum } else { maximum };
        if !self.is_charging(span) || maximum == 0 {
            return Range { floor: 0, minimum: least, maximum: 0 };
        }
        Range { floor: self.floor(span, minimum, maximum), minimum, maximum }
    }

    /// What it takes in `span` by itself: no more than it can use up before it is full, so that others at its connection
    /// can have the rest.
    pub(crate) fn appetite(&self, span: TimeSpan) -> Range {
        let range = Range { floor: 0, ..self.range(span) };
        let present = self.present(span);
        if range.maximum == 0 || present == 0 {
            return Range { maximum: 0, ..range };
        }
        let used_up = rounded_up(self.drawn(span, range.maximum), present);
        Range { maximum: used_up.clamp(range.minimum, range.maximum), ..range }
    }

    /// What can be given in `span` without waste: no more than it can use up before the end, in steps that can be told.
    pub(crate) fn useful(&self, span: TimeSpan) -> Range {
        let range = self.range(span);
        let most = self.session.supply.told_at_least(self.appetite(span).maximum);
        Range { maximum: most.max(range.floor).min(range.maximum), ..range }
    }

    /// What it draws in `span` whatever it is told, while it draws; 0 if it can be steered.
    pub(crate) fn unsteered(&self, span: TimeSpan) -> i64 {
        match self.session.steering {
            Steering::Unsteerable { draws } if self.is_charging(span) => draws.watts().max(0),
            Steering::Unsteerable { .. } | Steering::Steerable => 0,
        }
    }

    /// What it still wants, in watt seconds, never negative; `None` if nobody knows.
    pub(crate) fn missing(&self) -> Option<i64> {
        self.missing.map(|missing| missing.watt_seconds().max(0))
    }

    /// The most that it draws.
    pub(crate) fn full(&self) -> i64 {
        let full = self.session.supply.maximum().watts();
        self.session.draws_at_most.map_or(full, |most| full.min(most.watts().max(0)))
    }

    /// Whether it is there in `span` and wants something.
    fn is_charging(&self, span: TimeSpan) -> bool {
        self.present(span) > 0 && self.missing() != Some(0)
    }

    /// What must be given in `span` so that full power afterwards is still enough.
    fn floor(&self, span: TimeSpan, minimum: i64, maximum: i64) -> i64 {
        let (Some(missing), Some(departure)) = (self.missing, self.session.departure.at()) else { return 0 };
        let full = self.full();
        let later = seconds(span.end(), departure).saturating_mul(full);
        let owed = missing.watt_seconds().saturating_sub(later);
        if owed <= 0 {
            return 0;
        }
        let needed = rounded_up(owed, self.present(span));
        if needed >= full {
            return maximum;
        }
        self.session.supply.told_at_least(needed.max(minimum))
    }

    /// Goes on to the end of `span` at a limit of `watts`.
    pub(crate) fn advance(&mut self, span: TimeSpan, watts: i64) {
        let drawn = self.drawn(span, watts);
        self.missing = self.missing.map(|missing| Energy::from_watt_seconds(missing.watt_seconds() - drawn));
    }

    /// What it draws over `span` at a limit of `watts`, in watt seconds: less than the limit lets it where the EV takes less,
    /// gets all it wants, comes after the start or leaves before the end.
    pub(crate) fn drawn(&self, span: TimeSpan, watts: i64) -> i64 {
        let watts = match self.session.steering {
            Steering::Steerable => watts.min(self.full()),
            Steering::Unsteerable { .. } => watts,
        };
        let drawn = self.present(span).saturating_mul(watts);
        self.missing().map_or(drawn, |missing| drawn.min(missing))
    }

    /// How many seconds of `span` it is there.
    pub(crate) fn present(&self, span: TimeSpan) -> i64 {
        let start = self.session.arrives.map_or(span.start(), |arrival| arrival.max(span.start()));
        let end = self.session.departure.at().map_or(span.end(), |departure| departure.min(span.end()));
        seconds(start, end)
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
