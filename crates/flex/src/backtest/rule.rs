use std::collections::BTreeMap;

use jiff::Timestamp;
use tieline_types::Energy;

use crate::dispatch::keep;
use crate::{
    ChargingSession, Departure, Expectation, Fleet, Plan, StayDistribution, Target, dispatch, split,
};

/// How a cap is shared out, and what is known of the drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How it is shared out.
    pub sharing: Sharing,
    /// What is known of departures.
    pub departure: KnownDeparture,
    /// What is known of the energy that is wanted.
    pub energy: KnownEnergy,
    /// Whether the time after the order has a cap.
    pub release: bool,
}

/// How a cap is shared out over the sessions that are present. Each gets 0, or from 6 A to its charger's maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// First come, first served: in the order of arrival, each as much as it can take.
    FirstCome,
    /// All alike.
    Equal,
    /// Earliest departure first, each as much as it can take; those without one last.
    EarliestDeparture,
    /// Least laxity first, each as much as it can take: the time left, less what charging the rest at full power takes.
    LeastLaxity,
    /// Floors up to the departure as it is known, lowered alike where they do not fit, and what is left alike.
    Floors,
    /// [`dispatch()`]: floors up to an early departure, learned from earlier days.
    EarlyFloors {
        /// [`Expectation::leave_by`].
        leave_by: u8,
    },
}

/// Which departure a rule knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownDeparture {
    /// None, or the rule does not ask.
    Nothing,
    /// What the driver stated, if anything.
    Stated,
    /// The real one: what no rule knows.
    Real,
}

/// Which energy a rule takes for wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownEnergy {
    /// None, or the rule does not ask.
    Nothing,
    /// What the driver asked for, if anything.
    Asked,
    /// What the EV took in the record: what no rule knows.
    Taken,
}

/// The rules of the comparison. [`Sharing::EarlyFloors`] reckons with departures by which `leave_by` percent have left.
pub fn rules(leave_by: u8) -> Vec<Rule> {
    use KnownDeparture::{Real, Stated};
    use KnownEnergy::{Asked, Taken};
    use Sharing::{EarliestDeparture, EarlyFloors, Equal, FirstCome, Floors, LeastLaxity};
    let early = EarlyFloors { leave_by };
    vec![
        rule(FirstCome, KnownDeparture::Nothing, KnownEnergy::Nothing),
        rule(Equal, KnownDeparture::Nothing, KnownEnergy::Nothing),
        rule(EarliestDeparture, Real, KnownEnergy::Nothing),
        rule(EarliestDeparture, Stated, KnownEnergy::Nothing),
        rule(LeastLaxity, Real, Taken),
        rule(LeastLaxity, Stated, Taken),
        rule(LeastLaxity, Stated, Asked),
        rule(Floors, Real, Taken),
        rule(Floors, Stated, Taken),
        rule(Floors, Stated, Asked),
        rule(Floors, Real, Taken).released(),
        rule(Floors, Stated, Taken).released(),
        rule(Floors, Stated, Asked).released(),
        rule(early, Stated, Asked),
        Rule::node(leave_by),
        Rule { departure: KnownDeparture::Nothing, ..Rule::node(leave_by) },
    ]
}

const fn rule(sharing: Sharing, departure: KnownDeparture, energy: KnownEnergy) -> Rule {
    Rule { sharing, departure, energy, release: false }
}

impl Rule {
    /// The rule of the node: early floors from stated departures and the energy asked for, and a capped release.
    pub const fn node(leave_by: u8) -> Self {
        rule(Sharing::EarlyFloors { leave_by }, KnownDeparture::Stated, KnownEnergy::Asked).released()
    }

    /// The same with a cap after the order.
    pub const fn released(self) -> Self {
        Self { release: true, ..self }
    }

