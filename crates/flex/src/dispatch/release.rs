use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_types::{Power, TimeSpan};

use crate::floor::Course;
use crate::{BoundBy, ChargingSession, Fleet, Plan, Target};

/// The time after an order, in which what was held back is charged without a new peak.
///
/// It begins with the order: what each plan withholds is noted ([`Release::hold_back`]). Once the order is over, the fleet stays
/// under its normal peak ([`Release::target`]) until no session that was held back is charging any more, or the latest end has
/// come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    normal_peak: Power,
    latest_end: Timestamp,
    held_back: BTreeSet<String>,
}

impl Release {
    /// A release up to `normal_peak`: the most that the day would have seen, as far as that is known. It is the greatest of the
    /// D-Prognosis, of what was measured this day before the order, and of the baseline in the order's ISPs.
    pub const fn new(normal_peak: Power, latest_end: Timestamp) -> Self {
        Self { normal_peak, latest_end, held_back: BTreeSet::new() }
    }

    /// The same with another latest end: more was ordered meanwhile.
    #[must_use]
    pub fn until(self, latest_end: Timestamp) -> Self {
        Self { latest_end, ..self }
    }

    /// The same with a cap that is no lower than `normal_peak`: what was ordered meanwhile has a higher baseline.
    #[must_use]
    pub fn at_least_up_to(self, normal_peak: Power) -> Self {
        Self { normal_peak: self.normal_peak.max(normal_peak), ..self }
    }

    /// When it is over at the latest.
    pub const fn latest_end(&self) -> Timestamp {
        self.latest_end
    }

    /// The cap.
    pub const fn normal_peak(&self) -> Power {
        self.normal_peak
    }

    /// Notes the sessions of which `plan` asks to take less in `span` than they could. Those held back by the release itself
    /// count, too.
    pub fn hold_back(&mut self, fleet: &Fleet, plan: &Plan, span: TimeSpan) {
        let by_name: BTreeMap<&str, &ChargingSession> =
            fleet.sessions.iter().map(|session| (session.id.as_str(), session)).collect();
        for planned in &plan.sessions {
            let Some(session) = by_name.get(planned.session.as_str()) else { continue };
            let periods = planned.periods.iter().filter(|period| period.span.overlaps(span));
            for period in periods.filter(|period| period.bound_by != BoundBy::Finished) {
                self.note(session, period.power, span);
            }
        }
    }

    /// Notes a session that charges and is told `power` in `span`, if it could take more.
    pub fn note(&mut self, session: &ChargingSession, power: Power, span: TimeSpan) {
        // One that has what was asked for, and goes on, could take all that its charger delivers.
        let most = Some(Course::new(session).range(span).maximum).filter(|most| *most > 0);
        let most = most.unwrap_or(session.supply.maximum().watts());
        if power.watts() < most && !self.held_back.contains(&session.id) {
            self.held_back.insert(session.id.clone());
        }
    }

    /// The sessions that were held back and are still charging.
    pub fn held_back<'a>(&'a self, fleet: &'a Fleet) -> impl Iterator<Item = &'a str> {
        let charging = |session: &&ChargingSession| self.held_back.contains(&session.id);
        fleet.sessions.iter().filter(charging).map(|session| session.id.as_str())
    }

    /// The target of a span after the order; `None` once the release is over. The fleet holds the sessions that are charging,
    /// and no others.
    pub fn target(&self, fleet: &Fleet, span: TimeSpan) -> Option<Target> {
        let goes_on = span.start() < self.latest_end && self.held_back(fleet).next().is_some();
        goes_on.then(|| Target::at_most(span, self.normal_peak))
    }
}