    /// What it tells each session of the fleet, in its order, which is that of the names.
    pub(super) fn limits(
        self,
        fleet: &Fleet,
        arrivals: &BTreeMap<String, Timestamp>,
        stays: &StayDistribution,
        target: Target,
    ) -> Vec<i64> {
        let now = target.span.start();
        let room = target.power.watts();
        match self.sharing {
            Sharing::FirstCome => in_turn(fleet, room, |session| arrivals.get(&session.id).copied()),
            Sharing::EarliestDeparture => in_turn(fleet, room, |session| last(session.departure.at())),
            Sharing::LeastLaxity => in_turn(fleet, room, |session| last(laxity(session, now))),
            Sharing::Equal => told(&split(fleet, &[target])),
            Sharing::Floors => told(&keep(fleet, &[target], still_to_come)),
            Sharing::EarlyFloors { leave_by } => {
                told(&dispatch(fleet, &[target], &Expectation { stays, arrivals, leave_by }))
            }
        }
    }

    /// What it is let know of a departure.
    pub(super) fn departure(self, stated: Option<Timestamp>, real: Timestamp) -> Departure {
        match self.departure {
            KnownDeparture::Nothing => Departure::Unknown,
            KnownDeparture::Stated => stated.map_or(Departure::Unknown, Departure::Stated),
            // Stated, so that floors up to it give way to the order like the others.
            KnownDeparture::Real => Departure::Stated(real),
        }
    }

    /// What it is let know of the energy that is wanted.
    pub(super) fn energy(self, asked: Option<Energy>, taken: Energy) -> Option<Energy> {
        match self.energy {
            KnownEnergy::Nothing => None,
            KnownEnergy::Asked => asked,
            KnownEnergy::Taken => Some(taken),
        }
    }
}

/// Whoever is still here after the departure that is known leaves when nobody knows.
fn still_to_come(session: &ChargingSession, at: Timestamp) -> Departure {
    if session.departure.at().is_some_and(|departure| departure > at) {
        session.departure
    } else {
        Departure::Unknown
    }
}

/// `None` after everything else.
fn last<T>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}

/// In watt seconds at full power; `None` if departure or energy is not known.
fn laxity(session: &ChargingSession, now: Timestamp) -> Option<i64> {
    let left = session.departure.at()?.as_second() - now.as_second();
    let full = session.supply.maximum().watts();
    Some(left.saturating_mul(full) - session.energy_missing()?.watt_seconds())
}

/// Each as much as it can take, while `room` lasts.
fn in_turn<K: Ord>(fleet: &Fleet, mut room: i64, key: impl Fn(&ChargingSession) -> K) -> Vec<i64> {
    let mut order: Vec<usize> = (0..fleet.sessions.len()).collect();
    order.sort_by_key(|index| key(&fleet.sessions[*index]));
    let mut limits = vec![0; fleet.sessions.len()];
    for index in order {
        let supply = fleet.sessions[index].supply;
        let watts = supply.told(room.min(supply.maximum().watts()));
        if watts >= supply.minimum().watts() {
            limits[index] = watts;
            room -= watts;
        }
    }
    limits
}

fn told(plan: &Plan) -> Vec<i64> {
    let first =
        |session: &crate::SessionPlan| session.periods.first().map_or(0, |period| period.power.watts());
    plan.sessions.iter().map(first).collect()
}

impl std::fmt::Display for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FirstCome => f.pad("first come, first served"),
            Self::Equal => f.pad("equal share"),
            Self::EarliestDeparture => f.pad("earliest departure"),
            Self::LeastLaxity => f.pad("least laxity"),
            Self::Floors => f.pad("floors + water-fill"),
            Self::EarlyFloors { leave_by } => f.pad(&format!("early floors ({leave_by} %)")),
        }
    }
}

impl std::fmt::Display for KnownDeparture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Nothing => "-",
            Self::Stated => "stated",
            Self::Real => "real",
        })
    }
}

impl std::fmt::Display for KnownEnergy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Nothing => "-",
            Self::Asked => "asked",
            Self::Taken => "taken",
        })
    }
}
